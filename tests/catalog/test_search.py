"""The plain first search: what it finds, where it leads, and queries that mean harm."""

import pytest
from django.test import Client

from catalog.search import matching, normalise
from tests.factories import CategoryFactory, ProductFactory, SellerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf() -> None:
    drinks = CategoryFactory(slug="drinks", name_ko_kp="음료·술", name_en="Drinks and liquor")
    ProductFactory(name_ko_kp="평양랭면", name_en="Pyongyang cold noodles", variant__sku="OKR-001")
    ProductFactory(name_ko_kp="쟁반국수", name_en="Tray noodles")
    ProductFactory(name_ko_kp="인삼술 50%", name_en="Insam liquor 50%", category=drinks)
    ProductFactory(name_ko_kp="대동강맥주_1번", name_en="Beer", category=drinks)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("랭면", {"평양랭면"}),
        ("평양 랭면", {"평양랭면"}),
        ("랭면 평양", {"평양랭면"}),
        ("NOODLES", {"평양랭면", "쟁반국수"}),
        ("cold noodles", {"평양랭면"}),
        ("okr-001", {"평양랭면"}),
        ("옥류관 국수", {"쟁반국수"}),
        ("%", {"인삼술 50%"}),
        ("_", {"대동강맥주_1번"}),
        ("50%", {"인삼술 50%"}),
        ("\\", set()),
        ("'; DROP TABLE", set()),
        ("ㅍㅇㄹㅁ", set()),
    ],
)
def test_what_is_found(shelf: None, query: str, expected: set[str]) -> None:
    assert {product.name_ko_kp for product in matching(normalise(query))} == expected


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("  평양   랭면 ", "평양 랭면"),
        ("평양랭면", "평양랭면"),  # decomposed, as some keyboards send it
        ("ㅍㅇㄹㅁ", "ㅍㅇㄹㅁ"),
        ("a\0b\nc\u200bd", "a b c d"),
        ("\ud800", ""),
        ("가" * 10_000, "가" * 64),
        ("", ""),
        (" \t\u3000", ""),
    ],
)
def test_how_a_query_is_written(written: str, searched: str) -> None:
    assert normalise(written) == searched


@pytest.mark.parametrize(
    "query",
    [
        "%",
        "_",
        "%25",
        "%00",
        "%ED%A0%80",
        "%FF%FE",
        "%E3%85%8D",
        "x" * 10_240,
        "%E1%84%91",
        "(((",
        "%5C",
        "%27",
        "+",
        ".",
    ],
)
def test_hostile_queries_get_a_page(client: Client, shelf: None, query: str) -> None:
    page = client.get(f"/search/?q={query}")
    assert page.status_code == 200
    assert len(page.content) < 60_000


def test_the_query_stays_in_the_field_as_text(client: Client, shelf: None) -> None:
    page = client.get("/search/", {"q": '"><b>국수'})
    assert "&quot;&gt;&lt;b&gt;국수" in page.text and "<b>국수" not in page.text


def test_nothing_found_still_sells(client: Client, shelf: None) -> None:
    page = client.get("/search/?q=없는제품")
    assert "찾지 못하였습니다" in page.text and "평양랭면" in page.text


def test_no_query_shows_what_others_order(client: Client, shelf: None) -> None:
    assert "평양랭면" in client.get("/search/").text


@pytest.mark.parametrize("query", ["음료·술", " 음료·술 ", "drinks and liquor", "Drinks  And Liquor"])
def test_a_category_by_its_name_opens_it(client: Client, shelf: None, query: str) -> None:
    answer = client.get("/search/", {"q": query})
    assert (answer.status_code, answer["Location"]) == (302, "/categories/drinks/")


def test_sellers_are_found_too(client: Client, shelf: None) -> None:
    SellerFactory(slug="closed", name_ko_kp="옥류상점", is_active=False)
    page = client.get("/search/?q=옥류")
    assert 'href="/sellers/okryugwan/"' in page.text and "옥류상점" not in page.text


def test_filters_keep_the_query(client: Client, shelf: None) -> None:
    listing = client.get("/search/?q=국수&sort=new&stock=1").context["listing"]
    assert ("q", "국수") in listing.hidden and ("sort", "new") in listing.hidden
    assert all("q=%EA%B5%AD%EC%88%98" in link.url for link in [*listing.sorts, *listing.chosen])


def test_filters_that_leave_nothing_can_be_taken_out(client: Client, shelf: None) -> None:
    page = client.get("/search/?q=국수&kind=producer")
    assert "이 조건에 맞는 제품이 없습니다" in page.text and "찾지 못하였습니다" not in page.text
