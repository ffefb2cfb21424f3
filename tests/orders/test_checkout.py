"""The checkout: one form, one POST, one order, whatever is sent and however often."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Address, Neighbourhood, User
from catalog import stock
from catalog.models import Category, Product, ProductVariant, Seller, Stock
from orders import placing
from orders.models import CartLine, DeliverySlot, Order, OrderEvent, OrderLine, Parcel
from orders.views import checkout
from tests.factories import ProductFactory, SellerFactory, UserFactory, VariantFactory
from tests.orders.shopping import checkout_form, put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def form(shopping: Client, noodles: ProductVariant, home: Neighbourhood) -> dict[str, str]:
    """Two bowls in the cart and the form filled in as a member with a new address would."""
    put(shopping, noodles, 2)
    return filled(shopping, home)


def filled(client: Client, place: Neighbourhood) -> dict[str, str]:
    return checkout_form(client) | {"neighbourhood": str(place.pk), "building": "3동", "floor": "12"}


def send(client: Client, form: dict[str, str], **changes: Any) -> Any:
    return client.post("/checkout/", form | changes, **EN)


def available(variant: ProductVariant) -> int:
    return Stock.objects.get(pk=variant.pk).available


def leave(variant: ProductVariant, pieces: int) -> None:
    stock.correct_count(stock.lock([variant.pk])[variant.pk], pieces, cause=f"count {pieces}")


class TestPlacing:
    def test_works(
        self, shopping: Client, shopper: User, form: dict[str, str], noodles: ProductVariant, home: Neighbourhood
    ) -> None:
        response = send(shopping, form)
        order = Order.objects.get()
        assert (response.status_code, response["Location"]) == (302, f"/orders/{order.code}/payment/")
        assert (order.user, order.status) == (shopper, "placed")
        assert (order.goods_total, order.delivery_total, order.total) == (760, 100, 860)
        assert (order.recipient_name, order.recipient_phone) == ("김은주", "1912345678")
        assert (order.neighbourhood, order.building, order.floor) == (home, "3동", "12")
        parcel = order.parcels.get()
        assert (parcel.number, parcel.fee, parcel.weight_g, parcel.vehicle) == (1, 100, 1800, "motorbike")
        assert (parcel.commission_bp, len(parcel.handover_code)) == (0, 4)
        line = parcel.lines.get()
        assert (line.name_ko_kp, line.sku, line.quantity, line.line_total) == ("평양랭면", noodles.sku, 2, 760)
        assert available(noodles) == 18
        assert DeliverySlot.objects.get(taken=1) == parcel.slot
        assert not CartLine.objects.exists()
        assert shopping.cookies["cart_count"].value == ""
        assert OrderEvent.objects.get().kind == "placed"

    def test_holds_for_fifteen_minutes(self, shopping: Client, form: dict[str, str]) -> None:
        send(shopping, form)
        order = Order.objects.get()
        assert order.hold_until == order.placed_at + timedelta(minutes=15)

    def test_wrong_method(self, shopping: Client, form: dict[str, str]) -> None:
        assert shopping.put("/checkout/").status_code == 405

    def test_who_is_not_signed_in_signs_in_first(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles)
        for response in (client.get("/checkout/"), client.post("/checkout/")):
            assert response["Location"] == "/sign-in/?next=/checkout/"

    def test_a_strangers_form_places_nothing(self, form: dict[str, str], noodles: ProductVariant) -> None:
        stranger = Client()
        stranger.force_login(UserFactory())
        put(stranger, noodles, 2)
        assert send(stranger, form).status_code == 422
        assert not Order.objects.exists()

    def test_repeated_lands_on_the_same_order(self, shopping: Client, form: dict[str, str]) -> None:
        answers = {send(shopping, form)["Location"] for _ in range(3)}
        assert answers == {f"/orders/{Order.objects.get().code}/payment/"}

    def test_sent_twice_at_once_for_the_last_place_lands_on_the_order_the_other_made(
        self, shopping: Client, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other one takes the window's last place after this one has read the cart."""
        monkeypatch.setitem(settings.SLOT_CAPACITY, "motorbike", 1)
        look = checkout.offers_for

        def look_late(*args: Any, **kwargs: Any) -> Any:
            monkeypatch.setattr(checkout, "offers_for", look)
            send(shopping, form)
            return look(*args, **kwargs)

        monkeypatch.setattr(checkout, "offers_for", look_late)
        assert send(shopping, form)["Location"] == f"/orders/{Order.objects.get().code}/payment/"

    def test_an_old_form_leads_to_its_order_even_when_the_cart_is_filled_anew(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant
    ) -> None:
        first = send(shopping, form)["Location"]
        put(shopping, noodles, 5)
        assert send(shopping, form)["Location"] == first
        assert CartLine.objects.get().quantity == 5

    def test_an_empty_cart_goes_back_to_the_cart(self, shopping: Client) -> None:
        for response in (shopping.get("/checkout/"), shopping.post("/checkout/")):
            assert (response.status_code, response["Location"]) == (302, "/cart/")

    def test_back_from_payment_finds_the_way_there_again(self, shopping: Client, form: dict[str, str]) -> None:
        payment = send(shopping, form)["Location"]
        assert shopping.get("/checkout/")["Location"] == "/cart/"
        assert f'href="{payment}"' in shopping.get("/cart/").content.decode()
        Order.objects.update(hold_until=timezone.now())
        assert payment not in shopping.get("/cart/").content.decode()

    @pytest.mark.parametrize("token", ["", "x", "\0", "0" * 32, "9" * 5000])
    def test_a_wrong_token_places_nothing(self, shopping: Client, form: dict[str, str], token: str) -> None:
        response = send(shopping, form, checkout_token=token)
        assert response.status_code == 422
        assert "This page was out of date" in response.content.decode()
        assert not Order.objects.exists()

    def test_is_stored_by_nobody(self, shopping: Client, form: dict[str, str]) -> None:
        assert "no-store" in shopping.get("/checkout/")["Cache-Control"]


