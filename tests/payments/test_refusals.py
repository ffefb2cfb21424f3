# ruff: noqa: S608 - every piece of these statements stands in this file
"""What the database refuses whatever the application does: one attempt or more for every guard.

Triggers are tried as they stand; CHECKs and unique constraints with the triggers off, so that each is seen to
hold alone. The last tests compare the list with what the database has: a guard without a test is red.
"""

import contextlib
import uuid

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, models, transaction

from payments import pay
from payments.models import Account, DayCut, Message
from payments.network import cards, claims, loads, sending
from payments.network.acts import Clerk
from payments.network.verbs import charge_back
from payments.reconciliation import BREAKS, State, explain, items
from payments.settlement import close_day, waiting_days
from payments.settlement_models import Explanation, SettlementFile
from payments.shop_book import seller_account
from tests.factories import UserFactory
from tests.payments.cast import PIN, asked, authorised, captured, issued, next_day, opened, settled, told

# In the ledger's database the world is made once; every attempt is rolled back.
pytestmark = pytest.mark.ledger
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
    accounts = {account.kind: account.pk for account in Account.objects.exclude(kind__in=["card", "seller"])}
    return {
        **accounts, **life,
        "card": card.account_id, "plastic": card.pk, "other_card": other_card.account_id, "closed": cut.day,
        "seller": seller_account(5).pk, "payment": payment.id, "done": done.id,
        "pending": pending.payment_id, "pending_message": pending.id, "fresh": fresh.id,
        "auth": pay.message_id(payment.id, "authorise"), "done_auth": pay.message_id(done.id, "authorise"),
        "fresh_auth": pay.message_id(fresh.id, "authorise"),
        "capture": capture.id, "release": release.id, "foreign": foreign.pk,
        "user": user.pk, "cut": cut.pk, "file": SettlementFile.objects.get(cut=cut).pk,
        "euros": euros.account_id, "guest": guest.account_id,
    }  # fmt: skip


def transfer(kind, debit, credit, amount, reference="%(payment)s", *, key="%(new)s"):
    return (
        "INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference)"
        f" VALUES ({key}, '{kind}', {debit}, {credit}, {amount}, {reference})"
    )


def more_than_owed(account):
    return f"balance_of(%({account})s) + 1"


def message(verb, columns="", values="", payment="%(payment)s", amount=100):
    return (
        f"INSERT INTO payments_message (id, payment_id, verb, amount, next_at{columns})"
        f" VALUES (%(new)s, {payment}, '{verb}', {amount}, now(){values})"
    )


def another_sellers(verb):
    """The network's answer about goods of a seller who is not %(seller)s."""
    asking = message(verb, ", seller_id, goods", ", 99, 100")
    return f"{asking}; UPDATE payments_message SET code = '00' WHERE id = %(new)s"


def payment(columns="", values="", amount=100, code="'NEWORDER'"):
    return f"INSERT INTO payments_payment (id, order_code, amount{columns}) VALUES (%(new)s, {code}, {amount}{values})"


def instruction(columns, values):
    return (
        f"INSERT INTO network_instruction (id, account_id, last4, code, {columns})"
        f" VALUES (%(new)s, %(card)s, '0000', '00', {values})"
    )


def proposal(columns="", values="", amount=5, deposit="%(new)s"):
    return (
        f"INSERT INTO network_loadproposal (id, deposit, line, card_id, account_id, amount, proposed_by, proposed_phone"
        f"{columns}) VALUES (%(new)s, {deposit}, 'L', %(plastic)s, %(card)s, {amount}, 7, '7'{values})"
    )


def authorisation(values, columns=""):
    """account, amount, state, code."""
    return (
        f"INSERT INTO network_authorisation (id, account_id, amount, state, code, expires_at{columns})"
        f" VALUES (%(new)s, {values})"
    )


def file_line(*, verb="refund", amount=1, position=1, file="%(file)s", key="%(new)s", capture="NULL"):
    return (
        "INSERT INTO payments_settlementline (id, file_id, position, verb, amount, network_seq, at, capture)"
        f" VALUES ({key}, {file}, {position}, '{verb}', {amount}, 1, now(), {capture})"
    )


def settlement_file(cut):
    return (
        "INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned)"
        f" VALUES (%(new)s, {cut}, '', 0, 0, 0)"
    )


def next_day_settled(file, received=0):
    """A settled day that is not yet."""
    return (
        "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
        " RETURNING id) INSERT INTO payments_settlement (cut_id, file_id, received)"
        f" SELECT id, {file}, {received} FROM cut"
    )


