"""Addresses that moved, the map for crawlers, and what machines read on a page."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from django.test import Client, override_settings

from catalog import sitemap
from catalog.models import Category, OldSlug, Seller
from tests.factories import CategoryFactory, PictureFactory, ProductFactory, SellerFactory

pytestmark = pytest.mark.django_db
NS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def rename(model, old: str, new: str) -> None:
    model.objects.filter(slug=old).update(slug=new)


@pytest.mark.parametrize(("model", "path"), [(Category, "categories"), (Seller, "sellers")])
def test_an_old_address_leads_to_the_new_for_good(client: Client, model, path: str) -> None:
    CategoryFactory(slug="first")
    SellerFactory(slug="first")
    rename(model, "first", "second")
    rename(model, "second", "third")
    for old in ("first", "second"):
        answer = client.get(f"/{path}/{old}/?stock=1")
        assert (answer.status_code, answer["Location"]) == (301, f"/{path}/third/?stock=1")
    assert client.get(f"/{path}/third/").status_code == 200
    assert client.get(f"/{path}/fourth/").status_code == 404


@pytest.mark.parametrize(("model", "path"), [(Category, "categories"), (Seller, "sellers")])
def test_there_and_back_is_no_loop(client: Client, model, path: str) -> None:
    CategoryFactory(slug="first")
    SellerFactory(slug="first")
    rename(model, "first", "second")
    rename(model, "second", "first")
    assert client.get(f"/{path}/first/").status_code == 200
    assert client.get(f"/{path}/second/")["Location"] == f"/{path}/first/"
    assert OldSlug.objects.count() == 1


def test_a_living_word_is_never_an_old_one(client: Client) -> None:
    CategoryFactory(slug="first", name_ko_kp="하나")
    rename(Category, "first", "second")
    CategoryFactory(slug="first", name_ko_kp="둘")
    assert "둘" in client.get("/categories/first/").text


def test_what_is_hidden_is_not_led_to(client: Client) -> None:
    CategoryFactory(slug="first")
    rename(Category, "first", "second")
    Category.objects.update(is_active=False)
    assert client.get("/categories/first/").status_code == 404


def test_a_product_keeps_its_number(client: Client) -> None:
    product = ProductFactory()
    answer = client.get(f"/products/{product.pk}/another-word/?x=1")
    assert (answer.status_code, answer["Location"]) == (301, f"{product.get_absolute_url()}?x=1")


# ---------------------------------------------------------------- the map


def locations(page) -> list[str]:
    body = b"".join(page.streaming_content) if page.streaming else page.content
    return [element.text or "" for element in ET.fromstring(body).iter(f"{NS}loc")]  # noqa: S314


@override_settings(SHOP_ADDRESS="https://shop.example")
def test_the_map_names_everything_that_is_shown(client: Client, monkeypatch) -> None:
    products = [ProductFactory() for _ in range(5)]
    monkeypatch.setattr(sitemap, "PART", products[2].pk)  # two lie in the first part, three in the next
    hidden = ProductFactory(is_active=False)
    parts = [part.removeprefix("https://shop.example") for part in locations(client.get("/sitemap.xml"))]
    assert parts.pop(0) == "/sitemaps/shelves.xml"
    named = [locations(client.get(part)) for part in parts]
    assert [len(part) for part in named] == [2, 3]
    found = [address for part in named for address in part]
    assert found == [f"https://shop.example{product.get_absolute_url()}" for product in products]
    assert not any(hidden.get_absolute_url() in address for address in found)
    assert "https://shop.example/sitemap.xml" in client.get("/robots.txt").text
    monkeypatch.undo()
    assert client.get("/sitemaps/products-999999.xml").status_code == 404
    assert client.get("/sitemaps/products-99999999999999999999.xml").status_code == 404
    shelves = locations(client.get("/sitemaps/shelves.xml"))
    assert "https://shop.example/categories/dishes/" in shelves and "https://shop.example/sellers/okryugwan/" in shelves


def test_robots_keep_crawlers_out_of_filters(client: Client) -> None:
    rules = client.get("/robots.txt").text
    assert "Disallow: /categories/*?\n" in rules and "Allow: /categories/*?after=\n" in rules


# ---------------------------------------------------------------- what machines read


def facts(page) -> dict[str, dict]:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text)
    return {one["@type"]: one for one in map(json.loads, found)}


def test_a_product_says_what_it_is(client: Client) -> None:
    product = ProductFactory(
        name_ko_kp="</script><script>alert(1)", variant__price=380, variant__on_hand=0, rating_sum=9, rating_count=2
    )
    PictureFactory(product=product)
    page = client.get(product.get_absolute_url())
    assert "<script>alert" not in page.text
    said = facts(page)
    offer = said["Product"]["offers"][0]
    assert (offer["price"], offer["priceCurrency"], offer["availability"]) == (
        "380",
        "KPW",
        "https://schema.org/OutOfStock",
    )
    assert said["Product"]["name"] == "</script><script>alert(1)"
    assert said["Product"]["aggregateRating"] == {
        "@type": "AggregateRating",
        "ratingValue": "4.5",
        "reviewCount": 2,
    }
    steps = said["BreadcrumbList"]["itemListElement"]
    assert [step["item"] for step in steps[:2]] == ["/", "/categories/dishes/"]


def test_one_address_is_canonical_where_the_shop_has_one(client: Client) -> None:
    product = ProductFactory()
    assert "canonical" not in client.get(product.get_absolute_url()).text
    with override_settings(SHOP_ADDRESS="https://shop.example"):
        page = client.get(product.get_absolute_url(), headers={"host": "localhost"})
        assert f'<link rel="canonical" href="https://shop.example{product.get_absolute_url()}">' in page.text
        shelf = client.get("/categories/dishes/").text
        assert 'rel="canonical" href="https://shop.example/categories/dishes/"' in shelf
        assert "canonical" not in client.get("/categories/dishes/?stock=1").text
