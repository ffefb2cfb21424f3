"""Filters of the search page: those of a category page, counted over what was found, in the address."""

import re
from typing import Any

import pytest
from django.test import Client

from catalog.attributes import set_attribute
from catalog.filters import Group
from catalog.models import Attribute, AttributeOption, Product
from catalog.search import index
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, lowered

pytestmark = pytest.mark.django_db
FOUND = "/search/?q=감자국수"


def asked_of(slug: str, *options: str, category: Any = None, **fields: Any) -> Attribute:
    made = Attribute.objects.create(slug=slug, name_ko_kp=slug, **fields)
    for place, option in enumerate(options):
        AttributeOption.objects.create(attribute=made, slug=option, name_ko_kp=option, position=place)
    made.categories.add(category or CategoryFactory())
    return made


@pytest.fixture
def noodles() -> list[Product]:
    """Twelve found dishes of two sellers, and a drink of the same colour that is not found."""
    colour = asked_of("colour", "white", "blue", kind="choice")
    volume = asked_of("volume", kind="number", bands=[250, 500], unit_ko_kp="ml")
    shop = SellerFactory(slug="myohyang", name_ko_kp="묘향상점", kind="shop", district__slug="moran")
    made = []
    for n in range(12):
        product = ProductFactory(
            name_ko_kp=f"감자국수 {n}번",
            slug=f"n-{n}",
            seller=shop if n % 3 else SellerFactory(),
            variant__price=100 + n,
            variant__on_hand=n % 4,
        )
        set_attribute(product, colour, ["white", "blue"][n % 2])
        set_attribute(product, volume, [100, 300, 500][n % 3])
        made.append(product)
    set_attribute(ProductFactory(name_ko_kp="사이다", slug="cider"), colour, "white")
    index.follow_all()
    return made


def groups(client: Client, address: str) -> dict[str, Group]:
    return {group.name: group for group in client.get(address).context["listing"].filters.groups}


def test_every_filter_of_a_category_is_there_with_counts(client: Client, noodles: list[Product]) -> None:
    offered = groups(client, FOUND)
    assert {"stock", "lowered", "category", "a-colour", "a-volume", "seller", "district", "kind", "stars"} == set(
        offered
    )
    counted = {name: {o.value: o.count for o in group.options} for name, group in offered.items()}
    assert counted["a-colour"] == {"white": 6, "blue": 6}
    assert counted["a-volume"] == {"0-250": 4, "250-500": 4, "500-up": 4}
    assert counted["seller"] == {"myohyang": 8, "okryugwan": 4}
    assert counted["kind"]["shop"] == 8 and counted["stock"] == {"1": 9}
    assert counted["district"]["moran"] == 8


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ("a-colour=white", {0, 2, 4, 6, 8, 10}),
        ("a-colour=white&a-colour=blue", set(range(12))),
        ("a-colour=white&seller=okryugwan", {0, 6}),
        ("a-volume=250-500", {1, 4, 7, 10}),
        ("kind=shop&stock=1", {1, 2, 5, 7, 10, 11}),
        ("district=moran&min=105&max=108", {5, 7, 8}),
        ("seller=nobody&a-colour=pink&a-none=1&stars=9", set(range(12))),
        ("min=-5&max=99999999999999999999999", set(range(12))),
    ],
)
@pytest.mark.parametrize("sort", ["", "&sort=cheap", "&sort=name"])
def test_what_each_leaves(client: Client, noodles: list[Product], chosen: str, left: set[int], sort: str) -> None:
    listing = client.get(f"{FOUND}&{chosen}{sort}").context["listing"]
    assert {noodles.index(product) for product in listing.products} == left
    assert listing.total == len(left)


def test_the_form_works_without_scripts_and_keeps_the_query(client: Client, noodles: list[Product]) -> None:
    page = client.get(f"{FOUND}&a-colour=white").text
    form = page[page.index('id="filters"') : page.index("</form>", page.index('id="filters"'))]
    assert '<input type="hidden" name="q" value="감자국수">' in form and '<button class="button">' in form
    assert re.search(r'name="a-colour" value="white" checked', form)
    assert 'name="seller" value="myohyang"' in form and 'name="min"' in form


def test_crawlers_are_kept_out_of_the_maze(client: Client, noodles: list[Product]) -> None:
    page = client.get(f"{FOUND}&a-colour=white").text
    assert '<meta name="robots" content="noindex">' in page
    links = re.findall(r'<a [^>]*href="/search/\?[^"]*(?:a-colour|sort|seller)[^>]*>', page)
    assert links and all('rel="nofollow"' in link for link in links)


def test_over_many_shelves_only_the_most_answered_are_offered(client: Client) -> None:
    for n in range(9):
        shelf = CategoryFactory(slug=f"shelf-{n}", name_ko_kp=f"매대{n}")
        attribute = asked_of(f"word-{n}", "a", "b", kind="choice", category=shelf)
        for place in range(n + 2):
            product = ProductFactory(name_ko_kp=f"감자국수 {n}-{place}", slug=f"p-{n}-{place}", category=shelf)
            set_attribute(product, attribute, "ab"[place % 2])
    index.follow_all()
    offered = [name for name in groups(client, FOUND) if name.startswith("a-")]
    assert sorted(offered) == [f"a-word-{n}" for n in range(3, 9)]
    chosen = client.get(f"{FOUND}&a-word-0=a").context["listing"]
    assert [product.slug for product in chosen.products] == ["p-0-0"]


def test_marked_down_only(client: Client, noodles: list[Product]) -> None:
    noodles[3].variants.update(**lowered(50))
    listing = client.get(f"{FOUND}&lowered=1").context["listing"]
    assert listing.products == [noodles[3]]


@pytest.mark.parametrize(
    "wanted",
    [
        "a-none=1",
        "a-volume=9-9-9",
        "a-volume=%00",
        "seller=%00&district=%27&category=../..",
        "seller=%ED%A0%80",
        "min=-5&max=99999999999999999999",
        "min=1e9&max=abc",
        "min=%EF%BC%99&min=500&max=5",
        "sort=drop&after=-1",
        "after=99999999999999999-999999999999999999",
        "after=9999999999999999-999999999999999999&sort=new",
        "after=9999999999999999-1&sort=cheap",
        "kind=king&stars=99&stock=2",
        "&".join(f"a-{n}=1" for n in range(150)),
        "&".join(f"seller=s{n}" for n in range(150)),
        "q=&p[]=1",
    ],
)
def test_hostile_filters_get_a_list(client: Client, noodles: list[Product], wanted: str) -> None:
    for address in ("/categories/dishes/?", "/sellers/okryugwan/?", f"{FOUND}&"):
        answer = client.get(address + wanted)
        assert answer.status_code == 200 and len(answer.content) < 90_000, address
