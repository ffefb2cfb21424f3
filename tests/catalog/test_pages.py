"""Every page of the catalogue: it works, in both languages, and refuses what is not there."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from catalog.models import Product
from tests.factories import (
    CategoryFactory,
    DistrictFactory,
    NoticeFactory,
    PictureFactory,
    ProductFactory,
    ProductKindFactory,
    ReviewFactory,
    SellerFactory,
    VariantFactory,
    lowered,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def noodles() -> Product:
    product = ProductFactory(rating_sum=9, rating_count=2, sold_30_days=312)
    PictureFactory(product=product)
    ReviewFactory(product=product)
    ReviewFactory(product=product, stars=4, text="", answer="고맙습니다.")
    NoticeFactory(body_ko_kp="저녁 9시까지", body_en="Until nine in the evening")
    return product


def english(client: Client) -> Client:
    client.cookies["language"] = "en"
    return client


PAGES = ["/", "/categories/", "/categories/dishes/", "/sellers/", "/sellers/okryugwan/", "/search/?q=평양"]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_works_in_korean(client: Client, noodles: Product, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    assert page["Content-Language"] == "ko-kp"
    assert "옥류관" in page.text or "료리" in page.text


@pytest.mark.parametrize("address", PAGES)
def test_a_page_works_in_english(client: Client, noodles: Product, address: str) -> None:
    page = english(client).get(address)
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert "Okryugwan" in page.text or "Dishes" in page.text


def test_the_product_page_tells_what_a_buyer_asks(client: Client, noodles: Product) -> None:
    page = client.get(f"/products/{noodles.pk}/pyongyang-raengmyon/")
    assert page.status_code == 200
    for words in ("평양랭면", "380원", "191-555-0104", "옥류관", "은주", "국물이 시원합니다.", "고맙습니다.", "100원"):
        assert words in page.text, words
    assert '<form action="/cart/lines/" method="post">' in page.text
    assert f'name="variant" value="{noodles.variants.get().pk}"' in page.text


def test_the_product_page_in_english(client: Client, noodles: Product) -> None:
    page = english(client).get(f"/products/{noodles.pk}/pyongyang-raengmyon/")
    for words in ("Pyongyang cold noodles", "380 won", "per bowl", "312 bowls", "Okryugwan", "Central District"):
        assert words in page.text, words


def test_a_page_of_a_cookie_language_nobody_knows_is_korean(client: Client, noodles: Product) -> None:
    client.cookies["language"] = "xx"
    assert '<html lang="ko-KP">' in client.get("/").text


@pytest.mark.parametrize(
    "address",
    [
        "/categories/nothing/",
        "/sellers/nobody/",
        "/products/999999/x/",
        "/products/-1/x/",
        "/products/0/x/",
        "/products/99999999999999999999/x/",
        "/products/1.5/x/",
        "/products/٣/x/",
        "/products/",
    ],
)
def test_what_is_not_there_is_404(client: Client, noodles: Product, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "hide",
    [
        lambda p: Product.objects.update(is_active=False),
        lambda p: type(p.seller).objects.update(is_active=False),
        lambda p: type(p.category).objects.update(is_active=False),
        lambda p: p.variants.update(is_active=False),
    ],
    ids=["product", "seller", "category", "every variant"],
)
def test_what_is_hidden_is_404_and_on_no_list(client: Client, noodles: Product, hide) -> None:
    hide(noodles)
    assert client.get(f"/products/{noodles.pk}/pyongyang-raengmyon/").status_code == 404
    assert client.get(f"/products/{noodles.pk}/wrong/").status_code == 404
    for address in ("/", "/search/?q=평양랭면", "/search/?q=xyz", f"/compare/?p={noodles.pk}"):
        assert f"/products/{noodles.pk}/" not in client.get(address).text


def test_a_hidden_category_or_seller_has_no_page(client: Client, noodles: Product) -> None:
    type(noodles.category).objects.update(is_active=False)
    assert client.get("/categories/dishes/").status_code == 404
    type(noodles.seller).objects.update(is_active=False)
    assert client.get("/sellers/okryugwan/").status_code == 404
    assert "옥류관" not in client.get("/sellers/").text


def test_a_hidden_category_hides_what_is_inside(client: Client) -> None:
    food = CategoryFactory(slug="food", is_active=False)
    CategoryFactory(slug="bread", parent=food)
    assert client.get("/categories/bread/").status_code == 404


def test_a_wrong_slug_moves_for_good(client: Client, noodles: Product) -> None:
    answer = client.get(f"/products/{noodles.pk}/old-name/")
    assert (answer.status_code, answer["Location"]) == (301, f"/products/{noodles.pk}/pyongyang-raengmyon/")


@pytest.mark.parametrize("address", [*PAGES, "/compare/"])
def test_pages_are_read_only(client: Client, noodles: Product, address: str) -> None:
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


def test_a_category_shows_what_is_inside_its_children(client: Client, noodles: Product) -> None:
    parent = CategoryFactory(slug="food", name_ko_kp="먹을것", name_en="Food")
    noodles.category.parent = parent
    noodles.category.save()
    page = client.get("/categories/food/")
    assert "평양랭면" in page.text
    assert 'href="/categories/dishes/"' in page.text


def test_other_sellers_of_the_kind_stand_with_their_price(client: Client) -> None:
    kind = ProductKindFactory(slug="cider", comparison_unit="ml")
    shop = SellerFactory(slug="myohyang", name_ko_kp="장경묘향상점", kind="shop")
    mine = ProductFactory(kind=kind, content_amount=500, content_unit="ml", variant__price=95)
    other = ProductFactory(kind=kind, seller=shop, content_amount=500, content_unit="ml", variant__price=80)
    page = client.get(f"/products/{mine.pk}/pyongyang-raengmyon/")
    assert f'href="/products/{other.pk}/' in page.text
    assert f'href="/compare/?p={mine.pk}&amp;p={other.pk}"' in page.text
    assert "100ml당 19원" in page.text and "100ml당 16원" in page.text


def test_variants_stand_as_choices_with_price_and_stock(client: Client) -> None:
    shirt = ProductFactory(unit_ko_kp="벌", variant=False)
    small = VariantFactory(product=shirt, size="S", price=2300, on_hand=3)
    gone = VariantFactory(product=shirt, size="L", price=2400, on_hand=2, reserved=2)
    page = client.get(f"/products/{shirt.pk}/pyongyang-raengmyon/").text
    assert f'name="variant" value="{small.pk}" checked' in page
    assert f'name="variant" value="{gone.pk}" disabled' in page
    assert "3벌 남음" in page and "2,400원" in page


def test_quantity_is_bounded_by_the_stock(client: Client) -> None:
    product = ProductFactory(variant__on_hand=5, variant__reserved=2)
    page = client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text
    assert '<option value="3">' in page and '<option value="4">' not in page


def test_a_lowered_price_shows_the_old_one_and_its_end(client: Client) -> None:
    product = ProductFactory(variant__price=5600, **{f"variant__{k}": v for k, v in lowered(4900).items()})
    for address in (f"/products/{product.pk}/pyongyang-raengmyon/", "/categories/dishes/"):
        page = client.get(address).text
        assert "<b>4,900원</b>" in page and "5,600원</s>" in page and "12%" in page
    assert "까지의 값" in client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text


def test_a_price_lowered_long_ago_is_the_full_price(client: Client) -> None:
    product = ProductFactory(variant__price=5600, **{f"variant__{k}": v for k, v in lowered(4900, days=0).items()})
    page = client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text
    assert "<b>5,600원</b>" in page and "4,900원" not in page


def test_sold_out_says_so_and_offers_no_button(client: Client) -> None:
    product = ProductFactory(variant__on_hand=0)
    page = client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text
    assert "다 팔림" in page and 'action="/cart/lines/"' not in page
    assert "card--gone" in client.get("/categories/dishes/").text


def test_a_variant_never_received_counts_as_sold_out(client: Client) -> None:
    product = ProductFactory(variant__on_hand=None)
    assert "다 팔림" in client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text


def test_few_left_is_said_only_when_true(client: Client) -> None:
    few = ProductFactory(unit_ko_kp="병", variant__on_hand=5)
    many = ProductFactory(unit_ko_kp="통", variant__on_hand=6)
    page = client.get("/categories/dishes/").text
    assert "5병 남음" in page and "6통 남음" not in page
    assert few.available == 5 and many.few_left == ""


def test_fees_go_by_district(client: Client) -> None:
    DistrictFactory(slug="mangyongdae", name_ko_kp="만경대구역", fee=200, position=9)
    shop = SellerFactory(slug="myohyang", kind="shop")
    product = ProductFactory(seller=shop)
    desk = ProductFactory(seller=shop, slug="desk", weight_g=32_000)
    assert "100원" in client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text
    client.cookies["district"] = "mangyongdae"
    page = client.get(f"/products/{product.pk}/pyongyang-raengmyon/").text
    assert re.search(r"만경대구역까지 [^,<]+, 200원", page)
    assert re.search(r"만경대구역까지 [^,<]+, 800원", client.get(f"/products/{desk.pk}/desk/").text)


def test_a_dish_is_not_promised_to_far_districts(client: Client, noodles: Product) -> None:
    far = DistrictFactory(slug="rangnang", name_ko_kp="락랑구역", zone__code="C", fee=250, position=5)
    client.cookies["district"] = far.slug
    assert "락랑구역에는 료리를 송달하지 않습니다" in client.get(f"/products/{noodles.pk}/pyongyang-raengmyon/").text


def test_the_shop_works_empty(client: Client) -> None:
    for address in ("/", "/categories/", "/sellers/", "/search/", "/search/?q=x", "/compare/"):
        assert client.get(address).status_code == 200


def test_what_people_wrote_is_text(client: Client) -> None:
    bad = "<script>alert(1)</script>"
    product = ProductFactory(name_ko_kp=bad, description_ko_kp=bad, unit_ko_kp="<b>")
    ReviewFactory(product=product, text=bad)
    for address in ("/", f"/products/{product.pk}/pyongyang-raengmyon/", "/search/?q=" + bad):
        assert "<script>alert" not in client.get(address).text


@pytest.mark.parametrize("others", [1, 12])
def test_a_product_page_asks_the_same_number_of_questions_for_any_company(
    client: Client, noodles: Product, others: int, django_assert_num_queries: Any
) -> None:
    for number in range(others):
        ProductFactory(slug=f"n-{number}", kind=noodles.kind, category=noodles.category)
    cache.clear()
    with django_assert_num_queries(7):
        client.get(noodles.get_absolute_url())


@pytest.mark.parametrize("more", [10, 100])
def test_six_questions_at_most_on_every_list(
    client: Client, noodles: Product, more: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(more):
        ProductFactory(slug=f"n-{number}", category=noodles.category, seller=noodles.seller, sold_30_days=number)
    for address in ("/", "/categories/dishes/", "/sellers/okryugwan/", "/sellers/", "/popular/", "/new/"):
        cache.clear()
        with django_assert_max_num_queries(6):
            assert client.get(address).status_code == 200


def test_a_name_nobody_translated_is_read_in_its_own_language(client: Client) -> None:
    import_only = ProductFactory(name_ko_kp="Adventure Backpack", name_en="Adventure Backpack", slug="backpack")
    korean_only = ProductFactory(name_ko_kp="감자국수", name_en="", description_ko_kp="맛있다", slug="potato")
    page = client.get("/categories/dishes/").text
    assert '<span class="card-name" lang="en">Adventure Backpack' in page
    assert '<span class="card-name">감자국수' in page
    assert 'lang="en">Adventure Backpack' in client.get(import_only.get_absolute_url()).text
    english(client)
    page = client.get("/categories/dishes/").text
    assert '<span class="card-name">Adventure Backpack' in page
    assert '<span class="card-name" lang="ko-KP">감자국수' in page
    assert '<div class="prose" lang="ko-KP">' in client.get(korean_only.get_absolute_url()).text
