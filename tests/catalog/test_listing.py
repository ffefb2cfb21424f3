"""Lists: filters, sorts, reading on by key, and addresses nobody meant."""

from datetime import timedelta

import pytest
from django.test import Client

from catalog.listing import PAGE_SIZE
from catalog.models import Product
from tests.catalog.lists import all_of
from tests.factories import LISTED_AT, CategoryFactory, ProductFactory, SellerFactory, lowered

pytestmark = pytest.mark.django_db
LIST = "/categories/dishes/"


def names(page) -> list[str]:
    return [product.name_ko_kp for product in page.context["listing"].products]


@pytest.fixture
def shelf() -> None:
    shop = SellerFactory(slug="myohyang", name_ko_kp="장경묘향상점", kind="shop")
    ProductFactory(name_ko_kp="랭면", sold_30_days=30, variant__price=380, listed_at=LISTED_AT)
    ProductFactory(name_ko_kp="온반", sold_30_days=20, variant__price=340, listed_at=LISTED_AT + timedelta(days=2))
    ProductFactory(name_ko_kp="꿀", sold_30_days=10, seller=shop, variant__price=1400, listed_at=LISTED_AT)
    ProductFactory(
        name_ko_kp="장절임",
        seller=shop,
        variant__price=400,
        variant__on_hand=0,
        listed_at=LISTED_AT + timedelta(days=1),
        **{f"variant__{name}": value for name, value in lowered(220).items()},
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["랭면", "온반", "꿀", "장절임"]),
        ("?sort=popular", ["랭면", "온반", "꿀", "장절임"]),
        ("?sort=cheap", ["장절임", "온반", "랭면", "꿀"]),
        ("?sort=dear", ["꿀", "랭면", "온반", "장절임"]),
        ("?sort=new", ["온반", "장절임", "꿀", "랭면"]),
        ("?sort=nonsense", ["랭면", "온반", "꿀", "장절임"]),
        ("?stock=1", ["랭면", "온반", "꿀"]),
        ("?lowered=1", ["장절임"]),
        ("?kind=restaurant", ["랭면", "온반"]),
        ("?kind=shop&kind=restaurant", ["랭면", "온반", "꿀", "장절임"]),
        ("?kind=nonsense", ["랭면", "온반", "꿀", "장절임"]),
        ("?kind=producer", []),
        ("?min=340&max=380", ["랭면", "온반"]),
        ("?max=250", ["장절임"]),
        ("?min=1,400", ["꿀"]),
        ("?min=341&stock=1&sort=dear", ["꿀", "랭면"]),
    ],
)
def test_a_list_is_narrowed_and_ordered(client: Client, shelf: None, query: str, expected: list[str]) -> None:
    assert names(client.get(LIST + query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        *("min=-5", "min=abc", "min=1.5", "min=٣", "min=1e3", "max=99999999999999999999999", "max=10000001"),
        *("min=500&max=100", "min=%00", "min=%ED%A0%80"),
    ],
)
def test_a_wrong_price_is_told_and_left_out(client: Client, shelf: None, query: str) -> None:
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert len(names(page)) == 4
    assert "message--wait" in page.text and 'aria-invalid="true"' in page.text


def test_a_wrong_price_stays_in_its_field_as_text(client: Client, shelf: None) -> None:
    page = client.get(LIST, {"min": '"><script>'})
    assert "&quot;&gt;&lt;script&gt;" in page.text and "<script>" not in page.text.replace("<script src", "")


def test_each_chosen_filter_can_be_taken_out_alone(client: Client, shelf: None) -> None:
    page = client.get(LIST + "?stock=1&min=340&sort=new&junk=1")
    assert [link.url for link in page.context["listing"].chosen] == [
        LIST + "?min=340&sort=new",
        LIST + "?stock=1&sort=new",
    ]
    assert page.context["listing"].plain_url == LIST + "?sort=new"


def test_no_product_left_offers_the_whole_list(client: Client, shelf: None) -> None:
    page = client.get(LIST + "?kind=producer")
    assert "이 조건에 맞는 제품이 없습니다" in page.text


@pytest.mark.parametrize("sort", ["popular", "cheap", "dear", "new"])
def test_reading_on_meets_every_product_once(client: Client, sort: str) -> None:
    """Many products share their place, so that ties must be told apart by id."""
    for number in range(2 * PAGE_SIZE + 5):
        ProductFactory(
            sold_30_days=number % 3, variant__price=100 + number % 4, listed_at=LISTED_AT + timedelta(days=number % 5)
        )
    met = all_of(client, f"{LIST}?sort={sort}")
    assert len(met) == len(set(met)) == Product.objects.count()


def test_a_product_listed_while_reading_brings_no_double(client: Client) -> None:
    for _ in range(PAGE_SIZE + 3):
        ProductFactory()
    first = client.get(LIST + "?sort=new").context["listing"]
    ProductFactory(listed_at=LISTED_AT + timedelta(days=30))
    second = client.get(first.next_url).context["listing"]
    assert {p.pk for p in first.products} & {p.pk for p in second.products} == set()
    assert len(second.products) == 3


@pytest.mark.parametrize(
    "after",
    ["", "x", "-", "1-", "-1-2", "1-2-3", "9" * 30 + "-1", "9999999999999999-999999999999999999", "1.5-2", "%00"],
)
@pytest.mark.parametrize("sort", ["popular", "cheap", "new"])
def test_a_key_nobody_gave_never_fails(client: Client, shelf: None, after: str, sort: str) -> None:
    assert client.get(f"{LIST}?sort={sort}&after={after}").status_code == 200


def test_the_list_counts_what_is_on_it(client: Client, shelf: None) -> None:
    listing = client.get(LIST).context["listing"]
    assert (listing.total, listing.seller_count) == (4, 2)
    assert "제품 4가지 · 판매단위 2개" in client.get(LIST).text


def test_a_seller_lists_only_its_own(client: Client, shelf: None) -> None:
    page = client.get("/sellers/myohyang/")
    assert names(page) == ["꿀", "장절임"]
    assert "191-555-0104" in page.text and "9:00~18:00" in page.text


def test_sellers_go_by_kind_and_district(client: Client, shelf: None) -> None:
    SellerFactory(slug="far", name_ko_kp="신의주화장품공장", kind="producer", district__slug="sinuiju", lead_days=7)
    everyone = client.get("/sellers/").text
    assert all(name in everyone for name in ("옥류관", "장경묘향상점", "신의주화장품공장", "준비 7일"))
    shops = client.get("/sellers/?kind=shop").text
    assert "장경묘향상점" in shops and "옥류관" not in shops
    far = client.get("/sellers/?district=sinuiju").text
    assert "신의주화장품공장" in far and "장경묘향상점" not in far
    assert "이 구역에는 그런 판매단위가 없습니다" in client.get("/sellers/?district=sinuiju&kind=shop").text
    assert client.get("/sellers/?district=%00&kind=nonsense").status_code == 200


def test_an_empty_category_says_so(client: Client) -> None:
    CategoryFactory(slug="empty")
    assert "아직 아무것도 없습니다" in client.get("/categories/empty/").text
