"""Popular and new products, prices for comparing, pictures of a choice."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from catalog import wording
from tests.factories import PictureFactory, ProductFactory, SellerFactory, VariantFactory

pytestmark = pytest.mark.django_db


def test_popular_products_follow_the_orders(client: Client) -> None:
    often = ProductFactory(name_ko_kp="쟁반국수", sold_30_days=9)
    most = ProductFactory(name_ko_kp="평양랭면", sold_30_days=30)
    ProductFactory(name_ko_kp="온반", sold_30_days=0)
    page = client.get("/popular/")
    assert [product.pk for product in page.context["products"]] == [most.pk, often.pk]
    assert 'href="/new/"' in page.text and not page.cookies


def test_new_products_are_the_last_that_came(client: Client) -> None:
    now = timezone.now()
    old = ProductFactory(listed_at=now - timedelta(days=2))
    new = ProductFactory(listed_at=now)
    hidden = ProductFactory(listed_at=now, is_active=False)
    found = [product.pk for product in client.get("/new/").context["products"]]
    assert found == [new.pk, old.pk] and hidden.pk not in found


@pytest.mark.parametrize("address", ["/popular/", "/new/"])
def test_they_stay_small(client: Client, address: str, django_assert_max_num_queries: object) -> None:
    for _ in range(44):
        ProductFactory(sold_30_days=1)
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        assert len(client.get(address).context["products"]) == 42
    assert client.post(address).status_code == 405


@pytest.mark.parametrize("address", ["/popular/", "/new/"])
def test_they_are_found_from_the_home_page_and_the_map(client: Client, address: str) -> None:
    ProductFactory(sold_30_days=9)
    for number in range(6):
        ProductFactory(sold_30_days=10 + number)
    assert f'href="{address}"' in client.get("/").text
    assert f"{address}</loc>" in b"".join(client.get("/sitemaps/shelves.xml")).decode()


@pytest.mark.parametrize(
    ("amount", "unit", "price", "korean", "english"),
    [
        (500, "ml", 80, "100ml당 16원", "16 won per 100 ml"),
        (1500, "ml", 180, "1L당 120원", "120 won per litre"),
        (900, "g", 90, "100g당 10원", "10 won per 100 g"),
        (1000, "g", 99, "1kg당 99원", "99 won per kg"),
        (6, "piece", 95, "1개당 16원", "16 won per piece"),
        (1, "piece", 95, "한그릇", ""),
        (500, "piece", 95, "한그릇", ""),
    ],
)
def test_prices_for_comparing(amount: int, unit: str, price: int, korean: str, english: str) -> None:
    shop = SellerFactory(slug="shop", kind="shop")
    product = ProductFactory(seller=shop, content_amount=amount, content_unit=unit)
    with override("ko-kp"):
        assert wording.unit_price(product, price) == korean
    with override("en"):
        assert wording.unit_price(product, price) == english or not english


def test_what_is_compared_is_compared_by_the_same(client: Client) -> None:
    shop = SellerFactory(slug="shop", kind="shop")
    small = ProductFactory(seller=shop, content_amount=900, content_unit="g", variant__price=90)
    large = ProductFactory(seller=shop, content_amount=1000, content_unit="g", variant__price=110)
    page = client.get(f"/compare/?p={small.pk}&p={large.pk}").text
    assert '<td class="is-best">100g당 10원</td>' in page and "100g당 11원" in page


def test_a_choice_leads_to_its_picture(client: Client) -> None:
    shirt = ProductFactory(variant=False)
    VariantFactory(product=shirt, size="S", price=2300)
    blue = VariantFactory(product=shirt, size="M", price=2500)
    PictureFactory(product=shirt)
    picture = PictureFactory(product=shirt, variant=blue)
    page = client.get(f"/products/{shirt.pk}/pyongyang-raengmyon/").text
    assert f'<li id="picture-{picture.pk}">' in page
    assert page.count(f'href="#picture-{picture.pk}"') == 1
    assert f'data-picture="picture-{picture.pk}"' in page and 'data-price="2,500원"' in page
