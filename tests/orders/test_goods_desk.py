"""Goods that sellers offer: hidden until the bureau puts them on sale with one click."""

import io
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog.models import Category, GoodsOffer, Picture, Product, Seller, Stock
from orders.roles import COURIER, FINANCE, ORDER_DESK, SELLER
from tests.factories import CategoryFactory, SellerFactory, UserFactory
from tests.orders.desks import EN, at_the_desk
from tests.payments.processes import at_once

pytestmark = pytest.mark.django_db
GOODS = "/admin/desk/goods/"
NEW = f"{GOODS}new/okryugwan/"


@pytest.fixture
def seller(db: None) -> Seller:
    return SellerFactory()


@pytest.fixture
def dishes(db: None) -> Category:
    return CategoryFactory()


@pytest.fixture
def client(seller: Seller) -> Client:
    return at_the_desk(SELLER, seller=seller, name="리영희")[0]


@pytest.fixture
def desk(db: None) -> Client:
    return at_the_desk(ORDER_DESK)[0]


def filled(dishes: Category, **more: Any) -> dict[str, Any]:
    told = {"name": "온반", "price": "420", "unit": "그릇", "weight_g": "900", "pieces": "30", "rule": ""}
    return told | {"token": str(uuid.uuid4()), "category": str(dishes.pk)} | more


def offered(client: Client, dishes: Category, **more: Any) -> GoodsOffer:
    given = filled(dishes, **more)
    answer = client.post(NEW, given, **EN)
    assert (answer.status_code, answer["Location"]) == (302, GOODS), answer.context and answer.context["form"].errors
    return GoodsOffer.objects.select_related("product").get(token=given["token"])


def a_picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "green").save(out, "PNG")
    return SimpleUploadedFile("onban.png", out.getvalue(), "image/png")


def test_offered_then_put_on_sale_with_one_click(client: Client, desk: Client, dishes: Category) -> None:
    offer = offered(client, dishes)
    product, shop = offer.product, Client()
    assert (product.name_ko_kp, product.name_en, product.slug, product.is_active) == ("온반", None, "onban", False)
    assert Stock.objects.get().on_hand == 30
    assert shop.get(product.get_absolute_url()).status_code == 404
    assert "Waits for the bureau" in client.get(GOODS, **EN).content.decode()
    page = desk.get(GOODS, **EN).content.decode()
    assert f'<form action="{GOODS}{offer.token}/approval/" method="post"' in page
    for _twice in range(2):
        assert desk.post(f"{GOODS}{offer.token}/approval/", **EN)["Location"] == GOODS
    assert shop.get(product.get_absolute_url()).status_code == 200
    assert "On sale" in client.get(GOODS, **EN).content.decode()
    assert "Nothing waits for you" in desk.get(GOODS, **EN).content.decode()
    assert desk.post(f"{GOODS}{offer.token}/refusal/", {"reason": "no"}, **EN)["Location"] == GOODS
    assert Product.objects.get().is_active


def test_refused_with_a_reason_the_seller_reads(client: Client, desk: Client, dishes: Category) -> None:
    offer = offered(client, dishes)
    assert desk.get(f"{GOODS}{offer.token}/refusal/").status_code == 200
    assert desk.post(f"{GOODS}{offer.token}/refusal/", {"reason": ""}, **EN).status_code == 422
    for _twice in range(2):
        answer = desk.post(f"{GOODS}{offer.token}/refusal/", {"reason": "The unit is missing"}, **EN)
        assert answer["Location"] == GOODS
    assert "The unit is missing" in client.get(GOODS, **EN).content.decode()
    desk.post(f"{GOODS}{offer.token}/approval/")
    assert not Product.objects.get().is_active


def test_the_same_form_twice_is_one_offer(client: Client, dishes: Category) -> None:
    given = filled(dishes)
    for _twice in range(2):
        assert client.post(NEW, given, **EN).status_code == 302
    assert Product.objects.count() == GoodsOffer.objects.count() == 1
    assert Stock.objects.get().on_hand == 30