class TestWhatWasShown:
    @pytest.mark.parametrize("shown", ["1", "859", "861", "", "-860", "8６0", "1e9", "9" * 30])
    def test_another_total_stops(self, shopping: Client, form: dict[str, str], shown: str) -> None:
        response = send(shopping, form, shown_total=shown)
        assert response.status_code == 422
        assert "860 won" in response.content.decode()
        assert 'value="3동"' in response.content.decode()
        assert not Order.objects.exists()

    def test_a_price_changed_meanwhile_is_told_and_the_new_page_places(
        self, shopping: Client, form: dict[str, str], home: Neighbourhood
    ) -> None:
        ProductVariant.objects.update(price=400)
        response = send(shopping, form)
        assert response.status_code == 422
        assert "The total is now 900 won; the page showed 860 won." in response.content.decode()
        send(shopping, filled(shopping, home))
        assert Order.objects.get().total == 900

    def test_goods_added_in_another_tab_are_told(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant
    ) -> None:
        put(shopping, noodles, 3)
        response = send(shopping, form)
        assert response.status_code == 422
        assert "Your cart was changed on another page." in response.content.decode()

    def test_sold_out_meanwhile_is_told_and_the_rest_kept(
        self, shopping: Client, noodles: ProductVariant, cider: ProductVariant, home: Neighbourhood
    ) -> None:
        put(shopping, noodles)
        put(shopping, cider)
        form = filled(shopping, home)
        leave(noodles, 0)
        response = send(shopping, form)
        assert response.status_code == 422
        assert "Pyongyang cold noodles is sold out." in response.content.decode()
        assert not Order.objects.exists()
        assert send(shopping, filled(shopping, home)).status_code == 302
        assert Order.objects.get().goods_total == 80
        assert CartLine.objects.get().variant == noodles

    def test_the_only_goods_sold_out_is_told_in_the_cart(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant
    ) -> None:
        leave(noodles, 0)
        assert send(shopping, form)["Location"] == "/cart/"
        assert "Sold out since you put it in" in shopping.get("/cart/", **EN).content.decode()

    def test_fewer_left_is_told_and_then_ordered(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant, home: Neighbourhood
    ) -> None:
        leave(noodles, 1)
        response = send(shopping, form)
        assert "only 1 of the 2 you wanted is left" in response.content.decode()
        send(shopping, filled(shopping, home))
        assert Order.objects.get().goods_total == 380

    def test_withdrawn_meanwhile_is_told(
        self, shopping: Client, noodles: ProductVariant, cider: ProductVariant, home: Neighbourhood
    ) -> None:
        put(shopping, noodles)
        put(shopping, cider)
        form = filled(shopping, home)
        Product.objects.filter(pk=cider.product_id).update(is_active=False)
        assert "Cider is no longer sold." in send(shopping, form).content.decode()

    def test_a_dearer_district_stops_once_and_keeps_the_input(
        self, shopping: Client, noodles: ProductVariant, shop: Seller
    ) -> None:
        put(shopping, noodles, 3)
        there = Neighbourhood.objects.create(district=shop.district, name_ko_kp="장경1동", name_en="Janggyong 1")
        response = send(shopping, filled(shopping, there))
        text = response.content.decode()
        assert response.status_code == 422
        assert "The total is now 1,290 won; the page showed 1,240 won." in text
        assert f'<option value="{there.pk}" selected>' in text

    def test_working_out_the_sum_again_places_nothing(
        self, shopping: Client, form: dict[str, str], shop: Seller
    ) -> None:
        there = Neighbourhood.objects.create(district=shop.district, name_ko_kp="장경1동", name_en="Janggyong 1")
        response = send(shopping, form, neighbourhood=str(there.pk), update="1")
        assert response.status_code == 200
        assert "brought to Sosong from 1,000 won" in response.content.decode()
        assert 'value="3동"' in response.content.decode()
        assert not Order.objects.exists()


