"""The same order again: one tap, what has changed is said, a second tap changes nothing."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from catalog import stock
from catalog.models import Product, ProductVariant
from orders.models import CartLine, Order, OrderLine
from tests.factories import UserFactory
from tests.orders.paid import placed
from tests.orders.shopping import put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def order(shopper: User) -> Order:
    """Two products, 2 and 3 pieces, which stand on the shelf in plenty."""
    return placed(shopper, parcels=[{"lines": [(380, 2), (90, 3)]}])


def again(client: Client, order: Order) -> Any:
    return client.post(f"/orders/{order.code}/copies/", follow=True, **EN)


def in_cart() -> list[tuple[int, int]]:
    return list(CartLine.objects.order_by("variant_id").values_list("variant_id", "quantity"))


def test_everything_is_in_the_cart(shopping: Client, order: Order) -> None:
    page = again(shopping, order)
    assert page.redirect_chain == [("/cart/", 302)]
    assert "2 products are in your cart." in page.content.decode()
    lines = list(OrderLine.objects.order_by("variant_id").values_list("variant_id", "quantity"))
    assert in_cart() == lines
    again(shopping, order)
    assert in_cart() == lines, "twice is once"


def test_more_in_the_cart_stays(shopping: Client, order: Order) -> None:
    variant = OrderLine.objects.order_by("pk")[0].variant
    put(shopping, variant, 5)
    again(shopping, order)
    assert (variant.pk, 5) in in_cart()


def test_what_has_changed_is_said(shopping: Client, order: Order) -> None:
    first, second = (line.variant for line in OrderLine.objects.order_by("pk"))
    ProductVariant.objects.filter(pk=first.pk).update(price=400)
    stock.correct_count(stock.lock([second.pk])[second.pk], 4, cause="count")  # 3 of them are held by the order
    page = again(shopping, order).content.decode()
    assert "costs 400 won now, then 380 won." in page
    assert "1 instead of 3, more cannot be had." in page


def test_sold_out_and_withdrawn(shopping: Client, order: Order) -> None:
    first, second = (line.variant for line in OrderLine.objects.order_by("pk"))
    Product.objects.filter(pk=first.product_id).update(is_active=False)
    stock.correct_count(stock.lock([second.pk])[second.pk], 3, cause="count")
    page = again(shopping, order).content.decode()
    assert "Nothing of this order can be had now." in page
    assert "is no longer sold." in page
    assert "is sold out." in page
    assert in_cart() == []


def test_a_full_cart_says_so(shopping: Client, order: Order, settings: Any) -> None:
    settings.CART_LINE_LIMIT = 1
    page = again(shopping, order).content.decode()
    assert "1 product is in your cart." in page
    assert "Your cart is full." in page


def test_only_by_post_and_only_ones_own(shopping: Client, order: Order, client: Client) -> None:
    assert shopping.get(f"/orders/{order.code}/copies/").status_code == 405
    stranger = Client()
    stranger.force_login(UserFactory())
    assert stranger.post(f"/orders/{order.code}/copies/").status_code == 404
    assert Client().post(f"/orders/{order.code}/copies/").status_code == 302
    assert in_cart() == []
