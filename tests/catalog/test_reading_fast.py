"""Pages of the catalogue are the same bytes for everyone and ask a constant few questions."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from catalog.search import index
from tests.factories import (
    CategoryFactory,
    NoticeFactory,
    PictureFactory,
    ProductFactory,
    ProductKindFactory,
    ReviewFactory,
    SellerFactory,
    StaffFactory,
    VariantFactory,
)

pytestmark = pytest.mark.django_db
MOST = 6
CORRECTED = 14  # a query that finds nothing is read once more from every side, and the page still sells
ON_PRODUCT = 7


def fill(count: int) -> Product:
    """A shop of `count` products with variants, pictures, reviews and sellers in proportion."""
    kind = ProductKindFactory()
    NoticeFactory()
    for number in range(count):
        seller = SellerFactory(slug=f"seller-{number % 10}", kind=["restaurant", "shop", "producer"][number % 3])
        category = CategoryFactory(slug=["dishes", "drinks", "bread"][number % 3], name_ko_kp=f"분류{number % 3}")
        product = ProductFactory(
            seller=seller, category=category, kind=kind if number % 2 == 0 else None, rating_sum=5, rating_count=1
        )
        VariantFactory(product=product, price=500)
        PictureFactory(product=product)
        PictureFactory(product=product)
        ReviewFactory(product=product)
    index.follow_all()
    return first()


def first() -> Product:
    return Product.objects.order_by("pk")[0]


ADDRESSES: dict[str, Callable[[Product], str]] = {
    "home": lambda product: "/",
    "categories": lambda product: "/categories/",
    "category": lambda product: "/categories/dishes/",
    "category, priced": lambda product: "/categories/dishes/?sort=cheap&min=1&stock=1",
    "sellers": lambda product: "/sellers/",
    "seller": lambda product: "/sellers/seller-0/",
    "product": lambda product: product.get_absolute_url(),
    "search": lambda product: "/search/?q=평양",
    "search, nothing": lambda product: "/search/?q=없음",
    "search, empty": lambda product: "/search/",
    "compare": lambda product: f"/compare/?p={product.pk}&p={product.pk + 1}",
}


@pytest.fixture(scope="module", autouse=True)
def asked(filled: Any) -> Iterator[dict[str, list[int]]]:
    """How many questions each page asked in a shop of ten and of a hundred; the tests read the shop of a hundred."""
    told: dict[str, list[int]] = {name: [] for name in ADDRESSES}

    def grow() -> None:
        for more in (10, 90):
            product = fill(more)
            for name, address in ADDRESSES.items():
                told[name].append(questions(address(product)))

    with filled(grow):
        yield told


def questions(address: str) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert Client().get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", ADDRESSES)
def test_questions_are_few_and_do_not_grow(asked: dict[str, list[int]], name: str) -> None:
    few, many = asked[name]
    assert many == few
    assert few <= {"product": ON_PRODUCT, "search, nothing": CORRECTED}.get(name, MOST)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_knows_nobody(client: Client, name: str) -> None:
    """A signed-in member gets the same bytes: no session read, no cookie, no token, no message."""
    address = ADDRESSES[name](first())
    stranger = client.get(address)
    client.force_login(StaffFactory())
    member = client.get(address)
    assert member.content == stranger.content
    for answer in (stranger, member):
        assert not answer.cookies
        assert "csrfmiddlewaretoken" not in answer.text
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Cookie" in answer["Vary"]


def test_an_unchanged_page_is_not_sent_again(client: Client) -> None:
    address = ADDRESSES["category"](first())
    tag = client.get(address)["ETag"]
    assert client.get(address, headers={"if-none-match": tag}).status_code == 304


def test_descriptions_stay_out_of_lists(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/categories/dishes/")
    assert not any('"catalog_product"."description' in query["sql"] for query in queries)