class TestFields:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"neighbourhood": ""}, "Choose the neighbourhood."),
            ({"neighbourhood": "999999"}, "Choose one of the list"),
            ({"neighbourhood": "x" * 5000}, "Choose one of the list"),
            ({"building": " "}, "Write the building."),
            ({"building": "\u3164"}, "characters in it that cannot be seen"),
            ({"note": "x" * 201}, "200"),
            ({"who": "nobody"}, "nobody"),
            ({"who": "other"}, "Write the recipient&#x27;s name."),
            ({"who": "other", "recipient_phone": "123"}, "ten digits"),
            ({"address": "ZZZZ"}, "not in your address book"),
            ({"gift_text": "x" * 201}, "200"),
        ],
    )
    def test_wrong_values_are_told_beside_the_field(
        self, shopping: Client, form: dict[str, str], changes: dict[str, str], message: str
    ) -> None:
        response = send(shopping, form, **changes)
        assert response.status_code == 422
        assert message in response.content.decode()
        assert not Order.objects.exists()

    def test_another_recipient_with_a_card(self, shopping: Client, form: dict[str, str]) -> None:
        send(
            shopping,
            form,
            who="other",
            recipient_name="리철진",
            recipient_phone="+850 193 765 4321",
            gift_text="생일을 축하합니다",
        )
        order = Order.objects.get()
        assert (order.recipient_name, order.recipient_phone) == ("리철진", "1937654321")
        assert (order.is_gift, order.gift_text) == (True, "생일을 축하합니다")

    def test_the_address_is_kept_when_wished_and_chosen_next_time(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant
    ) -> None:
        send(shopping, form, keep_address="on")
        assert Address.objects.get().building == "3동"
        put(shopping, noodles)
        again = checkout_form(shopping)
        assert again["address"] == Address.objects.get().code
        assert send(shopping, again).status_code == 302  # a returning shopper types nothing
        assert Order.objects.latest("pk").building == "3동"

    def test_anothers_address_is_none(self, shopping: Client, form: dict[str, str], home: Neighbourhood) -> None:
        theirs = Address.objects.create(
            user=UserFactory(),
            recipient_name="박영희",
            recipient_phone="1930000000",
            neighbourhood=home,
            building="1동",
        )
        assert send(shopping, form, address=theirs.code).status_code == 422
        assert not Order.objects.exists()

    def test_collecting_everything_needs_no_address(self, shopping: Client, noodles: ProductVariant) -> None:
        put(shopping, noodles, 2)
        form = checkout_form(shopping) | {f"how-{noodles.product.seller_id}": "collection"}
        response = send(shopping, form)
        assert "The total is now 760 won; the page showed 860 won." in response.content.decode()
        assert send(shopping, form, shown_total="760").status_code == 302
        parcel = Parcel.objects.get()
        assert (parcel.method, parcel.fee, parcel.slot, parcel.order.neighbourhood) == ("collection", 0, None, None)

    @pytest.mark.parametrize("when", ["", "2026-02-30T10", "2020-01-01T10", "9999-12-31T18", "x", "2026-11-24T11"])
    def test_a_window_that_is_not_offered_is_refused(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant, when: str
    ) -> None:
        response = send(shopping, form, **{f"when-{noodles.product.seller_id}": when})
        assert response.status_code == 422
        assert "This time is no longer free" in response.content.decode()

    def test_what_is_not_asked_is_ignored(self, shopping: Client, form: dict[str, str]) -> None:
        send(shopping, form, user="2", status="paid", total="1", discount_total="500", unit_price="1", fee="0")
        order = Order.objects.get()
        assert (order.status, order.total, order.discount_total) == ("placed", 860, 0)


