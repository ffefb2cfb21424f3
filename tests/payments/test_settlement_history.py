"""Whatever is sold, returned and disputed, however late files and answers come, no won is paid twice or left over.

    Σ payouts and couriers' payouts + Σ closings + commission = Σ captures − Σ refunds   (+ what vouchers put to it)

Hypothesis writes the histories, `lived.py` keeps the account by hand. The controls plant a bug and must be found out.
"""

from __future__ import annotations

import os
import random
import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from payments import reconciliation, settlement, shop_book
from payments.network.gateway import SimulatedGateway
from tests.payments.lived import COMMISSION, STEPS, Lived
from tests.payments.test_races import changed

# The shared accounts are compared to the won, and the controls leave false books.
pytestmark = [pytest.mark.ledger, pytest.mark.usefixtures("own_ledger")]

PICK = st.integers(0, 40)
PART = st.sampled_from([1, 30, 50, 100, 100])
HEARD = st.sampled_from([True, True, True, False])
SALE = st.tuples(
    st.just("sale"), st.integers(0, len(COMMISSION) - 1), st.integers(1, 5_000), st.integers(0, 100),
    st.sampled_from([0, 0, 70]), HEARD,
)  # fmt: skip
RETURN = st.one_of(
    st.tuples(st.just("refund"), PICK, PART, st.sampled_from([0, 50, 100]), HEARD),
    st.tuples(st.just("dispute"), PICK, PART),
)
CLOSE = st.tuples(st.just("close"), st.sampled_from(["", "", "late", "cut short"]))
MORNING = st.tuples(st.just("morning"), st.one_of(st.none(), st.integers(0, 5)))
AGAIN = st.tuples(st.just("again"), st.lists(st.tuples(st.sampled_from(STEPS), PICK), min_size=2, max_size=4))
TRADE = st.lists(st.one_of(SALE, SALE, RETURN), max_size=3)
AFTER = st.lists(st.one_of(MORNING, MORNING, AGAIN, st.just(("files",)), st.just(("answers",))), max_size=2)
DAY = st.tuples(TRADE, CLOSE, TRADE, AFTER)


def live(days) -> None:
    events = [event for trade, close, early, after in days for event in (*trade, close, *early, *after)]
    live_through(events)


def live_through(events) -> None:
    lived = Lived()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SimulatedGateway, "file", lambda _self, day: lived.hand_out(day))
        for name, *about in events:
            if name == "morning":
                order = about[0]
                lived.morning(list if order is None else lambda days, n=order: random.Random(n).sample(days, len(days)))
            elif name == "again":
                lived.morning()  # nothing can have come between
                lived.again(about[0])
            else:
                getattr(lived, name)(*about)
            lived.check(audited=name == "morning")
        lived.end()
        lived.again([(step, pick) for pick, step in enumerate(STEPS)])


def histories(*, examples: int, days: int, shrink: bool = True) -> None:
    number = int(os.environ.get("HYPOTHESIS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"HYPOTHESIS_SEED={number}")
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    profile = settings(
        max_examples=examples, deadline=None, database=None, phases=phases, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    profile(with_seed(number)(given(st.lists(DAY, min_size=2, max_size=days))(live)))()


def sold(won, seller=0, heard=True):
    return "sale", seller, won, 0, 0, heard


def test_days_caught_up_pay_nothing_of_a_day_that_is_not_closed():
    live_through([sold(1_000), ("close", ""), sold(700), ("close", ""), sold(5_000), ("morning", None)])


def test_a_dispute_beside_a_refund_nobody_has_heard_of_takes_goods_once():
    late_refund = ("refund", 0, 50, 0, False)
    live_through([("sale", 0, 100, 50, 0, True), late_refund, ("dispute", 0, 100), ("close", ""), ("morning", None)])


def test_disputes_whose_files_come_in_another_order_take_the_vouchers_share_once():
    sale, late = ("sale", 0, 305, 0, 70, True), [("dispute", 0, 1), ("close", "late")]
    later = [("dispute", 0, 50), ("close", ""), ("morning", None)]
    live_through([sale, *late, ("refund", 0, 1, 0, True), *later])


def test_a_finished_day_pays_nothing_more_however_often_it_is_settled():
    """Nothing was owed any more when the day was settled; what is sold since belongs to a later day."""
    undone = ("refund", 0, 100, 0, True)
    live_through([sold(25), ("close", ""), undone, ("morning", None), sold(264), ("again", [("settle", 0)])])


# ---------------------------------------------------------------- planted bugs: the same account finds each

# The first day waits a morning long for an answer: its steps are run again while it is not finished.
SHORT = [
    ("sale", 0, 1_000, 100, 70, True), sold(500, seller=1, heard=False), ("close", ""), sold(400), ("morning", None),
    ("answers",), ("morning", None),
    ("refund", 0, 50, 100, True), ("dispute", 0, 100), ("close", "late"), ("files",), ("morning", None),
]  # fmt: skip


def keeps_the_commission(patched):
    due = shop_book._commission_due
    patched.setattr(shop_book, "_commission_due", lambda *about: max(due(*about), 0))


def pays_twice(patched):
    """Every run of a morning pays again, by a new id; the database's own guard against it is gone too."""
    closing = "SELECT balance FROM payments_closing WHERE cut_id = %s AND account_id = %s"

    def payouts(cut, find=settlement._payouts):
        for move in find(cut):
            with connection.cursor() as cursor:
                cursor.execute(closing, [cut.pk, move.debit])
                yield from [move._replace(amount=won) for (won,) in cursor.fetchall()]
                yield move

    patched.setattr(settlement, "_payouts", payouts)
    patched.setattr(settlement, "settlement_id", lambda *about: uuid.uuid4())
    changed("transfer_check", "IF NEW.amount > balance_of(NEW.debit_account_id) THEN", "IF false THEN")


def pays_what_is_not_closed(patched):
    def payouts(cut, find=settlement._payouts):
        for move in find(cut):
            with connection.cursor() as cursor:
                cursor.execute("SELECT balance_of(%s)", [move.debit])
                yield move._replace(amount=cursor.fetchone()[0])

    patched.setattr(settlement, "_payouts", payouts)


def forgets_disputes(patched):
    patched.setattr(reconciliation, "_charge_back", lambda *about: None)


def books_each_file_by_the_moment(patched):
    """Receipts by ids that are not made from what they are about."""
    changed("due_receipts", "receipt_id(r.id)", "gen_random_uuid()")
    changed("receipts_of_file", "IF FOUND THEN", "IF false THEN")


@pytest.mark.parametrize(
    "plant",
    [keeps_the_commission, pays_twice, pays_what_is_not_closed, forgets_disputes, books_each_file_by_the_moment],
)
def test_a_planted_bug_is_found(plant, monkeypatch):
    live_through(SHORT)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        live_through(SHORT)


# ---------------------------------------------------------------- any history


def test_short_histories():
    histories(examples=6, days=4)


@pytest.mark.long
def test_long_histories():
    histories(examples=int(os.environ.get("HISTORIES", "12")), days=8)
