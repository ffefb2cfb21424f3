"""Several mornings at once, in real processes: the worker runs them, staff run them by hand, and both may at once.

One result, whoever came first; the others wait for its lock and find all done. The controls take the lock away, then
what is behind it: ids made from the day and the account, and the database's look at what is owed.
"""

import time
import uuid
from collections import Counter

import pytest
from django.db import connection, transaction

from payments import audit, reconciliation, settlement
from payments.models import DayCut, Transfer
from payments.network import settlement_file
from payments.reconciliation import keep_file
from payments.settlement import close_day, settle, settle_waiting_days, settle_with_file, waiting_days
from payments.settlement_models import Settlement, SettlementFile, SettlementLine
from payments.shop_book import seller_account
from tests.payments.cast import balance_of, captured, issued, next_day
from tests.payments.processes import at_once
from tests.payments.test_races import changed

# The controls leave false books, and every day is this test's.
pytestmark = [pytest.mark.ledger, pytest.mark.usefixtures("own_ledger")]
SELLERS = 3


@pytest.fixture
def sellers():
    """Three sellers who sold for 1,000 won each at 3 %; no day is closed."""
    _, presented = issued(10_000)
    base = uuid.uuid4().int % 10**12
    for number in range(SELLERS):
        captured(presented, 1_000, seller_id=base + number)
    return [seller_account(base + number) for number in range(SELLERS)]


def a_whole_morning(day):
    close_day(day)
    return [(str(cut.day), settled.paid_out) for cut, settled in settle_waiting_days()]


def assert_done_once(sellers):
    paid = Counter(Transfer.objects.filter(kind="payout").values_list("debit_account_id", flat=True))
    assert paid == {seller.pk: 1 for seller in sellers}
    assert [balance_of(seller) for seller in sellers] == [0] * SELLERS
    assert Transfer.objects.filter(kind="receipt").count() == SELLERS
    counts = [model.objects.count() for model in (DayCut, SettlementFile, SettlementLine, Settlement)]
    assert counts == [1, 1, SELLERS, 1]
    assert not waiting_days().exists()
    assert [finding.view for finding in audit.audit() if finding.rows] == []


@pytest.mark.parametrize("runners", [2, 5])
def test_whole_mornings_at_once_are_one(sellers, runners):
    day = next_day()
    told = at_once(runners, lambda _: a_whole_morning(day))
    assert all(isinstance(answer, list) for answer in told), told  # nobody failed
    assert sum(won for answer in told for _, won in answer) == SELLERS * 970  # and one paid
    assert_done_once(sellers)


def test_each_step_at_once_with_each_other(sellers):
    """One closes again, one imports, one settles, one does all, one fetches the file for the network."""
    cut = close_day(next_day())
    content = settlement_file.write(cut)
    steps = [
        lambda: close_day(cut.day).pk, lambda: keep_file(cut, content).lines, lambda: settle(cut).waits_for,
        lambda: settle_with_file(cut).waits_for, lambda: settlement_file.hand_out(cut.day) == content,
    ]  # fmt: skip
    told = at_once(5, lambda number: steps[number]())
    assert (told[:2], told[3:]) == ([cut.pk, SELLERS], ["", True]), told
    assert told[2] in ("", "file")  # it may have come before the import
    assert_done_once(sellers)


def test_the_second_waits_for_the_first_and_is_told_so_by_the_database(sellers):
    """Clear waiting: the runner behind stands at the one lock, no row of it written."""
    cut = close_day(next_day())

    def race(number):
        if number == 0:
            with transaction.atomic():
                reconciliation.one_at_a_time()
                time.sleep(0.8)
            return "held"
        if number == 1:
            time.sleep(0.2)
            return settle_with_file(cut).waits_for
        time.sleep(0.5)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE l.locktype = 'advisory' AND NOT l.granted AND a.datname = current_database()"
            )
            (waiting,) = cursor.fetchone()
        return waiting, SettlementFile.objects.count(), Transfer.objects.filter(kind="payout").count()

    assert at_once(3, race) == ["held", "", (1, 0, 0)]
    assert_done_once(sellers)


# ---------------------------------------------------------------- without the lock


def both_at_the_same_place(monkeypatch, cut):
    """Two runners without the lock, each past its look at what is booked before the other commits."""
    monkeypatch.setattr(settlement, "one_at_a_time", lambda: None)
    finish = settlement._finish

    def later(*about):
        time.sleep(0.4)
        finish(*about)

    monkeypatch.setattr(settlement, "_finish", later)
    return at_once(2, lambda _: settle(cut).waits_for)


def test_without_the_lock_the_unique_id_refuses_the_second(sellers, monkeypatch):
    """No won is paid twice even then: but the runner behind fails instead of finding all done."""
    cut = close_day(next_day())
    keep_file(cut, settlement_file.hand_out(cut.day))
    told = both_at_the_same_place(monkeypatch, cut)
    assert sorted(answer[:14] for answer in told) == ["", "IntegrityError"], told
    assert "unique" in "".join(told)
    assert_done_once(sellers)


def no_unique_ids(monkeypatch):
    monkeypatch.setattr(settlement, "settlement_id", lambda *about: uuid.uuid4())
    changed("due_receipts", "receipt_id(r.id)", "gen_random_uuid()")
    changed("receipts_of_file", "IF FOUND THEN", "IF false THEN")


def test_without_the_unique_id_the_database_sees_that_nothing_is_owed(sellers, monkeypatch):
    cut = close_day(next_day())
    keep_file(cut, settlement_file.hand_out(cut.day))
    no_unique_ids(monkeypatch)
    told = both_at_the_same_place(monkeypatch, cut)
    assert sorted(answer[:14] for answer in told) == ["", "IntegrityError"], told
    assert "more than is owed" in "".join(told)
    assert_done_once(sellers)


def test_without_all_three_sellers_are_paid_twice(sellers, monkeypatch):
    """The control of the controls: it is these guards and nothing else that hold."""
    cut = close_day(next_day())
    keep_file(cut, settlement_file.hand_out(cut.day))
    no_unique_ids(monkeypatch)
    changed("transfer_check", "IF NEW.amount > balance_of(NEW.debit_account_id) THEN", "IF false THEN")
    changed("transfer_check", "PERFORM pg_advisory_xact_lock(NEW.debit_account_id);", "")
    assert both_at_the_same_place(monkeypatch, cut) == ["", ""]
    assert [balance_of(seller) for seller in sellers] == [-970] * SELLERS