class TestParcels:
    def test_a_line_names_size_and_colour_in_both_languages(
        self, shopping: Client, home: Neighbourhood, noodles: ProductVariant
    ) -> None:
        dress = VariantFactory(product=noodles.product, size="M", colour_ko_kp="붉은색", colour_en="red", price=4900)
        put(shopping, dress)
        assert "Pyongyang cold noodles M · red" in shopping.get("/cart/", **EN).content.decode()
        send(shopping, filled(shopping, home))
        line = OrderLine.objects.get()
        assert (line.name_ko_kp, line.name_en) == ("평양랭면 M · 붉은색", "Pyongyang cold noodles M · red")

    def test_one_parcel_a_seller(
        self, shopping: Client, noodles: ProductVariant, cider: ProductVariant, home: Neighbourhood
    ) -> None:
        put(shopping, noodles)
        put(shopping, cider, 6)
        send(shopping, filled(shopping, home))
        assert list(Parcel.objects.values_list("number", "fee", "commission_bp")) == [(1, 100, 0), (2, 100, 300)]

    def test_sellers_of_one_district_share_the_fee(
        self, shopping: Client, noodles: ProductVariant, home: Neighbourhood
    ) -> None:
        neighbour = SellerFactory(slug="chongryugwan", name_ko_kp="청류관")
        put(shopping, noodles)
        put(shopping, ProductFactory(seller=neighbour, slug="other").variants.get())
        send(shopping, filled(shopping, home))
        assert list(Parcel.objects.values_list("fee", flat=True)) == [100, 0]

    def test_heavy_goods_come_by_van(self, shopping: Client, noodles: ProductVariant, home: Neighbourhood) -> None:
        put(shopping, noodles, 12)  # 10.8 kg
        send(shopping, filled(shopping, home))
        assert Parcel.objects.values_list("vehicle", "fee", "slot__vehicle").get() == ("van", 400, "van")

    def test_dishes_do_not_go_far(self, shopping: Client, noodles: ProductVariant, far: Neighbourhood) -> None:
        put(shopping, noodles, 2)
        response = send(shopping, filled(shopping, far))
        assert response.status_code == 422
        assert "Dishes are not brought to Sadong" in response.content.decode()
        assert not Order.objects.exists()

    def test_a_full_window_is_refused_and_another_chosen(
        self, shopping: Client, form: dict[str, str], noodles: ProductVariant, home: Neighbourhood
    ) -> None:
        when = form[f"when-{noodles.product.seller_id}"]
        send(shopping, form)
        DeliverySlot.objects.filter(taken=1).update(taken=8)
        put(shopping, noodles, 2)
        later = filled(shopping, home)
        assert later[f"when-{noodles.product.seller_id}"] != when
        response = send(shopping, later, **{f"when-{noodles.product.seller_id}": when})
        assert response.status_code == 422
        assert "This time is no longer free" in response.content.decode()
        assert Order.objects.count() == 1

    def test_the_page_asks_the_same_questions_for_one_parcel_and_six(
        self, shopping: Client, noodles: ProductVariant
    ) -> None:
        counts = []
        for number in range(6):
            seller = SellerFactory(slug=f"seller-{number}")
            put(shopping, ProductFactory(seller=seller, slug=f"product-{number}").variants.get())
            if number in (0, 5):
                shopping.get("/cart/")  # messages told
                with CaptureQueriesContext(connection) as queries:
                    shopping.get("/checkout/")
                counts.append(len(queries))
        assert counts[0] == counts[1] <= 9


