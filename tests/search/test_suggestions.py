"""Words while typing."""

import pytest
from django.test import Client

from catalog.search import index, rebuild
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf() -> None:
    shelf = CategoryFactory(slug="hygiene", name_ko_kp="위생용품", name_en="Hygiene")
    for name, english in (
        ("머리물비누 500미리리터", "Shampoo"),
        ("즉석국수 김치맛", "Instant noodles"),
        ("세탁기", "Washer"),
    ):
        ProductFactory(name_ko_kp=name, name_en=english, category=shelf)
    index.follow_all()
    rebuild.count_words()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("머리", "머리물비누"),
        ("머ㄹ", "머리물비누"),
        ("ㅁㄹㅁ", "머리물비누"),
        ("ㅁㅂㄴ", "머리물비누"),
        ("ㄱㅅ", "즉석국수"),
        ("세타", "세탁기"),
        ("tpxk", "세탁기"),
        ("setak", "세탁기"),
        ("샴푸", "머리물비누"),
        ("라면", "즉석국수"),
        ("sham", "shampoo"),
    ],
)
def test_what_is_offered(client: Client, shelf: None, typed: str, offered: str) -> None:
    assert offered in [one["text"] for one in client.get("/search/suggestions/", {"q": typed}).json()]


def test_categories_and_sellers_lead_to_their_pages(client: Client, shelf: None) -> None:
    found = client.get("/search/suggestions/?q=위생").json() + client.get("/search/suggestions/?q=옥류").json()
    assert {one["url"] for one in found if one["url"]} == {"/categories/hygiene/", "/sellers/okryugwan/"}


def test_at_most_eight(client: Client) -> None:
    for number in range(20):
        ProductFactory(name_ko_kp=f"감자{chr(0xAC00 + 28 * number)}국수", slug=f"n-{number}")
    index.follow_all()
    assert len(client.get("/search/suggestions/?q=감자").json()) == 8


@pytest.mark.parametrize("typed", ["", " ", "%", "\u3164"])
def test_nothing_to_say(client: Client, shelf: None, typed: str) -> None:
    assert client.get("/search/suggestions/", {"q": typed}).json() == []


def test_no_cookie_and_no_session(client: Client, shelf: None) -> None:
    answer = client.get("/search/suggestions/?q=머리")
    assert not answer.cookies and answer["Cache-Control"] == "private, max-age=60"


def test_the_field_searches_without_the_script(client: Client, shelf: None) -> None:
    page = client.get("/search/?q=머리물비누").text
    assert '<form class="search" action="/search/"' in page and "data-suggest" in page
