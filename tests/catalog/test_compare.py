"""Up to four products side by side."""

import pytest
from django.test import Client

from tests.factories import ProductFactory, ProductKindFactory, SellerFactory

pytestmark = pytest.mark.django_db


def test_products_stand_in_the_order_asked_for_with_the_best_marked(client: Client) -> None:
    kind = ProductKindFactory(slug="cider", comparison_unit="ml")
    size = {"kind": kind, "content_amount": 500, "content_unit": "ml"}
    dear = ProductFactory(name_ko_kp="옥류관사이다", variant__price=95, **size)
    cheap = ProductFactory(name_ko_kp="랭천사이다", variant__price=75, seller=SellerFactory(slug="b"), **size)
    page = client.get(f"/compare/?p={dear.pk}&p={cheap.pk}")
    assert [product.pk for product in page.context["comparison"].products] == [dear.pk, cheap.pk]
    assert page.text.count("제일 눅음") == 1
    assert '<td class="is-best">100ml당 15원</td>' in page.text
    assert f'href="/compare/?p={cheap.pk}"' in page.text


def test_equal_prices_have_no_best(client: Client) -> None:
    ids = [ProductFactory().pk for _ in range(2)]
    assert "제일 눅음" not in client.get(f"/compare/?p={ids[0]}&p={ids[1]}").text


def test_four_are_the_most(client: Client) -> None:
    ids = [ProductFactory().pk for _ in range(6)]
    page = client.get("/compare/?" + "&".join(f"p={pk}" for pk in [*ids, ids[0]]))
    assert [product.pk for product in page.context["comparison"].products] == ids[:4]


def test_a_product_no_longer_sold_is_told(client: Client) -> None:
    one, gone = ProductFactory(), ProductFactory(is_active=False)
    page = client.get(f"/compare/?p={one.pk}&p={gone.pk}")
    assert "더는 팔지 않습니다" in page.text


@pytest.mark.parametrize("query", ["", "p=", "p=x", "p=-1", "p=0", "p=" + "9" * 20, "p=%00", "p=٣", "p=1&p=2&p=3"])
def test_nothing_to_compare_is_a_page(client: Client, query: str) -> None:
    page = client.get(f"/compare/?{query}")
    assert page.status_code == 200 and "비교할 제품이 아직 없습니다" in page.text
