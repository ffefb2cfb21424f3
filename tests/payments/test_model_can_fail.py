"""The auditor sees bugs: each is planted by hand, and the same short histories must go red.

A guard of the database that refuses the bug is as good as a figure that differs; a machine that stays green is not.
"""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError
from hypothesis.errors import FlakyFailure as Flaky

from payments import pay, settlement, shop_book
from payments.gateway import Answer
from payments.models import Transfer
from payments.network import claims, expiry, verbs
from payments.network import gateway as network_gateway
from payments.network.models import Card
from tests.payments.test_model import histories

pytestmark = [pytest.mark.ledger, pytest.mark.long]


def commission_posted_twice(monkeypatch):
    post = shop_book._post

    def twice(message, **moves):
        post(message, **moves)
        for booked in Transfer.objects.filter(uuid=uuid.uuid5(message.id, "commission")):
            booked.pk, booked.uuid = None, uuid.uuid4()
            booked.save(force_insert=True)

    monkeypatch.setattr(shop_book, "_post", twice)


def no_hold_expires(monkeypatch):
    for module in (verbs, expiry):
        monkeypatch.setattr(module, "expire_due", lambda account_id: 0)


def a_refused_release_is_taken_for_done(monkeypatch):
    write = pay._write_answer

    def as_approved(message, answer):
        write(message, Answer("00") if message.verb == "release" else answer)

    monkeypatch.setattr(pay, "_write_answer", as_approved)


def a_refused_capture_is_taken_for_done(monkeypatch):
    record = pay.record

    def approved(*, message_id, answer):
        verb = pay.Message.objects.values_list("verb", flat=True).get(pk=message_id)
        return record(message_id=message_id, answer=Answer("00") if verb == "capture" else answer)

    monkeypatch.setattr(pay, "record", approved)


def refunds_go_to_another_card(monkeypatch):
    def stranger(authorisation):
        others = Card.objects.exclude(account_id=authorisation.account_id)
        return others.order_by("-pk").values_list("account_id", flat=True).first()

    def refund(ask):
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr(verbs, "_account_of", stranger)
            return verbs.refund(ask)

    monkeypatch.setitem(network_gateway._TELLS, "refund", refund)


def reversals_leave_no_tombstone(monkeypatch):
    def forgetful(ask):
        if not verbs.Authorisation.objects.filter(pk=ask.of).exists():
            return Answer("00")
        return verbs.reverse(ask)

    monkeypatch.setitem(network_gateway._TELLS, "reverse", forgetful)


def a_tombstone_is_ignored(monkeypatch):
    read = verbs.read_one

    def blind(model, condition, values):
        row = read(model, condition, values)
        is_tombstone = model is verbs.Authorisation and row is not None and row.amount == 0
        if is_tombstone and condition == "WHERE id = %s":
            with verbs.connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("DELETE FROM network_authorisation WHERE id = %s", values)
                cursor.execute("SET LOCAL session_replication_role = origin")
            return None
        return row

    monkeypatch.setattr(verbs, "read_one", blind)


def answers_are_recorded_without_the_lock(monkeypatch):
    def unlocked(condition, key):
        return pay.read_one(pay.Payment, f"WHERE {condition}", [key])

    monkeypatch.setattr(pay, "_locked", unlocked)


def sellers_are_paid_twice(monkeypatch):
    payouts = settlement._payouts
    monkeypatch.setattr(settlement, "_payouts", lambda cut: [*(due := list(payouts(cut))), *due])
    monkeypatch.setattr(settlement, "settlement_id", lambda *about: uuid.uuid4())


def a_claim_brings_the_money_back_twice(monkeypatch):
    send_back = claims._send_back

    def twice(claim, sent, card):
        send_back(claim, sent, card)
        Transfer.objects.create(
            uuid=uuid.uuid4(), kind="send", debit_account_id=card.account_id, credit_account_id=sent.account_id,
            amount=sent.amount, reference=claim.pk,
        )  # fmt: skip

    monkeypatch.setattr(claims, "_send_back", twice)


def the_fare_goes_to_the_seller(monkeypatch):
    post = shop_book._post

    def as_goods(message, *, fare=0, sale=0, **moves):
        post(message, sale=sale + fare, **moves)

    monkeypatch.setattr(shop_book, "_post", as_goods)


def wrong_pins_are_not_counted(monkeypatch):
    decide = verbs.decide

    def forgiving(facts, amount):
        told = decide(facts, amount)
        return type(told)(told.code, facts.pin_tries)

    monkeypatch.setattr(verbs, "decide", forgiving)


BUGS = [
    commission_posted_twice, no_hold_expires, a_refused_release_is_taken_for_done, a_refused_capture_is_taken_for_done,
    refunds_go_to_another_card, reversals_leave_no_tombstone, a_tombstone_is_ignored,
    answers_are_recorded_without_the_lock, sellers_are_paid_twice, a_claim_brings_the_money_back_twice,
    the_fare_goes_to_the_seller, wrong_pins_are_not_counted,
]  # fmt: skip


def _is_red(error) -> bool:
    """Hypothesis runs the history that failed once more, in a fresh ledger: a bug may need what came before it."""
    return all(_is_red(each) for each in error.exceptions) if isinstance(error, Flaky) else isinstance(error, RED)


# A figure that differs, a refusal that did not come, or a guard of the database; not a mistake in the planting.
RED = (AssertionError, pytest.fail.Exception, DatabaseError)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_turns_the_histories_red(bug, monkeypatch, settings):
    settings.PAYMENT_FAULTS = "seed=7"
    bug(monkeypatch)
    with pytest.raises((*RED, Flaky)) as red:
        histories(examples=60, steps=40, number=1, shrink=False)
    assert _is_red(red.value)
    print(bug.__name__, "→", type(red.value).__name__, str(red.value)[:200].replace("\n", " "))