def explanation(state="shop_only", reason="'late'", about="%(new)s"):
    return (
        "INSERT INTO payments_explanation (cut_id, about, state, reason, by_id)"
        f" VALUES (%(cut)s, {about}, '{state}', {reason}, %(user)s)"
    )


# (guard, statement). A guard is "table.trigger".
TRIGGERS = [
    # History is append-only, tables are never emptied.
    *[
        (f"payments_{table}.append_only", f"{deed} payments_{table}{rest}")
        for table, column in [
            ("account", "owner"), ("transferkind", "role"), ("transfer", "amount"), ("daycut", "seq"),
            ("closing", "balance"), ("seal", "cut_id"), ("settlementfile", "lines"), ("settlementline", "amount"),
            ("explanation", "reason"), ("settlement", "paid_out"),
        ]
        for deed, rest in [("UPDATE", f" SET {column} = {column}"), ("DELETE FROM", "")]
    ],
    *[(f"payments_{table}.no_delete", f"DELETE FROM payments_{table}") for table in ["payment", "message"]],
    *[(f"network_{table}.no_delete", f"DELETE FROM network_{table}") for table in ["balance", "card", "authorisation"]],
    ("network_release.append_only", "UPDATE network_release SET amount = amount"),
    ("network_release.append_only", "DELETE FROM network_release"),
    ("network_chargeback.append_only", "UPDATE network_chargeback SET amount = amount"),
    ("network_chargeback.append_only", "DELETE FROM network_chargeback"),
    *[
        (f"{table}.no_truncate", f"TRUNCATE {table} CASCADE")
        for table in [
            "payments_account", "payments_transferkind", "payments_transfer", "payments_daycut", "payments_closing",
            "payments_seal", "payments_payment", "payments_message", "network_balance", "network_card",
            "network_authorisation", "network_release", "network_instruction", "network_claim", "network_loadproposal",
            "network_act",


            "network_authorisation", "network_release", "network_chargeback", "payments_settlementfile",
            "payments_settlementline", "payments_explanation", "payments_settlement",
        ]
    ],
    *[
        (f"network_{table}.append_only", f"{deed} network_{table}{rest}")
        for table in ["instruction", "act"]
        for deed, rest in [("UPDATE", " SET code = code"), ("DELETE FROM", "")]
    ],
    *[(f"network_{table}.no_delete", f"DELETE FROM network_{table}") for table in ["claim", "loadproposal"]],
    ("payments_transferkind.sealed", "INSERT INTO payments_transferkind VALUES ('gift', 'bank', 'card', 'shop_app')"),
    # Money is not made: unknown shapes, crossing the books, unknown accounts.
    ("payments_transfer.transfer_check", transfer("gift", "%(bank)s", "%(card)s", 5)),
    ("payments_transfer.transfer_check", transfer("load", "%(bank)s", "%(card)s", 5)),
    ("payments_transfer.transfer_check", transfer("load", "%(card)s", "%(float)s", 5)),
    ("payments_transfer.transfer_check", transfer("capture", "%(card)s", "%(seller)s", 5, "%(auth)s")),
    ("payments_transfer.transfer_check", transfer("load", "%(float)s", "0", 5)),
    # A seller and the couriers are paid no more than is owed; nor is the shop.
    ("payments_transfer.transfer_check", transfer("payout", "%(seller)s", "%(bank)s", more_than_owed("seller"))),
    (
        "payments_transfer.transfer_check",
        transfer("fare_payout", "%(delivery)s", "%(bank)s", more_than_owed("delivery")),
    ),
    ("payments_transfer.transfer_check", transfer("settle", "%(merchant)s", "%(float)s", more_than_owed("merchant"))),
    # The shop books only what the network has confirmed.
    ("payments_transfer.shop_consequences", transfer("sale", "%(network)s", "%(seller)s", 1)),
    ("payments_transfer.shop_consequences", transfer("fare", "%(network)s", "%(delivery)s", 1)),
    ("payments_transfer.shop_consequences", transfer("sale", "%(network)s", "%(seller)s", 1, "%(new)s")),
    ("payments_transfer.shop_consequences", transfer("sale", "%(network)s", "%(seller)s", 1, "%(pending)s")),
    ("payments_transfer.shop_consequences", transfer("sale_back", "%(seller)s", "%(network)s", 1)),
    ("payments_transfer.shop_consequences", transfer("fare_back", "%(delivery)s", "%(network)s", 1)),
    # Nobody is paid from the vouchers' or the commission's account, or pays into them, beyond the network's answers;
    # and a sale is the seller's it was captured for.
    ("payments_transfer.shop_shares", transfer("subsidy", "%(promotion)s", "%(seller)s", 1)),
    ("payments_transfer.shop_shares", transfer("subsidy", "%(promotion)s", "%(seller)s", 1, "%(new)s")),
    ("payments_transfer.shop_shares", transfer("subsidy_back", "%(seller)s", "%(promotion)s", 1)),
    ("payments_transfer.shop_shares", transfer("commission", "%(seller)s", "%(commission)s", 1)),
    ("payments_transfer.shop_shares", transfer("commission_back", "%(commission)s", "%(seller)s", 28)),
    (
        "payments_transfer.shop_shares",
        f"{another_sellers('capture')}; {transfer('sale', '%(network)s', '%(seller)s', 1)}",
    ),
    (
        "payments_transfer.shop_shares",
        f"{another_sellers('refund')}; {transfer('sale_back', '%(seller)s', '%(network)s', 1)}",
    ),
    # A card is taken from only by its own open authorisation, and given back only what it paid.
    ("payments_transfer.card_consequences", transfer("capture", "%(card)s", "%(merchant)s", 1, "%(new)s")),
    ("payments_transfer.card_consequences", transfer("capture", "%(card)s", "%(merchant)s", 1, "%(done_auth)s")),
    ("payments_transfer.card_consequences", transfer("capture", "%(other_card)s", "%(merchant)s", 1, "%(auth)s")),
    ("payments_transfer.card_consequences", transfer("refund", "%(merchant)s", "%(other_card)s", 1, "%(auth)s")),
    ("payments_transfer.card_consequences", transfer("refund", "%(merchant)s", "%(card)s", 1, "%(new)s")),
    # Cash in, cash out and from card to card: only as decided, and only once.
    ("payments_transfer.was_decided", transfer("load", "%(float)s", "%(card)s", 1_000_001)),
    (
        "payments_transfer.was_decided",
        transfer(
            "load", "%(float)s", "%(card)s", 1_000_001,
            key="(SELECT deposit FROM network_loadproposal WHERE id = %(waiting)s)",
        ),
    ),
    ("payments_transfer.was_decided", transfer("redeem", "%(card)s", "%(float)s", 3)),
    ("payments_transfer.was_decided", transfer("redeem", "%(card)s", "%(float)s", 2, key="%(sent)s")),
    ("payments_transfer.was_decided", transfer("send", "%(card)s", "%(other_card)s", 2)),
    ("payments_transfer.was_decided", transfer("send", "%(other_card)s", "%(card)s", 2, key="%(claim)s")),
    ("payments_transfer.was_decided", transfer("send", "%(card)s", "%(other_card)s", 1, key="%(claim)s")),
    ("payments_transfer.was_decided", transfer("send_fee", "%(card)s", "%(fees)s", 10, "%(new)s")),
    ("payments_transfer.was_decided", transfer("send_fee", "%(card)s", "%(fees)s", 10, "%(sent)s")),
    # Payments.
    ("payments_payment.payment_born", payment(", captured", ", 1")),
    ("payments_payment.payment_born", payment(", released", ", 1")),
    ("payments_payment.payment_born", payment(", state", ", 'authorised'")),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET amount = amount + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET order_code = 'OTHER' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET captured = captured + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET released = released + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET code = '51' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'pending' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'authorised' WHERE id = %(done)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'done' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'authorised' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'cancelled' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'declined' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'cancelled' WHERE id = %(fresh)s"),
    # Questions.
    ("payments_message.message_born", message("authorise", ", code, answered_at", ", '00', now()", "%(pending)s")),
    ("payments_message.message_born", message("reverse", payment="%(payment)s")),
    ("payments_message.answer_once", "UPDATE payments_message SET code = '51' WHERE id = %(capture)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET code = NULL WHERE id = %(capture)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET amount = 1 WHERE id = %(pending_message)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET verb = 'refund' WHERE id = %(pending_message)s"),
    # Closed days.
    ("payments_daycut.cut_grows", "CALL close_day(%(closed)s)"),
    ("payments_daycut.cut_grows", "CALL close_day(%(closed)s - 1)"),
    ("payments_daycut.cut_grows", "INSERT INTO payments_daycut (day, seq) VALUES (%(next)s, 1)"),
    # Settlement files: whole as they came, chargebacks as they say, days finished by their own.
    (
        "payments_settlementline.lines_of_file",
        file_line(position="(SELECT lines + 1 FROM payments_settlementfile WHERE id = %(file)s)"),
    ),
    ("payments_settlementline.lines_of_file", file_line(position=0)),
    ("payments_settlementline.lines_of_file", file_line(file="%(new)s")),
    (
        "payments_message.chargeback_of_line",
        message("refund", ", seller_id, goods, code, answered_at, file_id", ", 5, 100, '00', now(), %(file)s"),
    ),
    (
        "payments_message.chargeback_of_line",
        message("refund", ", seller_id, goods, code, answered_at, file_id", ", 5, 100, '00', now(), %(new)s"),
    ),
    ("payments_settlement.settled_by_file", next_day_settled("NULL")),
    ("payments_settlement.settled_by_file", next_day_settled("%(file)s")),
    # The network's side.
    ("network_balance.only_inside", "UPDATE network_balance SET posted = posted + 1"),
    ("network_balance.only_inside", "UPDATE network_balance SET held = 0"),
    ("network_balance.only_inside", "INSERT INTO network_balance (account_id) VALUES (%(bank)s)"),
    (
        "network_authorisation.authorisation_born",
        authorisation("%(card)s, 100, 'open', '00', now(), 50", ", captured"),
    ),
    ("network_authorisation.authorisation_born", authorisation("%(card)s, 100, 'reversed', '00', now()")),
    ("network_authorisation.authorisation_holds", authorisation("%(seller)s, 100, 'open', '00', now()")),
    ("network_authorisation.authorisation_won_only", authorisation("%(euros)s, 100, 'open', '00', now()")),
    ("network_authorisation.authorisation_won_only", authorisation("%(guest)s, 100, 'open', '00', now()")),
    (
        "network_card.card_same_holder",
        "INSERT INTO network_card (token, account_id, number_mac, holder_mac, pin_mac, last4, expires_on)"
        " SELECT gen_random_uuid(), account_id, '\\x01', '\\x02', pin_mac, last4, expires_on"
        "   FROM network_card WHERE id = %(lost)s",
    ),
    *[
        ("network_authorisation.authorisation_guard", f"UPDATE network_authorisation SET {change} WHERE id = %(auth)s")
        for change in [
            "amount = amount + 1", "account_id = %(other_card)s", "code = '51'", "expires_at = now()",
            "captured = 0", "released = 0", "refunded = 1", "state = 'reversed'", "state = 'expired'",
            "merchant_reference = 'OTHER'",
        ]
    ],
    (
        "network_authorisation.authorisation_guard",
        "UPDATE network_authorisation SET state = 'open' WHERE id = %(done_auth)s",
    ),
    (
        "network_release.release_applies",
        "INSERT INTO network_release (id, authorisation_id, amount) VALUES (%(new)s, %(done_auth)s, 1)",
    ),
    ("network_card.card_guard", "UPDATE network_card SET number_mac = '\\x00' WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET account_id = %(other_card)s WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET resident = NOT resident WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET status = 'active' WHERE id = %(lost)s"),
    # Claims and loads are decided once.
    (
        "network_claim.claim_born",
        "INSERT INTO network_claim (id, instruction_id, reason, state, expires_at, decided_at)"
        " VALUES (%(new)s, %(sent)s, 'r', 'refused', now(), now())",
    ),
    (
        "network_claim.claim_born",
        "INSERT INTO network_claim (id, instruction_id, reason, expires_at)"
        " SELECT %(new)s, id, 'r', now() FROM network_instruction WHERE kind = 'redeem' LIMIT 1",
    ),
    *[
        ("network_claim.claim_guard", f"UPDATE network_claim SET {change} WHERE id = %(claim)s")
        for change in [
            "reason = 'another'", "instruction_id = %(sent)s", "expires_at = now()",
            "state = 'agreed', decided_at = now()", "state = 'expired', decided_at = now()",
        ]
    ],
    ("network_claim.claim_guard", "UPDATE network_claim SET reason = reason WHERE id = %(settled)s"),
    ("network_loadproposal.proposal_born", proposal(", state, decided_by, decided_at", ", 'agreed', 8, now()")),
    *[
        ("network_loadproposal.proposal_guard", f"UPDATE network_loadproposal SET {change} WHERE id = %(waiting)s")
        for change in ["amount = 1", "line = 'X'", "deposit = %(new)s", "account_id = 1", "proposed_by = 8"]
    ],
    ("network_loadproposal.proposal_guard", "UPDATE network_loadproposal SET state = state WHERE id = %(agreed_load)s"),
]  # fmt: skip

