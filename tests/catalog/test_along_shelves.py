"""A list over many shelves is merged from the first few of each: it must be the list one shelf would give."""

from datetime import timedelta

import pytest
from django.test import Client

from catalog import scopes
from catalog.alphabet import letter_key
from catalog.models import Product
from tests.catalog.lists import all_of
from tests.catalog.test_facets import pack
from tests.factories import LISTED_AT, CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db

# How many products each of six shelves holds, and of which shelf the best ones are: of one alone, of all in turn.
SPREADS = {
    "even": [10] * 6,
    "one shelf holds nearly all": [50, 1, 1, 1, 1, 1],
    "full and empty ones": [0, 30, 0, 5, 4, 1],
    "fewer than a page": [1, 2, 3, 4, 5, 1],
}
ORDERS = {
    "popular": lambda product: (-product.sold_30_days, -product.pk),
    "cheap": lambda product: (product.variants.get().price, product.pk),
    "new": lambda product: (-product.listed_at.timestamp(), -product.pk),
    "name": lambda product: (letter_key(product.name_ko_kp), product.pk),
}


@pytest.fixture(params=SPREADS)
def shop(request, monkeypatch) -> None:
    monkeypatch.setattr(scopes, "ROWS_LIMIT", 0)
    monkeypatch.setattr("catalog.paging.SPARSE", -1)
    root = CategoryFactory(slug="all")
    number = 0
    for shelf, count in enumerate(SPREADS[request.param]):
        category = CategoryFactory(slug=f"shelf-{shelf}", name_ko_kp=f"분류{shelf}", parent=root)
        for _ in range(count):
            number += 1
            ProductFactory(
                category=category,
                name_ko_kp=f"{'감나다라마'[number % 5]}{number % 9}",
                sold_30_days=100 * (shelf == 1) + number % 4,
                variant__price=100 + number * 7 % 13,
                listed_at=LISTED_AT + timedelta(hours=number * 5 % 11),
            )
    pack()


@pytest.mark.parametrize("sort", ORDERS)
def test_many_shelves_list_as_one_would(client: Client, shop: None, sort: str) -> None:
    met = all_of(client, f"/categories/all/?sort={sort}&min=1")
    assert met == [product.pk for product in sorted(Product.objects.all(), key=ORDERS[sort])]
