"""Pages of a full shelf: counts of filters and lists are the same by rows and by bits, for any address."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import scopes
from catalog.attributes import set_attribute
from tests.catalog.lists import all_of
from tests.catalog.test_facets import LIST, attribute, pack
from tests.factories import LISTED_AT, CategoryFactory, ProductFactory, SellerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def shelf(filled) -> Iterator[None]:
    """The same packed shelf for every test of this file."""
    with filled(sixty_dishes):
        yield


def sixty_dishes() -> None:
    """Sixty dishes of two sellers in all combinations of colour, volume, price and stock."""
    colour, volume = (
        attribute("colour", "choice", "white", "blue", "red"),
        attribute("volume", "number", bands=[250, 500]),
    )
    vegan = attribute("vegan", "yes_no")
    shop = SellerFactory(slug="myohyang", kind="shop", district__slug="moran")
    for n in range(60):
        product = ProductFactory(
            name_ko_kp=f"료리{n}",
            sold_30_days=n % 7,
            seller=shop if n % 3 else SellerFactory(),
            variant__price=100 + n,
            variant__on_hand=n % 5,
            listed_at=LISTED_AT + timedelta(hours=n % 11),
        )
        set_attribute(product, colour, ["white", "blue", "red"][n % 3])
        set_attribute(product, volume, [100, 250, 500, None][n % 4])
        set_attribute(product, vegan, n % 2 == 0)
    pack()


@pytest.fixture(params=["rows", "bits", "bits, along the shelf"])
def way(request, monkeypatch) -> str:
    if request.param != "rows":
        monkeypatch.setattr(scopes, "ROWS_LIMIT", 0)
    if request.param == "bits, along the shelf":
        monkeypatch.setattr("catalog.paging.SPARSE", -1)
    return request.param


QUERIES = [
    "",
    "?a-colour=white",
    "?a-colour=white&a-colour=red&stock=1",
    "?a-colour=blue&a-volume=0-250&min=110&max=140",
    "?a-vegan=1&kind=shop",
    "?seller=myohyang&a-volume=500-up",
    "?district=moran&a-colour=blue&a-volume=250-500",
    "?min=159",
    "?max=99",
]


@pytest.mark.parametrize("query", QUERIES)
def test_every_count_is_what_the_filter_leaves(client: Client, way: str, query: str) -> None:
    """Each offered count equals the total of the page that answer leads to."""
    listing = client.get(LIST + query).context["listing"]
    offered = [(g.name, o) for g in listing.filters.groups for o in g.options if not o.is_chosen]
    for name, option in offered:
        groups = {pair for pair in listing.filters.pairs() if pair[0] == name}
        page = client.get(f"{LIST}{query}{'&' if query else '?'}{name}={option.value}").context["listing"]
        alone = page.total if not groups else None
        if alone is not None:
            assert option.count == alone, (name, option.value)
    assert listing.total == len(all_of(client, LIST + query))


@pytest.mark.parametrize("sort", ["popular", "cheap", "dear", "unit", "new", "name"])
@pytest.mark.parametrize("query", ["", "a-colour=white&", "min=120&max=150&stock=1&"])
def test_rows_and_bits_list_the_same(client: Client, monkeypatch, sort: str, query: str) -> None:
    address = f"{LIST}?{query}sort={sort}"
    by_rows = all_of(client, address)
    monkeypatch.setattr(scopes, "ROWS_LIMIT", 0)
    by_bits = all_of(client, address)
    monkeypatch.setattr("catalog.paging.SPARSE", -1)
    assert by_rows == by_bits == all_of(client, address)
    assert len(by_rows) == len(set(by_rows)) > 3


@pytest.mark.parametrize("address", [LIST, "/sellers/myohyang/"])
def test_a_seller_and_a_shelf_count_alike_both_ways(client: Client, monkeypatch, address: str) -> None:
    few = client.get(address + "?stock=1").context["listing"]
    monkeypatch.setattr(scopes, "ROWS_LIMIT", 0)
    many = client.get(address + "?stock=1").context["listing"]
    assert few.total == many.total > 20
    assert [[(o.value, o.count) for o in g.options] for g in few.filters.groups] == [
        [(o.value, o.count) for o in g.options] for g in many.filters.groups
    ]


# ---------------------------------------------------------------- addresses nobody meant


@pytest.mark.parametrize(
    "query",
    [
        "a-colour=%00",
        "a-colour=' OR 1=1",
        "a-nothing=white",
        "a-=1&a-a-a=1",
        "a-volume=250-",
        "a-volume=-1-250",
        "seller=%ED%A0%80&district=x%00",
        "stars=5&stars=-1&stock=2&category=x",
        "&".join(f"a-colour=c{n}" for n in range(900)),
        "&".join(f"a-{n}=1" for n in range(900)),
        "min=-1&max=99999999999999999999",
    ],
)
def test_what_is_unknown_is_left_out(client: Client, query: str) -> None:
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert page.context["listing"].total == 60
    assert not page.context["listing"].chosen


def test_crawlers_stay_out_of_combinations(client: Client) -> None:
    plain = client.get(LIST).text
    assert "noindex" not in plain
    assert "noindex,nofollow" in client.get(LIST + "?a-colour=white").text
    assert "noindex,nofollow" in client.get(LIST + "?sort=new").text


def test_a_list_asks_as_much_for_a_hundred_as_for_ten(client: Client, way: str) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST + "?a-colour=white&a-volume=0-250").status_code == 200
        return len(queries)

    few = asked()
    for n in range(100):
        ProductFactory(slug=f"more-{n}", category=CategoryFactory())
    pack()
    assert asked() == few <= 6