# A CHECK or unique constraint holds with every trigger off. (constraint, statement)
CONSTRAINTS = [
    ("account_kind_known", "INSERT INTO payments_account (kind) VALUES ('wallet')"),
    ("account_one_per_owner", "INSERT INTO payments_account (kind) VALUES ('bank')"),
    ("account_won_only", "INSERT INTO payments_account (kind, owner, currency) VALUES ('card', 'x', 'EUR')"),
    ("transfer_amount_in_range", transfer("load", "%(float)s", "%(card)s", 0)),
    ("transfer_amount_in_range", transfer("load", "%(float)s", "%(card)s", -5)),
    ("transfer_amount_in_range", transfer("load", "%(float)s", "%(card)s", 10**12 + 1)),
    ("transfer_between_two_accounts", transfer("send", "%(card)s", "%(card)s", 5)),
    ("payments_transfer_id_key", transfer("load", "%(float)s", "%(card)s", 5, key="%(capture)s")),
    ("payment_amount_in_range", payment(amount=0)),
    ("payment_amount_in_range", payment(amount=-1)),
    ("payment_amount_in_range", payment(amount=10**12 + 1)),
    ("payment_state_known", "UPDATE payments_payment SET state = 'paid' WHERE id = %(pending)s"),
    (
        "payment_within_amount",
        "UPDATE payments_payment SET captured = 0, released = 3001, state = 'declined' WHERE id = %(payment)s",
    ),
    ("payment_within_amount", "UPDATE payments_payment SET refunded = 1001 WHERE id = %(payment)s"),
    ("payment_within_amount", "UPDATE payments_payment SET released = -1 WHERE id = %(payment)s"),
    ("payment_within_amount", "UPDATE payments_payment SET refunded = -1 WHERE id = %(payment)s"),
    ("payment_captured_only_when_authorised", "UPDATE payments_payment SET state = 'declined' WHERE id = %(payment)s"),
    ("payment_done_when_used_up", "UPDATE payments_payment SET state = 'done' WHERE id = %(payment)s"),
    ("payment_done_when_used_up", "UPDATE payments_payment SET state = 'authorised' WHERE id = %(done)s"),
    (
        "payment_one_live_per_order",
        payment(code="(SELECT order_code FROM payments_payment WHERE id = %(payment)s)"),
    ),
    ("message_verb_known", message("void")),
    ("message_amount_in_range", message("release", amount=0)),
    ("message_amount_in_range", message("release", amount=-1)),
    ("message_amount_adds_up", message("capture", ", seller_id, goods, fare", ", 5, 50, 49")),
    ("message_amount_adds_up", message("refund", ", goods", ", 100")),
    ("message_amount_adds_up", message("release", ", goods", ", 100")),
    ("message_parts_positive", message("capture", ", seller_id, goods, fare", ", 5, 101, -1")),
    ("message_answered_with_time", message("release", ", code", ", '00'")),
    # Whole numbers that Django itself keeps from falling below zero.
    ("payments_message_parcel_check", message("release", ", parcel", ", -1")),
    ("payments_message_tries_check", message("release", ", tries", ", -1")),
    ("payments_message_commission_bp_check", message("release", ", commission_bp", ", -1")),
    *[
        (f"network_card_{column}_check", f"UPDATE network_card SET {column} = -1 WHERE id = %(plastic)s")
        for column in ["key_version", "count_day"]
    ],
    (
        "payments_auditrun_done_check",
        "INSERT INTO payments_auditrun (done, counted, findings) VALUES (-1, '{}', '[]')",
    ),
    ("payments_daycut_day_key", "INSERT INTO payments_daycut (day, seq) VALUES (%(closed)s, 1)"),
    (
        "member_card_one_linked",
        "INSERT INTO payments_membercard (user_id, token, last4) SELECT %(user)s, gen_random_uuid(), '0000'"
        " FROM generate_series(1, 2)",
    ),
    (
        "member_card_four_digits",
        "INSERT INTO payments_membercard (user_id, token, last4) VALUES (%(user)s, gen_random_uuid(), 'abcd')",
    ),
    ("balance_never_overdrawn", "UPDATE network_balance SET posted = held - 1 WHERE account_id = %(card)s"),
    ("balance_never_overdrawn", "UPDATE network_balance SET held = posted + 1 WHERE account_id = %(card)s"),
    ("balance_never_overdrawn", "UPDATE network_balance SET held = -1 WHERE account_id = %(card)s"),
    ("card_one_in_use_per_account", "UPDATE network_card SET account_id = %(other_card)s WHERE id = %(plastic)s"),
    ("card_four_digits", "UPDATE network_card SET last4 = '12a4' WHERE id = %(plastic)s"),
    ("card_three_pin_tries", "UPDATE network_card SET pin_tries = 4 WHERE id = %(plastic)s"),
    ("card_status_known", "UPDATE network_card SET status = 'gold' WHERE id = %(plastic)s"),
    ("card_limits_positive", "UPDATE network_card SET per_day = -1 WHERE id = %(plastic)s"),
    (
        "network_card_number_mac_key",
        "UPDATE network_card SET number_mac = (SELECT number_mac FROM network_card WHERE id = %(plastic)s)"
        " WHERE id = %(foreign)s",
    ),
    (
        "network_card_token_key",
        "UPDATE network_card SET token = (SELECT token FROM network_card WHERE id = %(plastic)s)"
        " WHERE id = %(foreign)s",
    ),
    ("authorisation_amount_in_range", authorisation("%(card)s, -1, 'declined', '51', now()")),
    ("authorisation_amount_in_range", authorisation("%(card)s, 1000000000001, 'open', '00', now()")),
    (
        "authorisation_within_amount",
        "UPDATE network_authorisation SET captured = 0, released = 3001, state = 'expired' WHERE id = %(auth)s",
    ),
    ("authorisation_within_amount", "UPDATE network_authorisation SET refunded = 1001 WHERE id = %(auth)s"),
    ("authorisation_within_amount", "UPDATE network_authorisation SET released = -1 WHERE id = %(auth)s"),
    ("authorisation_state_known", "UPDATE network_authorisation SET state = 'paid' WHERE id = %(auth)s"),
    ("authorisation_decided", authorisation("%(card)s, 100, 'open', '51', now()")),
    ("authorisation_decided", authorisation("%(card)s, 100, 'declined', '00', now()")),
    ("authorisation_owned", authorisation("NULL, 100, 'open', '00', now()")),
    ("authorisation_done_when_used_up", "UPDATE network_authorisation SET state = 'done' WHERE id = %(auth)s"),
    ("authorisation_done_when_used_up", "UPDATE network_authorisation SET state = 'open' WHERE id = %(done_auth)s"),
    ("instruction_amount_in_range", instruction("kind, amount", "'redeem', 0")),
    ("instruction_amount_in_range", instruction("kind, amount, payee_id, fee", "'send', 5, %(other_card)s, -1")),
    ("instruction_kind_known", instruction("kind, amount", "'gift', 5")),
    ("instruction_kind_known", instruction("kind, amount", "'send', 5")),
    ("instruction_kind_known", instruction("kind, amount, payee_id", "'redeem', 5, %(other_card)s")),
    ("instruction_between_two_accounts", instruction("kind, amount, payee_id", "'send', 5, %(card)s")),
    ("claim_decided_with_time", "UPDATE network_claim SET state = 'agreed' WHERE id = %(claim)s"),
    ("claim_decided_with_time", "UPDATE network_claim SET state = 'lost', decided_at = now() WHERE id = %(claim)s"),
    ("claim_has_a_reason", "UPDATE network_claim SET reason = '' WHERE id = %(claim)s"),
    (
        "network_claim_instruction_id_key",
        "INSERT INTO network_claim (id, instruction_id, reason, expires_at) VALUES (%(new)s, %(claimed)s, 'r', now())",
    ),
    ("load_proposal_amount_in_range", proposal(amount=0)),
    ("load_proposal_decided_by_somebody", "UPDATE network_loadproposal SET state = 'agreed' WHERE id = %(waiting)s"),
    (
        "load_proposal_two_persons",
        "UPDATE network_loadproposal SET state = 'agreed', decided_by = 7, decided_at = now() WHERE id = %(waiting)s",
    ),
    (
        "load_proposal_one_per_deposit",
        proposal(deposit="(SELECT deposit FROM network_loadproposal WHERE id = %(waiting)s)"),
    ),
    (
        "act_kind_known",
        "INSERT INTO network_act (id, card_id, kind) VALUES (%(new)s, %(plastic)s, 'gilded')",
    ),
    ("chargeback_amount_in_range", "UPDATE network_chargeback SET amount = 0"),
    ("settlement_file_sums_positive", "UPDATE payments_settlementfile SET returned = -1"),
    ("payments_settlementfile_lines_check", "UPDATE payments_settlementfile SET lines = -1"),
    ("payments_settlementline_position_check", "UPDATE payments_settlementline SET position = -1"),
    ("payments_settlement_payouts_check", "UPDATE payments_settlement SET payouts = -1"),
    (
        "payments_settlement_file_id_key",
        "INSERT INTO payments_settlement (cut_id, file_id) VALUES (-1, %(file)s), (-2, %(file)s)",
    ),
    ("payments_settlementfile_cut_id_key", settlement_file("%(cut)s")),
    ("payments_settlementline_pkey", file_line(key="(SELECT id FROM payments_settlementline LIMIT 1)", position=99)),
    ("settlement_line_one_per_place", file_line(position=1)),
    ("settlement_line_amount_in_range", file_line(amount=0, position=99)),
    ("settlement_line_verb_known", file_line(verb="gift", position=99)),
    ("settlement_line_verb_known", file_line(verb="chargeback", position=99)),
    ("settlement_line_verb_known", file_line(verb="refund", capture="%(new)s", position=99)),
    ("settlement_sums_positive", next_day_settled("NULL", -1)),
    ("payments_settlement_pkey", "INSERT INTO payments_settlement (cut_id) VALUES (%(cut)s)"),
    ("explanation_once", f"{explanation(about='%(auth)s')}; {explanation(about='%(auth)s')}"),
    ("explanation_of_a_break", explanation(state="matched")),
    ("explanation_says_something", explanation(reason="'  '")),
    (
        "release_amount_in_range",
        "INSERT INTO network_release (id, authorisation_id, amount) VALUES (%(new)s, %(auth)s, 0)",
    ),
]

