# ruff: noqa: S608 - every piece of these statements stands in this file
"""Orders prove themselves: every view is empty over orders of all kinds, and each names what is broken by hand."""

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import tasks
from orders.audit import AUDITS, BREAKS, words
from orders.cancelling import cancel_order
from orders.models import Order, Voucher, VoucherUse
from orders.parcels import Reason, confirm_parcel, decline_parcel, make_ready
from orders.refunds import Goods, refund_lines
from orders.roles import FINANCE, ensure_roles
from payments.audit import audit
from payments.models import AuditRun
from tests.factories import StaffFactory, UserFactory
from tests.orders.paid import paid, placed
from tests.orders.parcel_cast import TWO, delivered, line_of
from tests.payments.guarded_world import taken_back

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
HERE = "/admin/desk/orders/audit/"


def broken():
    return {finding.view: finding.first for finding in audit(AUDITS) if finding.rows}


def tampered(statement, *values):
    """What only a superuser can do, or a bug that no constraint sees."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def orders():
    """One waits for its payment, one is cancelled, one is answered in part, one delivered and a piece returned."""
    placed()
    cancelled, _ = paid()
    cancel_order(order_code=cancelled.code)
    partly, _ = paid(parcels=TWO)
    short = line_of(partly)
    confirm_parcel(order_code=partly.code, number=1, quantities={short.public_id: 1})
    decline_parcel(order_code=partly.code, number=2, reason=Reason.CLOSED)
    make_ready(order_code=partly.code, number=1)
    order, _card, where = delivered()
    refund_lines(**where, key=uuid.uuid4(), quantities={line_of(order).public_id: 1}, goods=Goods.RESTOCK)
    return order


def test_orders_of_all_kinds_add_up(orders):
    assert broken() == {}
    assert set(Order.objects.values_list("status", flat=True)) == {"placed", "cancelled", "paid", "closed"}


# view → what is broken: a statement, in which %s is the delivered order.
PLANTED = [
    ("orders_audit_shelf", "UPDATE catalog_stock SET on_hand = on_hand + 1"),
    ("orders_audit_shelf", "UPDATE catalog_stock SET reserved = reserved + 1"),
    ("orders_audit_shelf", "DELETE FROM catalog_stockmovement WHERE kind = 'sale'"),
    ("orders_audit_promise", "UPDATE catalog_stock SET reserved = reserved + 1"),
    ("orders_audit_promise", "UPDATE orders_orderline SET confirmed_quantity = 1 WHERE confirmed_quantity IS NULL"),
    ("orders_audit_line", "UPDATE catalog_stockmovement SET on_hand_change = -1 WHERE kind = 'sale'"),
    ("orders_audit_line", "DELETE FROM catalog_stockmovement WHERE kind = 'release'"),
    ("orders_audit_line", "UPDATE catalog_stockmovement SET on_hand_change = 2 WHERE kind = 'return'"),
    ("orders_audit_line", "UPDATE catalog_stockmovement SET cause = 'line:' || gen_random_uuid() WHERE kind = 'hold'"),
    ("orders_audit_slot", "UPDATE orders_deliveryslot SET taken = taken + 1"),
    ("orders_audit_slot", "UPDATE orders_deliveryslot SET taken = 0"),
    ("orders_audit_total", "UPDATE orders_order SET goods_total = goods_total + 1, total = total + 1 WHERE id = %s"),
    ("orders_audit_total", "UPDATE orders_order SET delivery_total = 99, total = total - 1 WHERE id = %s"),
    ("orders_audit_total", "UPDATE orders_order SET discount_total = 1, total = total - 1 WHERE id = %s"),
    ("orders_audit_total", "DELETE FROM orders_orderline"),
    ("orders_audit_payment", "UPDATE payments_payment SET amount = amount + 1, released = released + 1"),
    ("orders_audit_payment", "UPDATE payments_payment SET order_code = 'NO' || left(order_code, 6)"),
    ("orders_audit_payment", "UPDATE orders_order SET paid_at = NULL WHERE status = 'cancelled'"),
    ("orders_audit_payment", "UPDATE orders_order SET paid_at = now(), status = 'paid', hold_until = NULL"
                             " WHERE status = 'placed'"),
    ("orders_audit_held", "UPDATE payments_message SET amount = amount + 1 WHERE verb = 'release'"),
    ("orders_audit_held", "DELETE FROM payments_message WHERE verb = 'release'"),
    ("orders_audit_held", "UPDATE orders_orderline SET confirmed_quantity = 1 WHERE returned_quantity = 1"),
    ("orders_audit_held", "UPDATE orders_order SET status = 'paid' WHERE status = 'cancelled'"),
    ("orders_audit_taken", "UPDATE orders_parcel SET captured_at = NULL, status = 'ready' WHERE order_id = %s"),
    ("orders_audit_taken", "UPDATE payments_message SET amount = amount - 1, goods = goods - 1 WHERE verb = 'capture'"),
    ("orders_audit_taken", "UPDATE payments_message SET code = '25' WHERE verb = 'capture'"),
    ("orders_audit_taken", "DELETE FROM payments_message WHERE verb = 'refund'"),
    ("orders_audit_taken", "UPDATE orders_orderline SET returned_quantity = 2 WHERE returned_quantity = 1"),
    ("orders_audit_taken", "UPDATE payments_message SET fare = 101, amount = amount + 101 WHERE verb = 'refund'"),
    ("orders_audit_state", "UPDATE orders_order SET status = 'paid' WHERE id = %s"),
    ("orders_audit_state", "UPDATE orders_order SET closed_at = NULL WHERE id = %s"),
    ("orders_audit_state", "UPDATE orders_order SET expired_at = now() WHERE id = %s"),
    ("orders_audit_state", "UPDATE orders_parcel SET status = 'dispatched' WHERE order_id = %s"),
    ("orders_audit_state", "UPDATE orders_order SET status = 'gone', hold_until = NULL"),
    ("orders_audit_parcel", "UPDATE orders_parcel SET status = 'returned', ended_at = now() WHERE order_id = %s"),
    ("orders_audit_parcel", "UPDATE orders_parcel SET delivered_at = NULL WHERE order_id = %s"),
    ("orders_audit_parcel", "UPDATE orders_parcel SET dispatched_at = NULL WHERE order_id = %s"),
    ("orders_audit_parcel", "UPDATE orders_parcel SET confirmed_total = 1 WHERE order_id = %s"),
    ("orders_audit_parcel", "UPDATE orders_parcel SET ended_at = NULL WHERE status = 'declined'"),
    ("orders_audit_parcel", "UPDATE orders_orderline SET confirmed_quantity = NULL WHERE returned_quantity = 1"),
    *[
        ("orders_audit_diary", "DELETE FROM orders_orderevent WHERE kind = " + kind)
        for kind in ("'placed'", "'paid'", "'cancelled'", "'closed'", "'confirmed'", "'ready'", "'captured'",
                     "'dispatched'", "'delivered'", "'declined'")
    ],
    ("orders_audit_diary", "INSERT INTO orders_orderevent (order_id, kind, data) VALUES (%s, 'paid', '{}')"),
]  # fmt: skip


def test_each_break_is_named(orders):
    unseen = []
    for view, statement in PLANTED:
        with taken_back():
            tampered(statement, *[orders.pk] * statement.count("%s"))
            found = broken()
            if view not in found:
                unseen.append((view, statement))
            for name, rows in found.items():
                assert words(name, rows[0]), "said in a sentence"
    assert unseen == []


def test_a_voucher_kept_wrongly_is_named(orders):
    voucher = Voucher.objects.create(
        code="TENTH", percent=10, limit=5, used=1, valid_from="2026-01-01T00:00Z", valid_until="2099-01-01T00:00Z"
    )
    assert set(broken()) == {"orders_audit_voucher"}
    gone = Order.objects.get(status="cancelled")
    VoucherUse.objects.create(voucher=voucher, order=gone, user=gone.user, nth=1, discount=5)
    assert set(broken()) == {"orders_audit_total", "orders_audit_voucher"}


def test_every_view_has_its_meaning_its_words_and_a_break():
    with connection.cursor() as cursor:
        cursor.execute("SELECT audits_of('orders')")
        there = [view for (view,) in cursor.fetchall()]
    assert list(AUDITS) == there == list(BREAKS)
    assert {view for view, _ in PLANTED} | {"orders_audit_voucher"} == set(there)


def test_the_command_says_so_and_keeps_a_run(orders):
    out = StringIO()
    call_command("audit_orders", stdout=out)
    assert "ok   orders_audit_held" in out.getvalue()
    assert "4 orders" in out.getvalue()
    tampered("UPDATE catalog_stock SET on_hand = on_hand + 1")
    out = StringIO()
    with pytest.raises(CommandError, match="do not add up"):
        call_command("audit_orders", stdout=out)
    assert " orders_audit_shelf" in out.getvalue()
    kept = AuditRun.objects.order_by("pk").values_list("subject", "is_clean")
    assert list(kept) == [("orders", True), ("orders", False)]


@pytest.fixture
def finance(client):
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[FINANCE])
    client.force_login(person)
    return person


def test_the_desk_shows_last_night(client, finance, orders, caplog):
    assert "The orders have not been audited yet." in client.get(HERE, **ENGLISH).content.decode()
    tasks.audit_orders(0)
    page = client.get(HERE, **ENGLISH).content.decode()
    assert "Everything added up at" in page
    assert "4 orders, 5 parcels and" in page
    tampered("UPDATE orders_order SET closed_at = NULL WHERE id = %s", orders.pk)
    tasks.audit_orders(0)
    page = client.get(HERE, **ENGLISH).content.decode()
    assert "Orders did not add up at" in page
    assert f"Order {orders.code} is closed, its parcels are" in page
    assert f"/admin/orders/order/?q={orders.code}" in page
    assert "orders_audit_state has 1 rows" in caplog.text
    assert "주문검열" in client.get(HERE, HTTP_ACCEPT_LANGUAGE="ko-KP").content.decode()


def test_the_button_begins_one_run_beside_the_ledgers(client, finance):
    for address in (HERE, HERE, "/admin/desk/money/audit/"):
        assert client.post(f"{address}runs/")["Location"] == address
    assert list(AuditRun.objects.values_list("subject", "finished_at")) == [("orders", None), ("ledger", None)]


def test_who_may(client):
    assert client.post(HERE).status_code == 405
    assert client.get(f"{HERE}runs/").status_code == 405
    client.force_login(UserFactory())
    assert client.get(HERE).status_code == 403
    assert client.post(f"{HERE}runs/").status_code == 403


def test_the_page_asks_the_same_however_many_runs(client, finance):
    counts = []
    for runs in (1, 29):
        for _ in range(runs):
            tasks.audit_orders(0)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(HERE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
