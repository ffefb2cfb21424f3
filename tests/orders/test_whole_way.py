"""From the cart to the receipt through every page's own form, with the desk in between."""

import re

import pytest
from django.test import Client

from orders.models import Order
from tests.factories import StaffFactory
from tests.orders.paid import PIN, issued, money, shelf
from tests.orders.shopping import checkout_form, put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


def test_two_sellers_one_delivered_one_declined(shopping, noodles, cider, home):
    put(shopping, noodles, 2)
    put(shopping, cider, 3)
    form = checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3동", "floor": "12"}
    payment_page = shopping.post("/checkout/", form, **EN)["Location"]
    page = shopping.get(payment_page, **EN).content.decode()
    order = Order.objects.get()
    assert f"Pay {order.total:,} won" in page
    card, presented = issued(10_000)
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    answer = shopping.post(payment_page, {"key": key, "card": presented.number, "pin": PIN}, **EN)
    assert answer["Location"] == f"/orders/{order.code}/"
    assert money(card) == (10_000, order.total)

    desk = Client()
    desk.force_login(StaffFactory())
    bowls = order.parcels.get(seller=noodles.product.seller)
    bottles = order.parcels.get(seller=cider.product.seller)
    for deed in ("confirm", "ready", "dispatch", "deliver"):
        assert desk.post(f"/admin/orders/parcel/{bowls.pk}/{deed}/").status_code == 302
    answer = desk.post(f"/admin/orders/parcel/{bottles.pk}/decline/", {"reason": "not_in_stock"})
    assert answer.status_code == 302

    taken = 760 + bowls.fee
    assert money(card) == (10_000 - taken, 0)
    assert (shelf(bowls.lines.get()), shelf(bottles.lines.get())) == ((18, 0), (17, 0))
    shown = shopping.get(f"/orders/{order.code}/", **EN).content.decode()
    assert "The order is complete" in shown
    assert f"<dt>Taken so far</dt><dd>{taken:,} won</dd>" in shown
    assert f"{taken:,} won" in shopping.get(f"/orders/{order.code}/receipt/", **EN).content.decode()
