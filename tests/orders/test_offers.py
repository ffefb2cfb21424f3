"""What pages that sell promise: the first window that the seller keeps and that has a place, its fee, or the counter.

23 November 2026 is a Monday; 옥류관 works from 9 to 18 and is ready an hour after it has confirmed.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import District, Neighbourhood, User, Zone
from catalog.models import Category, Product, ProductVariant, Seller
from okryu.calendar import at
from orders import offers
from orders.models import DeliverySlot
from orders.reach import read_reach
from tests.factories import DistrictFactory, ProductFactory, SellerFactory, ZoneFactory
from tests.orders.shopping import checkout_form, put

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
NOON = at(MONDAY, 12)
EN = {"headers": {"accept-language": "en"}}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets the shop's clock."""

    def show(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    show(NOON)
    yield show


@pytest.fixture
def moranbong(home: Neighbourhood) -> District:
    district: District = DistrictFactory(
        slug="moranbong", name_ko_kp="모란봉구역", name_en="Moranbong", fee=150, position=3
    )
    return district


def fill(day: date, *hours: int, vehicle: str = "motorbike", zone: str = "A") -> None:
    for hour in hours:
        DeliverySlot.objects.create(
            zone_id=zone, day=day, start_hour=hour, end_hour=hour + 2, vehicle=vehicle, capacity=8, taken=8
        )


def offered(product: Product, district: District, moment: datetime = NOON) -> offers.Offer:
    return offers.offer(product, district=district, now=moment, reach=read_reach(moment))


class TestWindow:
    def test_it_is_the_first_the_seller_keeps(self, noodles: ProductVariant, moranbong: District) -> None:
        found = offered(noodles.product, moranbong)
        assert found.window and (found.window.start, found.fee) == (at(MONDAY, 14), 150)

    def test_full_windows_are_passed_over(self, noodles: ProductVariant, moranbong: District) -> None:
        fill(MONDAY, 14, 16)
        found = offered(noodles.product, moranbong)
        assert found.window and found.window.start == at(MONDAY, 18)

    @pytest.mark.parametrize(("vehicle", "zone"), [("van", "A"), ("motorbike", "B")])
    def test_other_vehicles_and_zones_take_no_place(
        self, noodles: ProductVariant, moranbong: District, vehicle: str, zone: str
    ) -> None:
        ZoneFactory(code="B")
        fill(MONDAY, 14, vehicle=vehicle, zone=zone)
        found = offered(noodles.product, moranbong)
        assert found.window and found.window.start == at(MONDAY, 14)

    def test_a_week_without_a_place_promises_nothing(self, noodles: ProductVariant, moranbong: District) -> None:
        for day in range(8):
            fill(MONDAY + timedelta(days=day), 10, 12, 14, 16, 18)
        found = offered(noodles.product, moranbong)
        assert (found.is_brought, found.window, found.order_by) == (True, None, None)
        assert found.collect_from == at(MONDAY, 13, 15)

    def test_the_last_moment_to_order_is_true(self, noodles: ProductVariant, moranbong: District) -> None:
        found = offered(noodles.product, moranbong)
        assert found.order_by == at(MONDAY, 12, 50)  # answered by 13:00, ready at 14:00
        assert offered(noodles.product, moranbong, at(MONDAY, 12, 50)).window == found.window
        assert offered(noodles.product, moranbong, at(MONDAY, 12, 55)).window != found.window

    def test_heavy_goods_ask_for_the_vans_places_and_fee(self, shop: Seller, moranbong: District) -> None:
        wardrobe = ProductFactory(seller=shop, slug="wardrobe", weight_g=40_000)
        fill(MONDAY, 16, vehicle="van")
        found = offered(wardrobe, moranbong)
        assert (found.by_van, found.fee) == (True, 600)
        assert found.window and found.window.start == at(MONDAY, 18)

    def test_the_bureaus_minimum_for_the_zone_is_told(self, shop: Seller, moranbong: District) -> None:
        Zone.objects.filter(pk="A").update(minimum_won=500)
        soap = ProductFactory(seller=shop, slug="soap")
        assert offered(soap, District.objects.select_related("zone").get(pk=moranbong.pk)).minimum == 500

    def test_sellers_of_the_provinces_take_a_week_and_have_no_counter(self, moranbong: District) -> None:
        sinuiju = DistrictFactory(slug="sinuiju", name_ko_kp="신의주시", zone=None, fee=None)
        cream = ProductFactory(seller=SellerFactory(slug="cream", kind="producer", lead_days=7, district=sinuiju))
        found = offered(cream, moranbong)
        assert found.window and found.window.start == at(date(2026, 12, 1), 10)
        assert found.collect_from is None


@pytest.mark.usefixtures("clock")
class TestPages:
    def test_the_product_page_promises_to_the_visitors_district(
        self, client: Client, noodles: ProductVariant, moranbong: District
    ) -> None:
        page = client.get(noodles.product.get_absolute_url(), **EN).text
        assert "To Central District: today 14–16h, 100 won" in page
        client.cookies["district"] = "moranbong"
        page = client.get(noodles.product.get_absolute_url(), **EN).text
        assert "To Moranbong: today 14–16h, 150 won" in page
        assert "Order by 12:50" in page
        assert "ready at the seller from 13:15" in page
        assert "모란봉구역까지 오늘 14~16시, 150원" in client.get(noodles.product.get_absolute_url()).text

    def test_a_district_nobody_knows_is_the_first(self, client: Client, noodles: ProductVariant) -> None:
        client.cookies["district"] = "atlantis"
        assert "To Central District" in client.get(noodles.product.get_absolute_url(), **EN).text

    def test_where_dishes_do_not_go_the_page_says_so_and_offers_the_counter(
        self, client: Client, noodles: ProductVariant, far: Neighbourhood
    ) -> None:
        client.cookies["district"] = "sadong"
        page = client.get(noodles.product.get_absolute_url(), **EN).text
        assert "Dishes are not brought to Sadong" in page
        assert "To Sadong" not in page
        assert "ready at the seller from 13:15" in page

    def test_when_every_place_is_taken_the_page_says_so(self, client: Client, noodles: ProductVariant) -> None:
        for day in range(8):
            fill(MONDAY + timedelta(days=day), 10, 12, 14, 16, 18)
        page = client.get(noodles.product.get_absolute_url(), **EN).text
        assert "Every delivery time to Central District is taken" in page

    def test_the_sellers_page_promises_alike(self, client: Client, noodles: ProductVariant) -> None:
        fill(MONDAY, 14)
        page = client.get(noodles.product.seller.get_absolute_url(), **EN).text
        assert "To Central District: today 16–18h, 100 won" in page
        assert "ready at the seller from 13:15" in page

    def test_cart_and_checkout_say_what_the_product_page_said(
        self, client: Client, shopper: User, noodles: ProductVariant
    ) -> None:
        fill(MONDAY, 14)
        client.force_login(shopper)
        put(client, noodles)
        assert "To Central District: today 16–18h" in client.get(noodles.product.get_absolute_url(), **EN).text
        cart = client.get("/cart/", **EN).text
        assert "To Central District: today 16–18h" in cart
        assert "ready at the seller from 13:15" in cart
        assert "earliest today 16–18h" in client.get("/checkout/", **EN).text
        assert checkout_form(client)[f"when-{noodles.product.seller_id}"] == "2026-11-23T16"

    def test_below_the_zones_minimum_the_cart_says_from_which_sum(
        self, client: Client, shopper: User, drinks: Category, shop: Seller
    ) -> None:
        cider = ProductFactory(seller=shop, category=drinks, slug="cider").variants.get()
        Zone.objects.filter(pk="A").update(minimum_won=500)
        client.force_login(shopper)
        put(client, cider)
        cart = client.get("/cart/", **EN).text
        assert "Goods of one seller are brought to Central District from 500 won" in cart
        assert "Or collect it: ready at the seller" in cart
        put(client, cider, 2)
        assert "To Central District:" in client.get("/cart/", **EN).text

    def test_a_shop_that_delivers_nowhere_promises_nothing(self, client: Client) -> None:
        sinuiju = DistrictFactory(slug="sinuiju", name_ko_kp="신의주시", zone=None, fee=None)
        product = ProductFactory(seller=SellerFactory(district=sinuiju))
        page = client.get(product.get_absolute_url(), **EN)
        assert page.status_code == 200
        assert "Order by" not in page.text


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (at(date(2026, 11, 30), 23, 59), "tomorrow 12–14h"),  # the month ends
        (at(date(2026, 12, 31), 23, 59), "tomorrow 12–14h"),  # the year ends
        (at(date(2027, 1, 1), 0), "today 12–14h"),
        (at(date(2028, 2, 28), 17, 30), "tomorrow 10–12h"),  # a leap day is tomorrow
    ],
)
def test_midnights_of_month_and_year(
    client: Client, clock: Any, noodles: ProductVariant, moment: datetime, words: str
) -> None:
    clock(moment)
    assert f"To Central District: {words}" in client.get(noodles.product.get_absolute_url(), **EN).text
