"""The search page: what it finds, where it leads, what it says when it finds nothing, and queries that mean harm."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from catalog.models import Product, SearchLog
from catalog.search import asking, engine, index, rebuild, synonyms
from catalog.search.query import normalise
from tests.factories import CategoryFactory, ProductFactory, SellerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf() -> None:
    drinks = CategoryFactory(slug="drinks", name_ko_kp="음료·술", name_en="Drinks and liquor")
    ProductFactory(name_ko_kp="평양랭면", name_en="Pyongyang cold noodles", variant__sku="OKR-001")
    ProductFactory(name_ko_kp="쟁반국수", name_en="Tray noodles")
    ProductFactory(name_ko_kp="인삼술 50%", name_en="Insam liquor 50%", category=drinks)
    ProductFactory(name_ko_kp="대동강맥주_1번", name_en="Beer", category=drinks)
    index.follow_all()


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
        ("okr-0", {"평양랭면"}),
        ("냉면", {"평양랭면"}),
        ("naengmyeon", {"평양랭면"}),
        ("fodaus", {"평양랭면"}),
        ("ㅍㅇㄹㅁ", {"평양랭면"}),
        ("인삼술 50%", {"인삼술 50%"}),
        ("맥주 1번", {"대동강맥주_1번"}),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("'; DROP TABLE", set()),
    ],
)
def test_what_is_found(shelf: None, query: str, expected: set[str]) -> None:
    found = Product.objects.filter(pk__in=engine.search(query).ids)
    assert {product.name_ko_kp for product in found} == expected


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("  평양   랭면 ", "평양 랭면"),
        ("평양랭면", "평양랭면"),  # decomposed, as some keyboards send it
        ("ㅍㅇㄹㅁ", "ㅍㅇㄹㅁ"),
        ("a\0b\nc\u200bd", "a b cd"),
        ("평\u200b양\ufeff", "평양"),
        ("국\u0301" + "\u0301" * 200, "국"),
        ("ﾡﾤﾷ", "ㄱㄴㅇ"),
        ("ＡＢ１", "AB1"),
        ("\u1111\u1161", "파"),
        ("\u3164", ""),
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


def test_a_correction_says_what_it_shows(client: Client, shelf: None) -> None:
    page = client.get("/search/?q=펑양랭면")
    assert "《평양랭면》의 찾기결과입니다" in page.text and "평양랭면</span>" in page.text


def test_an_unsure_list_offers_a_nearer_word(client: Client, shelf: None) -> None:
    ProductFactory(name_ko_kp="맥주잔받침", name_en="Mats", description_ko_kp="쟁반국스 그림")
    index.follow_all()
    page = client.get("/search/?q=쟁반국스")
    assert "맥주잔받침" in page.text and 'href="/search/?q=%EC%9F%81%EB%B0%98%EA%B5%AD%EC%88%98"' in page.text


def test_nothing_found_offers_words_shelves_and_the_desk(client: Client, shelf: None) -> None:
    page = client.get("/search/?q=국수똬퉤쀼")
    assert "쟁반국수" in page.text and 'href="/categories/drinks/"' in page.text and 'href="tel:' in page.text


def test_a_fruitless_query_is_counted_and_a_card_number_never(client: Client, shelf: None) -> None:
    for query in ("똬퉤쀼", "똬퉤쀼 ", "9408 1912 3456 78008", "국수"):
        client.get("/search/", {"q": query})
    assert list(SearchLog.objects.values_list("query", "times")) == [("똬퉤쀼", 2)]


def test_sold_out_products_come_last(client: Client, shelf: None) -> None:
    ProductFactory(name_ko_kp="랭면", name_en="Noodles", variant__on_hand=0)
    index.follow_all()
    names = [product.name_ko_kp for product in client.get("/search/?q=랭면").context["listing"].products]
    assert names == ["평양랭면", "랭면"]


def test_the_best_match_comes_first_and_other_orders_can_be_chosen(client: Client, shelf: None) -> None:
    ProductFactory(name_ko_kp="랭면", name_en="Noodles", variant__price=900)
    index.follow_all()

    def names(address: str) -> list[str]:
        return [product.name_ko_kp for product in client.get(address).context["listing"].products]

    assert names("/search/?q=랭면") == ["랭면", "평양랭면"]
    assert names("/search/?q=랭면&sort=cheap") == ["평양랭면", "랭면"]


def test_pages_of_the_best_match_follow_each_other(client: Client) -> None:
    for number in range(45):
        ProductFactory(name_ko_kp=f"감자국수 {number}번", slug=f"n-{number}")
    index.follow_all()
    seen: list[int] = []
    address = "/search/?q=감자국수"
    while address:
        listing = client.get(address).context["listing"]
        seen += [product.pk for product in listing.products]
        address = listing.next_url
    assert len(seen) == len(set(seen)) == 45


ASKED = [
    ("국수", "쟁반국수"),
    ("옥류관", "평양랭면"),  # a seller
    ("국수 옥류관", "쟁반국수"),
    ("펑양랭면", "《평양랭면》의 찾기결과"),
    ("옥류관 렝면", "《옥류관 랭면》의 찾기결과"),
    ("쀍뚧", "찾지 못하였습니다"),
    ("쀍뚧 갉딿퇣 놟", "찾지 못하였습니다"),
    ("쀍뚧에서", "찾지 못하였습니다"),
    ("국수똬퉤쀼", "찾지 못하였습니다"),
    ("qxzvwk", "찾지 못하였습니다"),
]


@pytest.mark.parametrize("more", [10, 100])
def test_six_questions_at_most_whatever_is_asked(
    client: Client, shelf: None, more: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(more):
        ProductFactory(name_ko_kp=f"감자국수 {number}번", slug=f"n-{number}")
    index.follow_all()
    for query, said in ASKED:
        cache.clear()
        with django_assert_max_num_queries(6):
            assert said in client.get("/search/", {"q": query}).text, query


def test_a_mistyped_seller_is_found(client: Client, shelf: None) -> None:
    rebuild.count_words()
    page = client.get("/search/?q=옥뉴관")
    assert "《옥류관》의 찾기결과" in page.text and "평양랭면" in page.text


def test_a_mistyped_southern_word_is_understood(client: Client, shelf: None) -> None:
    synonyms.add(south="함흥냉국", north="쟁반국수", source="test")
    rebuild.count_words()
    assert "쟁반국수" in client.get("/search/?q=함홍냉국").text


@pytest.mark.parametrize(
    "query",
    [
        "가" * 5000,
        "!@#$%^&*()",
        "국수 nooⅾles мясо 肉 ラーメン",
        "국\u200b수\u200d\ufeff",
        "국\u0301" + "\u0301" * 300,
        "ﾡﾢﾤ",
        "\x00국수\x00",
        "🍜🍜🍜",
        "' OR 1=1 --",
        "국수:* & !맥주 | (술 <-> a)",
        "%_%_%_",
        "ㅋ" * 500,
        "a " * 500,
        "ᄀ" * 300,
        "{{7*7}} ${7*7} %s %n",
        "5" * 64,
        "ㅍㅇ" * 40,
    ],
)
def test_hostile_text_gets_a_clear_page(client: Client, shelf: None, query: str) -> None:
    for address in ("/search/", "/search/suggestions/"):
        answer = client.get(address, {"q": query})
        assert answer.status_code == 200 and len(answer.content) < 60_000


def test_ten_thousand_parameters(client: Client, shelf: None) -> None:
    address = "/search/?q=국수&" + "&".join(f"p{number}=1" for number in range(10_000))
    assert client.get(address).status_code in (200, 400)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_only_reads(client: Client, method: str) -> None:
    assert getattr(client, method)("/search/").status_code == 405
    assert getattr(client, method)("/search/suggestions/").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_says_so(client: Client, shelf: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_HURRY", asking._HURRY.replace("300ms", "1ms") + "SELECT pg_sleep(1);")
    page = client.get("/search/?q=국수")
    assert page.status_code == 503 and "시간이 너무 오래 걸립니다" in page.text and "평양랭면" in page.text


def test_the_frame_goes_on_after_a_search(shelf: None) -> None:
    """Inside somebody's transaction the settings of a search end with it."""
    engine.search("국수")
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