# A moment given with a row: the database puts its own in its place. (table, statement)
CLOCKS = [
    ("payments_payment", payment(", created_at", ", '2001-01-01'")),
    ("payments_message", message("release", ", created_at", ", '2001-01-01'")),
    (
        "network_authorisation",
        authorisation("%(card)s, 100, 'declined', '51', now(), '2001-01-01'", ", created_at"),
    ),
    (
        "network_release",
        "INSERT INTO network_release (id, authorisation_id, amount, created_at)"
        " VALUES (%(new)s, %(auth)s, 1, '2001-01-01')",
    ),
    ("network_instruction", instruction("kind, amount, created_at", "'redeem', 5, '2001-01-01'")),
    (
        "network_claim",
        "INSERT INTO network_claim (id, instruction_id, reason, expires_at, created_at)"
        " VALUES (%(new)s, %(sent)s, 'r', now(), '2001-01-01')",
    ),
    ("network_loadproposal", proposal(", created_at", ", '2001-01-01'")),
    (
        "network_act",
        "INSERT INTO network_act (id, card_id, kind, created_at) VALUES (%(new)s, %(plastic)s, 'pin', '2001-01-01')",
    ),
    (
        "network_chargeback",
        "INSERT INTO network_chargeback (id, capture, amount, reason, created_at)"
        " VALUES (%(new)s, %(capture)s, 1, 'x', '2001-01-01')",
    ),
    (
        "payments_settlementfile",
        "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
        " RETURNING id) INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned,"
        " created_at) SELECT %(new)s, id, '', 0, 0, 0, '2001-01-01' FROM cut",
    ),
    (
        "payments_explanation",
        "INSERT INTO payments_explanation (cut_id, about, state, reason, by_id, created_at)"
        " VALUES (%(cut)s, %(new)s, 'shop_only', 'x', %(user)s, '2001-01-01')",
    ),
]

