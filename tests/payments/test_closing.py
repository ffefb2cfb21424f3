"""Days: cut by number, written up in order, settled once."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payments import audit, pay
from payments.models import Account, Closing, DayCut, Seal, Transfer
from payments.network import desk
from payments.settlement import close_day
from payments.shop_book import seller_account
from tests.payments.cast import asked, authorised, balance_of, captured, issued, next_day, settled, told

pytestmark = pytest.mark.django_db


def test_three_quiet_days_a_sale_and_a_quiet_day():
    quiet = [close_day(next_day()) for _ in range(3)]
    assert [cut.seq for cut in quiet] == [0, 0, 0]
    assert not Closing.objects.exists()
    _, presented = issued(10_000)
    captured(presented, 1_000)
    busy = close_day(next_day())
    after = close_day(next_day())
    assert busy.seq == after.seq > 0
    assert Seal.objects.count() == 5
    assert len({bytes(seal.digest) for seal in Seal.objects.all()}) == 5  # each day's seal hangs on the one before
    assert Closing.objects.filter(cut=after).count() == 0
    seller = seller_account(5)
    assert Closing.objects.get(account=seller).balance == balance_of(seller) == 970
    captured(presented, 500)
    assert balance_of(seller) == 970 + 485
    last = close_day(next_day())
    assert Closing.objects.get(account=seller, cut=last).balance == balance_of(seller) == 1_455
    assert not any(finding.rows for finding in audit.audit())


def test_closing_a_day_again_changes_nothing():
    issued(10_000)
    cut = close_day(next_day())
    closings = list(Closing.objects.values_list("account_id", "cut_id", "balance"))
    assert close_day(cut.day) == cut
    assert list(Closing.objects.values_list("account_id", "cut_id", "balance")) == closings


def test_a_day_cut_but_not_written_up_is_written_by_the_next_run():
    with connection.cursor() as cursor:
        cursor.execute("CALL close_day(%s)", [next_day()])
    issued(10_000)
    close_day(next_day())
    assert Seal.objects.count() == DayCut.objects.count() == 2


def test_settling_pays_once_what_was_owed_at_the_cut():
    _, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    told(asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=1_900, fare=100, commission_bp=300))
    cut = close_day(next_day())
    captured(presented, 1_000)  # belongs to the next day
    first = settled(cut)
    assert (first.received, first.paid_out, first.sellers) == (2_000, 1_843 + 100, 1)
    assert desk.pay_shop(cut) is None
    again = settled(cut)
    assert (again.received, again.paid_out) == (0, 0)
    assert balance_of(seller_account(5)) == 970
    assert balance_of(Account.objects.get(kind="network")) == -1_000
    assert balance_of(Account.objects.get(kind="merchant")) == 1_000
    assert balance_of(Account.objects.get(kind="delivery")) == 0
    assert not any(finding.rows for finding in audit.audit())


def test_a_refund_after_the_payout_is_netted_from_the_next():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    settled(close_day(next_day()))
    told(asked(pay.ask_refund, payment=payment, parcel=1, part=1, seller_id=5, goods=1_000, fare=0, commission_bp=300))
    assert balance_of(seller_account(5)) == -970
    captured(presented, 300)
    cut = close_day(next_day())
    day = settled(cut)
    assert (day.received, day.returned, day.paid_out) == (300, 1_000, 0)
    captured(presented, 2_000)
    assert settled(close_day(next_day())).paid_out == 1_940 + 291 - 970


def test_days_settled_late_are_paid_in_order():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    first = close_day(next_day())
    captured(presented, 500)
    second = close_day(next_day())
    assert settled(second).waits_for == "earlier day"
    assert settled(first).paid_out == 970
    assert settled(second).paid_out == 485
    assert settled(first).paid_out == settled(second).paid_out == 0


def test_the_audit_sees_what_a_superuser_did():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    close_day(next_day())
    first, second = Transfer.objects.filter(kind="load").get(), Transfer.objects.filter(kind="sale").get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement, keys, views in [
            ("UPDATE network_balance SET posted = posted + 1", [], {"audit_balance"}),
            ("UPDATE payments_payment SET refunded = 1 WHERE id = %s", [payment.id], {"audit_payment"}),
            ("UPDATE network_authorisation SET refunded = 1 WHERE state = 'done'", [], {"audit_authorisation"}),
            ("UPDATE payments_closing SET balance = balance + 1", [], {"audit_closing", "audit_network"}),
            # A change that keeps every sum right: the seal alone tells.
            ("UPDATE payments_transfer SET at = at - interval '1 day' WHERE seq = %s", [first.seq], {"audit_seal"}),
            (
                "UPDATE payments_transfer SET amount = amount + 1 WHERE seq = %s",
                [second.seq],
                {"audit_payment", "audit_closing", "audit_seal", "audit_network"},
            ),
        ]:
            cursor.execute("SAVEPOINT tamper")
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, keys)
            cursor.execute("SET LOCAL session_replication_role = origin")
            found = {finding.view for finding in audit.audit() if finding.rows}
            assert found == views, statement
            with pytest.raises(CommandError, match="does not agree"):
                call_command("audit_ledger", stdout=StringIO())
            cursor.execute("ROLLBACK TO SAVEPOINT tamper")
    assert not any(finding.rows for finding in audit.audit())


def test_commands():
    out = StringIO()
    _, presented = issued(10_000)
    captured(presented, 1_000)
    call_command("close_day", "--dry-run", stdout=out)
    assert not DayCut.objects.exists()
    call_command("close_day", stdout=out)
    assert DayCut.objects.count() == 1
    call_command("close_day", stdout=out)
    assert "Nothing to close." in out.getvalue()
    with pytest.raises(CommandError, match="is not over yet"):
        call_command("close_day", "--until", "2099-01-01", stdout=out)
    call_command("settle_day", stdout=out)
    assert re.search(r"received 1,000, returned 0, paid 970 to 1 sellers", out.getvalue())
    with pytest.raises(CommandError, match="No such closed day"):
        call_command("settle_day", "--day", "2000-01-01", stdout=out)
    call_command("audit_ledger", stdout=out)
    assert "ok   audit_balance" in out.getvalue()


def test_a_payment_is_found_by_its_id_however_few_are_held():
    """While hardly any are held, the index of holds about to end must not look like the cheaper way to one of them."""
    _, presented = issued(10_000)
    captured(presented, 1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE payments_payment")
        cursor.execute("SET LOCAL enable_seqscan = off")  # which a table of one row would be read by
        cursor.execute(
            "EXPLAIN UPDATE payments_payment SET captured = captured"
            " WHERE id = gen_random_uuid() AND state = 'authorised'"
        )
        assert "payment_expiring" not in " ".join(line for (line,) in cursor.fetchall())
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT FROM payments_payment"
            " WHERE state = 'authorised' AND expires_at <= now() ORDER BY expires_at"
        )
        assert "payment_expiring" in " ".join(line for (line,) in cursor.fetchall())
