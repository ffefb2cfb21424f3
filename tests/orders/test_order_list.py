"""My orders: one's own, newest first, ten at a time, in a constant number of questions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalog.models import ProductVariant
from orders.models import Order, OrderLine, Parcel
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


def make(user: User, variant: ProductVariant, *, days_ago: int = 0, **fields: object) -> Order:
    now = timezone.now()
    states = {"status": "placed", "hold_until": now + timedelta(minutes=9)} | fields
    order = Order.objects.create(
        user=user,
        checkout_token=uuid4(),
        recipient_name=user.name,
        recipient_phone=user.phone,
        goods_total=380,
        delivery_total=0,
        total=380,
        placed_at=now - timedelta(days=days_ago),
        **states,
    )
    parcel = Parcel.objects.create(
        order=order,
        number=1,
        seller=variant.product.seller,
        method="collection",
        weight_g=900,
        promised_from=now,
        promised_until=now + timedelta(hours=1),
        goods_total=380,
        commission_bp=0,
    )
    OrderLine.objects.create(
        parcel=parcel,
        variant=variant,
        name_ko_kp="평양랭면",
        name_en="Cold noodles",
        unit_ko_kp="그릇",
        sku=variant.sku,
        unit_price=380,
        quantity=1,
        line_total=380,
    )
    return order


def page(client: Client, address: str = "/orders/") -> str:
    return client.get(address, **EN).content.decode()


def test_shows_ones_own_orders_only(shopping: Client, shopper: User, noodles: ProductVariant) -> None:
    mine, theirs = make(shopper, noodles), make(UserFactory(), noodles)
    text = page(shopping)
    assert mine.shown_code in text
    assert "Cold noodles 1" in text
    assert theirs.shown_code not in text


def test_nothing_yet(shopping: Client) -> None:
    assert "No orders yet" in page(shopping)


def test_needs_a_member(client: Client, db: None) -> None:
    assert client.get("/orders/")["Location"] == "/sign-in/?next=/orders/"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "Waiting for payment"),
        ({"hold_until": timezone.now() - timedelta(hours=1)}, "Time ran out"),
        ({"status": "expired", "hold_until": None}, "Time ran out"),
        ({"status": "cancelled", "hold_until": None}, "Cancelled"),
        ({"status": "paid", "hold_until": None, "paid_at": timezone.now()}, "Waiting for the seller"),
        ({"status": "closed", "hold_until": None, "paid_at": timezone.now()}, "Completed"),
    ],
)
def test_says_how_each_stands(
    shopping: Client, shopper: User, noodles: ProductVariant, fields: dict[str, object], word: str
) -> None:
    order = make(shopper, noodles, **fields)
    text = page(shopping)
    assert word in text
    assert (f"/orders/{order.code}/payment/" in text) == (word == "Waiting for payment")


def test_reads_on_by_key(shopping: Client, shopper: User, noodles: ProductVariant) -> None:
    orders = [make(shopper, noodles, days_ago=day) for day in range(12)]
    first = page(shopping)
    assert [order.shown_code in first for order in orders] == [True] * 10 + [False] * 2
    second = page(shopping, f"/orders/?after={orders[9].code}")
    assert [order.shown_code in second for order in orders] == [False] * 10 + [True] * 2
    for odd in ("x", "%00", "9" * 500, make(UserFactory(), noodles).code):
        assert page(shopping, f"/orders/?after={odd}") != ""


def test_asks_the_same_questions_for_one_and_ten(shopping: Client, shopper: User, noodles: ProductVariant) -> None:
    counts = []
    for number in range(10):
        make(shopper, noodles)
        if number in (0, 9):
            page(shopping)
            with CaptureQueriesContext(connection) as queries:
                page(shopping)
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