# Triggers that refuse nothing by themselves: what they do is proved elsewhere.
CONSEQUENCES = {
    "payments_account.open_balance": "tests of the flow: a card account has a balance",
    "payments_message.release_answered": "test_a_release_answered_for_a_payment_not_authorised",
    "payments_payment.own_clock": "test_clocks_are_the_databases",
    "payments_message.own_clock": "test_clocks_are_the_databases",
    "network_authorisation.own_clock": "test_clocks_are_the_databases",
    "network_release.own_clock": "test_clocks_are_the_databases",
    "network_instruction.own_clock": "test_clocks_are_the_databases",
    "network_claim.own_clock": "test_clocks_are_the_databases",
    "network_loadproposal.own_clock": "test_clocks_are_the_databases",
    "network_act.own_clock": "test_clocks_are_the_databases",
    "network_chargeback.own_clock": "test_clocks_are_the_databases",
    "payments_settlementfile.own_clock": "test_clocks_are_the_databases",
    "payments_explanation.own_clock": "test_clocks_are_the_databases",
    "payments_settlement.own_clock": "test_a_settled_days_clock_is_the_databases",
}


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


def _id(value):
    return value if " " not in value else ""


@pytest.mark.parametrize(("guard", "statement"), TRIGGERS, ids=_id)
def test_trigger_refuses(world, guard, statement):
    table, trigger = guard.split(".")
    with taken_back():
        with pytest.raises(IntegrityError) as refusal:
            attempt(statement, world)
        assert refusal.value.__cause__.sqlstate == "23514"
        # It is this guard that refuses: without it the attempt goes through, or another guard stops it.
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        try:
            attempt(statement, world)
        except IntegrityError as other:
            assert str(other) != str(refusal.value)


