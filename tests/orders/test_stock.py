"""Stock verbs: one movement a cause, applied by the database, refused when untrue."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.db.transaction import TransactionManagementError

from catalog import stock
from catalog.models import ProductVariant, Stock, StockMovement
from orders import events
from orders.models import Order, OrderEvent
from tests.factories import UserFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(noodles: ProductVariant) -> Stock:
    """Twenty bowls, locked."""
    return stock.lock([noodles.pk])[noodles.pk]


def counts(row: Stock) -> tuple[int, int]:
    """On hand and reserved, as the database has them; the row in memory must say the same."""
    stored = Stock.objects.get(pk=row.pk)
    assert (stored.on_hand, stored.reserved) == (row.on_hand, row.reserved)
    sums = StockMovement.objects.filter(stock=row).aggregate(a=Sum("on_hand_change"), b=Sum("reserved_change"))
    assert (sums["a"], sums["b"]) == (stored.on_hand, stored.reserved)
    return stored.on_hand, stored.reserved


VERBS: dict[str, tuple[Callable[[Stock], None], tuple[int, int]]] = {
    "hold": (lambda row: stock.hold(row, 2, cause="x"), (20, 7)),
    "release": (lambda row: stock.release(row, 2, cause="x"), (20, 3)),
    "sell": (lambda row: stock.sell(row, 2, cause="x"), (18, 3)),
    "write_off_missing": (lambda row: stock.write_off_missing(row, 2, cause="x"), (18, 3)),
    "take_back": (lambda row: stock.take_back(row, 2, cause="x"), (22, 5)),
    "receive": (lambda row: stock.receive(row, 2, cause="x"), (22, 5)),
    "write_off_loss": (lambda row: stock.write_off_loss(row, 2, cause="x", note="broken"), (18, 5)),
    "correct_count": (lambda row: stock.correct_count(row, 9, cause="x"), (9, 5)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_moves_once_a_cause(row: Stock, verb: str) -> None:
    stock.hold(row, 5, cause="before")
    work, after = VERBS[verb]
    for _ in range(3):
        work(row)
        assert counts(row) == after


def test_nothing_is_promised_twice(row: Stock) -> None:
    stock.hold(row, 15, cause="a")
    with pytest.raises(stock.SoldOut) as refused:
        stock.hold(row, 6, cause="b")
    assert refused.value.available == 5
    stock.hold(row, 15, cause="a")  # repeated, although fewer than 15 are left
    assert counts(row) == (20, 15)


def test_a_count_does_not_take_what_is_promised(row: Stock) -> None:
    stock.hold(row, 15, cause="a")
    for work in (
        lambda: stock.correct_count(row, 14, cause="b"),
        lambda: stock.write_off_loss(row, 6, cause="b", note="broken"),
    ):
        with pytest.raises(stock.CountBelowReserved):
            work()
    assert counts(row) == (20, 15)


def test_locks_by_pk_and_leaves_out_what_was_never_received(noodles: ProductVariant) -> None:
    bare = VariantFactory(product=noodles.product, on_hand=None)
    second = VariantFactory(product=noodles.product)
    assert list(stock.lock([second.pk, bare.pk, noodles.pk])) == [noodles.pk, second.pk]
    assert stock.open_stock(bare).on_hand == 0


@pytest.mark.django_db(transaction=True)
def test_needs_a_transaction(noodles: ProductVariant) -> None:
    with pytest.raises(TransactionManagementError):
        stock.lock([noodles.pk])
    with pytest.raises(TransactionManagementError):
        stock.receive(Stock.objects.get(), 1, cause="x")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE catalog_stock SET on_hand = on_hand + 1",
        "UPDATE catalog_stock SET reserved = 1",
        "UPDATE catalog_stockmovement SET on_hand_change = 1",
        "DELETE FROM catalog_stockmovement",
        "TRUNCATE catalog_stockmovement CASCADE",
        "UPDATE orders_orderevent SET kind = 'paid'",
        "DELETE FROM orders_orderevent",
        "TRUNCATE orders_orderevent",
    ],
)
def test_the_database_refuses_to_rewrite_the_past(row: Stock, order: Order, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"append-only|changes only by a movement"), transaction.atomic():
        connection.cursor().execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")
    assert counts(row) == (20, 0)


def test_the_database_refuses_more_promises_than_pieces(row: Stock) -> None:
    row.reserved = -100  # a row in memory that lies
    with pytest.raises(IntegrityError, match="stock_reserved_within_on_hand"), transaction.atomic():
        stock.hold(row, 21, cause="x")


def test_other_columns_of_stock_can_be_edited(row: Stock) -> None:
    row.low_threshold = 9
    row.save()
    assert Stock.objects.get(pk=row.pk).low_threshold == 9


@pytest.fixture
def order(db: None) -> Order:
    order = Order.objects.create(
        user=UserFactory(),
        checkout_token="9b2e6a3e-0000-4000-8000-000000000001",
        recipient_name="김은주",
        recipient_phone="1912345678",
        goods_total=1,
        delivery_total=0,
        total=1,
        hold_until="2026-11-24T12:00:00+09:00",
    )
    events.write(order, "placed", total=1)
    assert OrderEvent.objects.get().data == {"total": 1}
    return order
