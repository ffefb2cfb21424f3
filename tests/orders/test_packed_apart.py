"""Noodles and broth packed apart: asked for at the product or in the cart, kept on the order, read by whoever packs."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Neighbourhood, User
from catalog.models import ProductVariant
from orders.models import CartLine, OrderLine
from tests.factories import StaffFactory
from tests.orders.shopping import ORIGIN, checkout_form, put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def soup(noodles: ProductVariant) -> ProductVariant:
    noodles.packable_apart = True
    noodles.save(update_fields=["packable_apart"])
    return noodles


def line() -> CartLine:
    return CartLine.objects.get()


def toggle(client: Client, value: str) -> Any:
    return client.post(f"/cart/lines/{line().pk}/", {"packed_apart": value}, **ORIGIN)


def test_the_product_page_asks_only_where_it_can_be(client: Client, noodles: ProductVariant) -> None:
    page = noodles.product.get_absolute_url()
    assert "packed_apart" not in client.get(page).content.decode()
    ProductVariant.objects.update(packable_apart=True)
    assert 'name="packed_apart" value="1"' in client.get(page).content.decode()


def test_asked_for_on_the_product_page(client: Client, soup: ProductVariant) -> None:
    put(client, soup, 2, packed_apart="1")
    assert (line().quantity, line().packed_apart) == (2, True)
    put(client, soup, 2)
    assert not line().packed_apart  # the form says how it shall be


def test_changed_in_the_cart_as_often_as_one_likes(client: Client, soup: ProductVariant) -> None:
    put(client, soup)
    for value, wanted in [("1", True), ("1", True), ("0", False), ("x", False)]:
        assert toggle(client, value).status_code == 302
        assert (line().packed_apart, line().quantity) == (wanted, 1)
    toggle(client, "1")
    page = client.get("/cart/", **EN).content.decode()
    assert "packed apart" in page and "Pack together" in page


def test_nobody_elses_line(client: Client, soup: ProductVariant) -> None:
    put(client, soup)
    stranger = Client()
    put(stranger, soup)
    first = CartLine.objects.order_by("pk")[0]
    assert stranger.post(f"/cart/lines/{first.pk}/", {"packed_apart": "1"}, **ORIGIN).status_code == 404
    assert not CartLine.objects.filter(packed_apart=True).exists()


def test_what_cannot_be_is_not_kept(client: Client, noodles: ProductVariant) -> None:
    put(client, noodles, packed_apart="1")
    assert not line().packed_apart
    toggle(client, "1")
    assert not line().packed_apart


def test_a_wrong_quantity_forgets_nothing(client: Client, soup: ProductVariant) -> None:
    response = put(client, soup, "x", packed_apart="1")
    assert response.status_code == 422
    assert 'name="packed_apart" value="1"' in response.content.decode()


def test_signing_in_keeps_it(client: Client, soup: ProductVariant, shopper: User) -> None:
    put(client, soup, packed_apart="1")
    client.post("/sign-in/", {"phone": shopper.phone, "password": "jade-stream-7"})
    assert (line().cart.user, line().packed_apart) == (shopper, True)


def test_the_order_keeps_it_in_its_names(shopping: Client, home: Neighbourhood, soup: ProductVariant) -> None:
    put(shopping, soup, packed_apart="1")
    assert "packed apart" in shopping.get("/checkout/", **EN).content.decode()
    form = checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3"}
    assert shopping.post("/checkout/", form).status_code == 302
    sold = OrderLine.objects.get()
    assert (sold.packed_apart, sold.name_ko_kp) == (True, "평양랭면, 따로 담기")
    assert sold.name_en == "Pyongyang cold noodles, packed apart"
    ProductVariant.objects.update(packable_apart=False)  # a later edit changes no order
    order = sold.parcel.order
    assert "packed apart" in shopping.get(f"/orders/{order.code}/", **EN).content.decode()
    desk = Client()
    desk.force_login(StaffFactory())
    type(order).objects.update(paid_at=order.placed_at)
    assert "packed apart" in desk.get(f"/admin/orders/parcel/{sold.parcel_id}/change/", **EN).content.decode()


def test_ordering_again_asks_for_it_again(shopping: Client, home: Neighbourhood, soup: ProductVariant) -> None:
    put(shopping, soup, packed_apart="1")
    form = checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3"}
    code = shopping.post("/checkout/", form)["Location"].split("/")[2]
    shopping.post(f"/orders/{code}/copies/")
    assert line().packed_apart