@pytest.mark.parametrize(("guard", "statement"), CONSTRAINTS, ids=_id)
def test_constraint_refuses(world, guard, statement):
    with taken_back():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        with pytest.raises(IntegrityError) as refusal:
            attempt(statement, world)
        assert refusal.value.__cause__.diag.constraint_name == guard


def test_a_release_answered_for_a_payment_not_authorised(world):
    with taken_back(), pytest.raises(IntegrityError, match="release has nothing to draw on"):
        asking = message("release", payment="%(pending)s")
        attempt(f"{asking}; UPDATE payments_message SET code = '00' WHERE id = %(new)s", world)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO payments_transfer (seq, id, kind, debit_account_id, credit_account_id, amount, reference)"
        " VALUES (1, %(new)s, 'load', %(float)s, %(card)s, 1, %(new)s)",
        "INSERT INTO payments_account (id, kind, owner) VALUES (1, 'seller', '9')",
        "INSERT INTO payments_daycut (id, day, seq) VALUES (1, %(next)s, 1)",
        "INSERT INTO network_card (id) VALUES (1)",
    ],
)
def test_an_identity_is_never_given(world, statement):
    with taken_back(), pytest.raises(ProgrammingError, match="GENERATED ALWAYS"):
        attempt(statement, world)


def test_a_day_is_not_written_up_before_an_earlier_one(world):
    with taken_back():
        attempt("CALL close_day(%(next)s)", world)
        attempt("CALL close_day(%(next_but_one)s)", world)
        last = DayCut.objects.get(day=world["next_but_one"])
        with pytest.raises(IntegrityError, match="an earlier day is not written up"):
            attempt("CALL write_closing(%(last)s)", {"last": last.pk})