class TestRulesOfTheHouse:
    def medicine(self, drinks: Category, **fields: Any) -> ProductVariant:
        product: Product = ProductFactory(category=drinks, slug="pills", name_en="Pills", is_medicine=True, **fields)
        return product.variants.get()

    def test_three_boxes_of_medicine_a_week(self, shopping: Client, home: Neighbourhood, drinks: Category) -> None:
        pills = self.medicine(drinks)
        put(shopping, pills, 2)
        assert send(shopping, filled(shopping, home)).status_code == 302
        put(shopping, pills, 2)
        response = send(shopping, filled(shopping, home))
        assert response.status_code == 422
        assert "3 boxes of medicine a week. You can still buy 1." in response.content.decode()
        put(shopping, pills, 1)
        assert send(shopping, filled(shopping, home)).status_code == 302

    def test_medicine_of_last_week_or_of_an_expired_order_does_not_count(
        self, shopping: Client, home: Neighbourhood, drinks: Category
    ) -> None:
        pills = self.medicine(drinks)
        put(shopping, pills, 3)
        send(shopping, filled(shopping, home))
        Order.objects.update(placed_at=timezone.now() - timedelta(days=8))
        put(shopping, pills, 3)
        assert send(shopping, filled(shopping, home)).status_code == 302

    @pytest.mark.parametrize(("born", "status"), [(17, 302), (16, 422)])
    def test_liquor_from_seventeen(
        self, shopping: Client, shopper: User, form: dict[str, str], born: int, status: int
    ) -> None:
        Product.objects.update(minimum_age=17)
        User.objects.filter(pk=shopper.pk).update(birth_year=timezone.localdate().year - born)
        response = send(shopping, form)
        assert response.status_code == status
        assert Order.objects.count() == (status == 302)

    def test_liquor_needs_the_year_of_birth(self, shopping: Client, shopper: User, form: dict[str, str]) -> None:
        Product.objects.update(minimum_age=17)
        User.objects.filter(pk=shopper.pk).update(birth_year=None)
        assert "we do not know your year of birth" in send(shopping, form).content.decode()

    def test_no_order_above_the_limit(self, shopping: Client, form: dict[str, str]) -> None:
        ProductVariant.objects.update(price=9_999_999)
        response = send(shopping, form, shown_total="20000098")
        assert response.status_code == 422
        assert "10,000,000 won at most" in response.content.decode()


class TestBusy:
    def test_says_so_and_keeps_what_was_typed(
        self, shopping: Client, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(placing, "place_order", refusing("55P03"))
        response = send(shopping, form)
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "Many people are ordering" in response.content.decode()
        assert 'value="3동"' in response.content.decode()
        monkeypatch.undo()
        assert send(shopping, form).status_code == 302


def refusing(sqlstate: str) -> Callable[..., Any]:
    def place_order(**_: Any) -> Any:
        cause = Exception()
        cause.sqlstate = sqlstate  # type: ignore[attr-defined]
        raise OperationalError from cause

    return place_order