@pytest.mark.django_db(transaction=True)
def test_the_same_form_ten_times_at_once_is_one_offer() -> None:
    seller, dishes = SellerFactory(), CategoryFactory()
    client, given = at_the_desk(SELLER, seller=seller)[0], None
    given = filled(dishes)
    assert at_once(10, lambda _number: client.post(NEW, given, **EN).status_code) == [302] * 10
    assert Product.objects.count() == GoodsOffer.objects.count() == 1


def test_in_latin_letters_it_stands_in_for_the_korean(client: Client, dishes: Category) -> None:
    product = offered(client, dishes, name="Warm rice soup", unit="bowl").product
    assert (product.name_ko_kp, product.name_en, product.slug) == ("Warm rice soup", "Warm rice soup", "warm-rice-soup")
    assert product in Product.objects.untranslated()


def test_rules_of_the_house(client: Client, dishes: Category) -> None:
    assert offered(client, dishes, rule="liquor").product.minimum_age == 17
    assert offered(client, dishes, rule="medicine", name="감기약").product.is_medicine


def test_with_a_picture(client: Client, dishes: Category) -> None:
    product = offered(client, dishes, picture=a_picture()).product
    assert Picture.objects.get().product == product
    not_one = SimpleUploadedFile("x.png", b"<svg onload=alert(1)>", "image/png")
    answer = client.post(NEW, filled(dishes, picture=not_one), **EN)
    assert answer.status_code == 422
    assert 'value="온반"' in answer.content.decode()
    assert Product.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "가" * 121},
        {"price": "0"},
        {"price": "10000001"},
        {"price": "12.5"},
        {"category": "999999"},
        {"weight_g": ""},
        {"pieces": "-1"},
        {"token": "x"},
        {"rule": "x"},
    ],
)
def test_mistakes_keep_what_was_typed(client: Client, dishes: Category, wrong: dict[str, str]) -> None:
    answer = client.post(NEW, filled(dishes, **wrong), **EN)
    assert answer.status_code == 422
    assert 'value="그릇"' in answer.content.decode()
    assert not Product.objects.exists()


def test_only_the_own_sellers_goods(client: Client, dishes: Category) -> None:
    other = SellerFactory(slug="other")
    theirs = at_the_desk(SELLER, seller=other)[0]
    offer = offered(client, dishes)
    assert theirs.get(NEW).status_code == 404
    assert theirs.post(NEW, filled(dishes)).status_code == 404
    assert str(offer.token) not in theirs.get(GOODS).content.decode()
    assert GoodsOffer.objects.count() == 1


def test_a_seller_does_not_decide(client: Client, dishes: Category) -> None:
    offer = offered(client, dishes)
    for deed in ("approval", "refusal"):
        assert client.post(f"{GOODS}{offer.token}/{deed}/", {"reason": "x"}).status_code == 403
    assert not Product.objects.get().is_active


def test_strangers_wrong_methods_and_unknown_offers(desk: Client, seller: Seller) -> None:
    stranger = Client()
    stranger.force_login(UserFactory())
    for someone in (stranger, at_the_desk(COURIER)[0], at_the_desk(FINANCE)[0]):
        assert someone.get(GOODS).status_code == 403
        assert someone.get(NEW).status_code == 403
    nowhere = f"{GOODS}{uuid.uuid4()}"
    assert desk.post(f"{nowhere}/approval/").status_code == 404
    assert desk.get(f"{nowhere}/approval/").status_code == 405
    assert desk.get(f"{nowhere}/refusal/").status_code == 404
    assert desk.post(GOODS).status_code == 405
    assert desk.get(NEW).status_code == 404  # answers for no seller


def test_many_page_by_page_with_the_same_queries(
    client: Client, desk: Client, dishes: Category, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("orders.views.goods.ON_PAGE", 3)
    tokens = [offered(client, dishes).token for _each in range(7)]
    for someone, wanted in ((desk, tokens), (client, tokens[::-1])):
        seen, path = [], GOODS
        while path:
            with django_assert_num_queries(8):
                answer = someone.get(path, **EN)
            seen += [offer.token for offer in answer.context["offers"]]
            path = answer.context["next_url"] and GOODS + answer.context["next_url"]
        assert seen == wanted
    for key in ("x", "²", "9" * 30, "-1"):
        assert desk.get(f"{GOODS}?after={key}").status_code == 200
