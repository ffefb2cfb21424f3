"""The cart: putting in, changing, taking out, joining on signing in, and what the page tells."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalog import stock
from catalog.models import Product, ProductVariant
from orders.cart import forget_visitor_carts
from orders.models import Cart, CartLine
from tests.factories import PASSWORD, PictureFactory, ProductFactory, SellerFactory, VariantFactory
from tests.orders.shopping import ORIGIN, put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


def page(client: Client) -> str:
    return client.get("/cart/", **EN).content.decode()


def quantity_of(variant: ProductVariant) -> int | None:
    return CartLine.objects.filter(variant=variant).values_list("quantity", flat=True).first()


class TestPutting:
    def test_works_before_signing_in(self, client: Client, noodles: ProductVariant) -> None:
        response = put(client, noodles, 2)
        assert (response.status_code, response["Location"]) == (302, "/cart/")
        assert "760 won" in page(client)
        assert client.cookies["cart_count"].value == "2"
        assert client.cookies["cart"]["httponly"]

    def test_keeps_only_a_digest_of_the_visitors_key(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles)
        assert client.cookies["cart"].value not in str(Cart.objects.values_list("token_digest", flat=True))

    def test_wrong_method(self, client: Client, noodles: ProductVariant) -> None:
        assert client.get("/cart/lines/").status_code == 405

    def test_another_site_changes_nothing(self, client: Client, noodles: ProductVariant) -> None:
        form = {"variant": noodles.pk, "quantity": "2"}
        response = client.post("/cart/lines/", form, HTTP_ORIGIN="http://evil.example")
        assert response.status_code == 403
        assert not Cart.objects.exists()

    def test_repeated_is_the_same_as_once(self, client: Client, noodles: ProductVariant) -> None:
        for _ in range(2):
            put(client, noodles, 2)
        assert quantity_of(noodles) == 2
        assert Cart.objects.count() == 1

    def test_another_quantity_replaces_and_is_told(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles, 3)
        page(client)
        client.post("/cart/lines/", {"variant": noodles.pk, "quantity": "1"}, **ORIGIN, **EN)
        assert "now 1 in your cart, before 3" in page(client)

    @pytest.mark.parametrize("typed", ["0", "-1", "1.5", "1e3", "²", "١٢", "1_0", str(10**24), "", "\0"])
    def test_wrong_quantity_is_asked_again(self, client: Client, noodles: ProductVariant, typed: str) -> None:
        response = put(client, noodles, typed)
        assert response.status_code == 422
        assert 'aria-invalid="true"' in response.content.decode()
        assert not CartLine.objects.exists()

    def test_more_than_there_is_becomes_what_there_is_with_a_message(self, client: Client) -> None:
        variant = ProductFactory(variant__on_hand=5).variants.get()
        client.post("/cart/lines/", {"variant": variant.pk, "quantity": "9"}, **ORIGIN, **EN)
        assert quantity_of(variant) == 5
        assert "only 5 are left" in page(client)

    def test_more_than_ninety_nine_becomes_ninety_nine_with_a_message(self, client: Client) -> None:
        variant = ProductFactory(variant__on_hand=500).variants.get()
        client.post("/cart/lines/", {"variant": variant.pk, "quantity": "500"}, **ORIGIN, **EN)
        assert quantity_of(variant) == 99
        assert "one order takes 99 at most" in page(client)

    def test_sold_out_is_told(self, client: Client) -> None:
        variant = ProductFactory(variant__on_hand=0).variants.get()
        client.post("/cart/lines/", {"variant": variant.pk}, **ORIGIN, **EN)
        assert quantity_of(variant) is None
        assert "is sold out" in page(client)

    @pytest.mark.parametrize("variant", ["", "0", "-1", "abc", "9" * 20, "1e3", "²", "999999999"])
    def test_unknown_variants_are_not_found(self, client: Client, variant: str) -> None:
        assert client.post("/cart/lines/", {"variant": variant}, **ORIGIN).status_code == 404

    def test_hidden_goods_are_not_found_whatever_hides_them(self, client: Client, noodles: ProductVariant) -> None:
        product = noodles.product
        hiding = [noodles, product, product.seller, product.category]
        for thing in hiding:
            type(thing).objects.filter(pk=thing.pk).update(is_active=False)
            assert put(client, noodles).status_code == 404, thing
            type(thing).objects.filter(pk=thing.pk).update(is_active=True)
        assert put(client, noodles).status_code == 302

    def test_price_and_total_sent_along_are_ignored(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles, 1, price="1", total="0", shown_price="1", cart="1")
        assert CartLine.objects.get().shown_price == 380

    def test_no_more_than_fifty_different_goods(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles)
        cart = Cart.objects.get()
        for _ in range(49):
            variant = VariantFactory(product=noodles.product)
            CartLine.objects.create(cart=cart, variant=variant, quantity=1, shown_price=380)
        one_more = VariantFactory(product=noodles.product)
        client.post("/cart/lines/", {"variant": one_more.pk}, **ORIGIN, **EN)
        assert CartLine.objects.count() == 50
        assert "holds 50 different products" in page(client)

    def test_goes_on_only_to_pages_of_the_shop(self, client: Client, noodles: ProductVariant) -> None:
        for evil in ["//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)"]:
            assert put(client, noodles, next=evil)["Location"] == "/cart/"
        assert put(client, noodles, next="/search/?q=x")["Location"] == "/search/?q=x"

    @pytest.mark.parametrize("cookie", ["", "x", "a" * 3000, "é" * 43, "../" * 14])
    def test_a_cookie_that_is_none_of_ours_is_none(self, client: Client, noodles: ProductVariant, cookie: str) -> None:
        client.cookies["cart"] = cookie
        assert "Your cart is empty" in page(client)
        assert put(client, noodles).status_code == 302


class TestLines:
    def line(self, client: Client, variant: ProductVariant, quantity: int = 3) -> CartLine:
        put(client, variant, quantity)
        return CartLine.objects.get(variant=variant)

    def test_plus_minus_and_out(self, client: Client, noodles: ProductVariant) -> None:
        line = self.line(client, noodles)
        assert client.post(f"/cart/lines/{line.pk}/", {"quantity": "4"}).status_code == 302
        assert quantity_of(noodles) == 4
        assert client.cookies["cart_count"].value == "4"
        client.post(f"/cart/lines/{line.pk}/", {"quantity": "0"})
        assert quantity_of(noodles) is None
        assert client.cookies["cart_count"].value == ""

    def test_wrong_method(self, client: Client, noodles: ProductVariant) -> None:
        assert client.get(f"/cart/lines/{self.line(client, noodles).pk}/").status_code == 405

    def test_needs_a_token(self, noodles: ProductVariant) -> None:
        client = Client(enforce_csrf_checks=True)
        line = self.line(client, noodles)
        assert client.post(f"/cart/lines/{line.pk}/", {"quantity": "1"}).status_code == 403
        assert quantity_of(noodles) == 3

    @pytest.mark.parametrize("quantity", ["0", "1"])
    def test_a_strangers_line_is_not_found(self, client: Client, noodles: ProductVariant, quantity: str) -> None:
        line = self.line(client, noodles)
        stranger = Client()
        assert stranger.post(f"/cart/lines/{line.pk}/", {"quantity": quantity}).status_code == 404
        put(stranger, noodles, 1)
        assert stranger.post(f"/cart/lines/{line.pk}/", {"quantity": quantity}).status_code == 404
        assert CartLine.objects.get(pk=line.pk).quantity == 3

    def test_taken_out_twice_shows_the_cart_as_it_stands(self, client: Client, noodles: ProductVariant) -> None:
        line = self.line(client, noodles)
        client.post(f"/cart/lines/{line.pk}/", {"quantity": "0"})
        again = client.post(f"/cart/lines/{line.pk}/", {"quantity": "0"}, **EN)
        assert again.status_code == 404
        assert "no longer in your cart" in again.content.decode()

    @pytest.mark.parametrize("typed", ["", "-1", "1.5", "²", "two"])
    def test_wrong_quantity_is_told_beside_the_line(self, client: Client, noodles: ProductVariant, typed: str) -> None:
        line = self.line(client, noodles)
        response = client.post(f"/cart/lines/{line.pk}/", {"quantity": typed}, **EN)
        assert response.status_code == 422
        assert f"“{typed}” is not a number of pieces" in response.content.decode()
        assert quantity_of(noodles) == 3

    def test_no_more_than_there_is(self, client: Client, noodles: ProductVariant) -> None:
        line = self.line(client, noodles)
        client.post(f"/cart/lines/{line.pk}/", {"quantity": "70"}, **EN)
        assert quantity_of(noodles) == 20
        assert "only 20 are left" in page(client)


class TestPage:
    def test_empty(self, client: Client, db: None) -> None:
        response = client.get("/cart/", **EN)
        assert "Your cart is empty" in response.content.decode()
        assert "no-store" in response["Cache-Control"]

    def test_prices_are_todays_and_a_change_is_told(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles, 2)
        ProductVariant.objects.update(price=400)
        assert "raised from 380 won" in page(client)
        assert "800 won" in page(client)
        ProductVariant.objects.update(price=300)
        assert "lowered from 380 won" in page(client)

    def test_withdrawn_goods_are_told_and_not_counted(
        self, client: Client, noodles: ProductVariant, cider: ProductVariant
    ) -> None:
        put(client, noodles)
        put(client, cider)
        Product.objects.filter(pk=noodles.product_id).update(is_active=False)
        text = page(client)
        assert "This is no longer sold" in text
        assert "Goods (1 piece)" in text

    def test_sold_out_and_short_lines_are_told(self, client: Client, noodles: ProductVariant) -> None:
        put(client, noodles, 5)
        self.leave(noodles, 2)
        assert "Only 2 of the 5 you wanted are left" in page(client)
        self.leave(noodles, 0)
        assert "Sold out since you put it in" in page(client)
        assert "/checkout/" not in page(client)

    def leave(self, variant: ProductVariant, pieces: int) -> None:
        row = stock.lock([variant.pk])[variant.pk]
        stock.correct_count(row, pieces, cause=f"count {pieces}")

    def test_is_grouped_by_seller_with_fees(
        self, client: Client, noodles: ProductVariant, cider: ProductVariant
    ) -> None:
        put(client, noodles)
        put(client, cider)
        text = page(client)
        assert "2 parcels, from 2 sellers" in text
        assert "660 won" in text  # 380 + 80 + two fees of 100

    def test_asks_at_most_eight_questions(self, client: Client, shopper: User, noodles: ProductVariant) -> None:
        client.force_login(shopper)
        counts = []
        for number in range(1, 11):
            product = ProductFactory(seller=SellerFactory(slug=f"s{number % 4}"), slug=f"p{number}")
            PictureFactory(product=product)
            put(client, product.variants.get())
            if number in (1, 10):
                client.get("/cart/")  # messages told
                with CaptureQueriesContext(connection) as queries:
                    client.get("/cart/")
                counts.append(len(queries))
        assert counts[0] == counts[1] <= 8


class TestSigningIn:
    def sign_in(self, client: Client) -> None:
        client.post("/sign-in/", {"phone": "191-234-5678", "password": PASSWORD}, **EN)

    def test_the_visitors_cart_becomes_the_members(
        self, client: Client, shopper: User, noodles: ProductVariant
    ) -> None:
        put(client, noodles, 2)
        self.sign_in(client)
        assert Cart.objects.get().user == shopper
        assert quantity_of(noodles) == 2
        assert client.cookies["cart_count"].value == "2"
        assert "What you had put in before signing in" in page(client)

    def test_the_same_goods_are_added_up_bounded_and_told(
        self, client: Client, shopper: User, noodles: ProductVariant, cider: ProductVariant
    ) -> None:
        mine = Cart.objects.create(user=shopper)
        CartLine.objects.create(cart=mine, variant=noodles, quantity=15, shown_price=380)
        CartLine.objects.create(cart=mine, variant=cider, quantity=1, shown_price=80)
        put(client, noodles, 8)
        put(client, cider, 2)
        self.sign_in(client)
        assert (quantity_of(noodles), quantity_of(cider)) == (20, 3)
        text = page(client)
        assert "20, because no more can be had" in text
        assert "now 3, 1 of them from earlier" in text

    def test_repeated_changes_nothing_more(self, client: Client, shopper: User, noodles: ProductVariant) -> None:
        put(client, noodles, 2)
        for _ in range(2):
            self.sign_in(client)
        assert quantity_of(noodles) == 2

    def test_another_visitors_cart_stays(self, client: Client, shopper: User, noodles: ProductVariant) -> None:
        other = Client()
        put(other, noodles, 7)
        self.sign_in(client)
        assert not CartLine.objects.filter(cart__user=shopper).exists()
        assert quantity_of(noodles) == 7


def test_visitors_carts_are_forgotten_after_a_month(client: Client, shopper: User, noodles: ProductVariant) -> None:
    put(client, noodles)
    Cart.objects.create(user=shopper)
    assert forget_visitor_carts() == 0
    Cart.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert forget_visitor_carts() == 1
    assert Cart.objects.get().user == shopper