@pytest.mark.parametrize(("table", "statement"), CLOCKS)
def test_clocks_are_the_databases(world, table, statement):
    """Nobody says when it was: an earlier time given is replaced, without the history setting."""
    with taken_back():
        attempt(statement, world)
        with connection.cursor() as cursor:
            key = "about" if table == "payments_explanation" else "id"
            cursor.execute(f"SELECT created_at FROM {table} WHERE {key} = %s", [world["new"]])
            assert cursor.fetchone()[0].year > 2001


def test_a_settled_days_clock_is_the_databases(world):
    with taken_back():
        attempt(
            "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
            " RETURNING id) INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned)"
            " SELECT %(new)s, id, '', 0, 0, 0 FROM cut",
            world,
        )
        attempt(
            "INSERT INTO payments_settlement (cut_id, file_id, created_at)"
            " SELECT cut_id, id, '2001-01-01' FROM payments_settlementfile WHERE id = %(new)s",
            world,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT created_at FROM payments_settlement WHERE file_id = %s", [world["new"]])
            assert cursor.fetchone()[0].year > 2001


def test_every_trigger_has_a_refusal(world):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND (c.relname LIKE 'payments_%' OR c.relname LIKE 'network_%')"
        )
        there = {name for (name,) in cursor.fetchall()}
    assert there == {guard for guard, _ in TRIGGERS} | CONSEQUENCES.keys()


def test_every_constraint_has_a_refusal():
    declared = {
        constraint.name
        for label in ["payments", "network"]
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint | models.UniqueConstraint)
    }
    tried = {guard for guard, _ in CONSTRAINTS}
    assert declared <= tried
    assert {"payments_settlementfile_cut_id_key", "payments_settlementline_pkey", "payments_settlement_pkey"} <= tried
    assert {"payments_transfer_id_key", "network_card_number_mac_key"} <= tried
