"""Rows for the attempts on the ledger's guards: made once in its database; every attempt is rolled back."""

import contextlib
import uuid

import pytest
from django.db import connection, transaction

from payments import audit, pay
from payments.models import Account, Message
from payments.network import cards, claims, loads, sending
from payments.network.acts import Clerk
from payments.network.verbs import charge_back
from payments.reconciliation import BREAKS, State, explain, items
from payments.settlement import close_day, waiting_days
from payments.settlement_models import Explanation, SettlementFile
from payments.shop_book import seller_account
from tests.factories import UserFactory
from tests.payments.cast import PIN, asked, authorised, captured, issued, next_day, opened, settled, told

_WORLDS = {}


@pytest.fixture
def world(ledger_db):
    if ledger_db not in _WORLDS:
        _WORLDS[ledger_db] = made()
    return _WORLDS[ledger_db] | {"new": uuid.uuid4(), "next": next_day(), "next_but_one": next_day(2)}


def sent_away(card, other, clerk):
    """Money sent, claimed, claimed and given back; a payout; loads that wait and are agreed; a lost card."""
    claimed, sent = _sent(card, other, 1), _sent(card, other, 2)
    assert sending.redeem(key=uuid.uuid4(), card=card, amount=3, pin=PIN, by=clerk).code == "00"
    claim = claims.make_claim(card=card, sent=claimed, reason="a wrong number")
    settled = claims.make_claim(card=card, sent=_sent(card, other, 2), reason="a wrong number")
    assert claims.agree(key=uuid.uuid4(), claim=settled, card=other, pin=PIN) == "00"
    waiting, agreed = (
        loads.load_line(key=uuid.uuid4(), card=card, line=uuid.uuid4().hex, amount=1_000_001, by=clerk)
        for _ in range(2)
    )
    loads.agree_load(proposal=agreed, by=Clerk(id=8, phone="1919000001"))
    lost, _ = issued(0)
    cards.report_lost(key=uuid.uuid4(), card=lost, by=clerk)
    return {
        "sent": sent.pk, "claim": claim.pk, "claimed": claimed.pk, "settled": settled.pk, "waiting": waiting.pk,
        "agreed_load": agreed.pk, "lost": lost.pk,
    }  # fmt: skip


def _sent(card, other, amount):
    sent = sending.send(key=uuid.uuid4(), payer=card, payee=other, amount=amount, fee=10, pin=PIN)
    assert sent.code == "00"
    return sent


def settle_everything(user):
    """Other tests leave days with breaks behind: here all are explained, so that the last day is settled as well."""
    for cut in list(waiting_days()):
        if settled(cut).waits_for:
            for item in items(cut, states=(State.IN_FLIGHT,), limit=10_000):
                told(Message.objects.get(pk=item.id))
            for item in items(cut, states=BREAKS, limit=10_000):
                explain(cut=cut, about=item.id, state=item.state, reason="it was a test", by=user)
            assert not settled(cut).waits_for, cut


def made():
    """A card with 8,000 won: 3,000 held of which 1,000 are captured; another payment fully captured; one asked."""
    card, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    capture = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=900, fare=100, commission_bp=300)
    capture = told(capture)
    release = told(asked(pay.ask_release, payment=payment, parcel=2, part="", amount=500))
    done = captured(presented, 1_000, seller_id=6)
    pending = opened(400)
    fresh = authorised(presented, 600)
    other_card, _ = issued(50)
    foreign, _ = issued(0)
    euros, _ = issued(500, currency="EUR")
    guest, _ = issued(500, resident=False)
    life = sent_away(card, other_card, Clerk(id=7, phone="1919000006"))
    cut = close_day(next_day())
    user = UserFactory()
    settle_everything(user)
    Explanation.objects.create(cut=cut, about=uuid.uuid4(), state="shop_only", reason="it was a test", by=user)
    taken = pay.message_id(done.id, "capture", 1)
    charge_back(case=uuid.uuid4(), capture=taken, amount=1, reason="never ordered")
    audited = audit.begin()
    assert list(audit.carry_out(audited))
    accounts = {account.kind: account.pk for account in Account.objects.exclude(kind__in=["card", "seller"])}
    return {
        **accounts, **life,
        "card": card.account_id, "plastic": card.pk, "other_card": other_card.account_id, "closed": cut.day,
        "seller": seller_account(5).pk, "payment": payment.id, "done": done.id,
        "pending": pending.payment_id, "pending_message": pending.id, "fresh": fresh.id,
        "auth": pay.message_id(payment.id, "authorise"), "done_auth": pay.message_id(done.id, "authorise"),
        "fresh_auth": pay.message_id(fresh.id, "authorise"),
        "capture": capture.id, "release": release.id, "foreign": foreign.pk,
        "run": audit.begin().pk, "audited": audited.pk, "user": user.pk,
        "cut": cut.pk, "file": SettlementFile.objects.get(cut=cut).pk,
        "euros": euros.account_id, "guest": guest.account_id,
    }  # fmt: skip


class Undone(Exception):
    """Raised to take back what an attempt did."""


@contextlib.contextmanager
def taken_back():
    with contextlib.suppress(Undone), transaction.atomic():
        yield
        raise Undone


def attempt(statement, world):
    """Run it in a savepoint; whatever is checked at commit is checked now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, world)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
