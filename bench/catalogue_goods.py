# ruff: noqa: SIM905 — names of our own tables; words read better in running lines
"""A seeded catalogue of any size: realistic shelves, sellers, attributes; 200,000 distinct names in the million."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

SEED = 20261124
VERSION = "goods 1"  # another one is built anew
SHELVES_INSIDE = 10
PRODUCTS_A_SELLER = 500
BATCH = 10_000
Tell = Callable[[str, int, int], None]

ROOTS = [
    ("dishes", "료리", "Dishes"),
    ("bread-sweets", "빵·당과류", "Bread and confectionery"),
    ("drinks", "음료·술", "Drinks and liquor"),
    ("groceries", "식료품", "Groceries"),
    ("cosmetics", "화장품·위생용품", "Cosmetics and toiletries"),
    ("medicine", "의약품·건강식품", "Medicine and health food"),
    ("clothes", "옷·양말", "Clothes and hosiery"),
    ("shoes-bags", "신발·가방", "Shoes and bags"),
    ("furniture", "가구", "Furniture"),
    ("household", "가정용품·학용품", "Household and school goods"),
    ("electronics", "전기·전자제품", "Electrical and electronic goods"),
]
ATTRIBUTES = [
    ("colour", "색", "Colour", ["흰색", "검은색", "붉은색", "푸른색", "풀색", "누런색", "재색", "밤색"]),
    ("material", "재료", "Material", ["면", "모", "비단", "나무", "철", "유리", "사기", "가죽"]),
    ("size", "크기", "Size", ["S", "M", "L", "XL", "XXL"]),
    ("purpose", "쓰임", "Purpose", ["가정", "학교", "직장", "려행", "선물"]),
]
BRANDS = (
    "은하수 봄향기 룡악산 대동강 철쭉 들장미 류원 소나무 민들레 해바라기 진달래 백두산 금강산 묘향산 "
    "칠보산 모란봉 릉라도 청류 옥류 향만루 금컵 선흥 매봉산 새봄 새별 샛별 아침 노을 무지개 은방울 "
    "꽃망울 해당화 코스모스 목란 련꽃 매화 국화 동백 살구꽃 벗꽃 "
).split()
KINDS = (
    "랭면 온반 국수 만두 빵 과자 사탕 꿀 차 단물 사이다 맥주 술 된장 간장 고추장 김치 두부 닭알 쌀 "
    "기름 비누 치약 크림 살결물 머리물비누 입술연지 알약 물약 연고 양말 샤쯔 달린옷 외투 바지 치마 "
    "구두 운동신발 가방 책상 걸상 침대 옷장 이불 학습장 연필 밥가마 충전기 전등 선풍기 "
).split()
WORDS = (
    "흰 큰 작은 둥근 긴 짧은 새 맑은 고운 단 매운 시원한 따뜻한 부드러운 굳은 가벼운 두터운 엷은 "
    "어린이용 녀자용 남자용 가정용 려행용 학생용 겨울 여름 봄 가을 인삼 메밀 콩 강냉이 감자 사과 배 "
    "복숭아 포도 딸기 귤 오미자 도라지 더덕 송이 해삼 미역 명태 낙지 조개 소고기 닭고기 돼지고기 오리 "
    "꿩 우유 콩우유 참깨 들깨 호두 잣 밤 대추 감 곶감 쑥 솔잎 박하 생강 마늘 파 고추 무우 배추 "
    "오이 가지 호박 버섯 고사리 참나무 소나무 참대 비단 무명 털실 가죽 유리 사기 놋 은 금속 수지 "
    "종이 나무 돌 천연 고급 특제 일반 종합 전통 민족 지방 수출용 "
).split()


def names(count: int) -> list[str]:
    """The first `count` of a seeded order of brand, word and kind: 200,000 and more are distinct."""
    made = [f"{brand} {word} {kind}" for brand in BRANDS for word in WORDS for kind in KINDS]
    random.Random(SEED).shuffle(made)
    return made[:count]


def fill(connection: psycopg.Connection[Any], products: int, *, tell: Tell) -> None:
    """Write the whole catalogue by COPY, past the triggers; `manage.py rebuild_listing` follows."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL statement_timeout = 0")
        _fill_small_tables(cursor, products)
        _fill_products(cursor, products, tell)
    with connection.cursor() as cursor:
        for table in ("product", "productvariant", "category", "seller", "attribute", "attributeoption"):
            cursor.execute(f"SELECT setval('catalog_{table}_id_seq', (SELECT max(id) FROM catalog_{table}))")
    connection.execute("VACUUM ANALYZE")


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _sellers(products: int) -> int:
    return max(40, products // PRODUCTS_A_SELLER)


def _fill_small_tables(cursor: psycopg.Cursor[Any], products: int) -> None:
    _copy(cursor, "accounts_zone", "code", [("A",), ("B",)])
    places = [(n, f"district-{n}", f"구역{n}", f"구역{n}", f"District {n}", 100, n, "AB"[n % 2]) for n in range(1, 15)]
    _copy(cursor, "accounts_district", "id, slug, name, name_ko_kp, name_en, fee, position, zone_id", places)
    shelves: list[tuple[Any, ...]] = []
    for n, (slug, korean, english) in enumerate(ROOTS, start=1):
        shelves.append((n, slug, korean, korean, english, "all", n, True, None))
        for inner in range(SHELVES_INSIDE):
            pk = 100 * n + inner
            shelves.append((pk, f"{slug}-{inner}", f"{korean} {inner}", f"{korean} {inner}", "", "all", inner, True, n))
    _copy(
        cursor, "catalog_category", "id, slug, name, name_ko_kp, name_en, icon, position, is_active, parent_id", shelves
    )
    sellers = [
        (n, f"seller-{n}", f"판매단위{n}", f"판매단위{n}", f"Seller {n}", ("restaurant", "shop", "producer")[n % 3],
         "", "", "09:00", "18:00", 60, 0, True, n % 100, 1 + n % 14)
        for n in range(1, _sellers(products) + 1)
    ]  # fmt: skip
    columns = "id, slug, name, name_ko_kp, name_en, kind, telephone, introduction, opens_at, closes_at"
    columns += ", preparation_minutes, lead_days, is_active, position, district_id"
    _copy(cursor, "catalog_seller", columns, sellers)
    _fill_attributes(cursor)


def _fill_attributes(cursor: psycopg.Cursor[Any]) -> None:
    """Four questions with choices, a volume in bands and a yes-no, asked on every shelf."""
    rows = [(n, slug, ko, ko, en, "choice", "", "{}", True, n) for n, (slug, ko, en, _) in enumerate(ATTRIBUTES, 1)]
    rows.append((5, "volume", "용량", "용량", "Volume", "number", "ml", "{100,250,500,1000}", True, 5))
    rows.append((6, "organic", "유기농", "유기농", "Organic", "yes_no", "", "{}", True, 6))
    columns = "id, slug, name, name_ko_kp, name_en, kind, unit, bands, is_filter, position"
    _copy(cursor, "catalog_attribute", columns, rows)
    options = [
        (100 * n + place, f"o{place}", name, name, name, place, n)
        for n, (*_, choices) in enumerate(ATTRIBUTES, 1)
        for place, name in enumerate(choices)
    ]
    columns = "id, slug, name, name_ko_kp, name_en, position, attribute_id"
    _copy(cursor, "catalog_attributeoption", columns, options)
    asked = [(attribute, root) for attribute in range(1, 7) for root in range(1, len(ROOTS) + 1)]
    _copy(cursor, "catalog_attribute_categories", "attribute_id, category_id", asked)


def _fill_products(cursor: psycopg.Cursor[Any], products: int, tell: Tell) -> None:
    chance, called = random.Random(SEED + 1), names(200_000)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for first in range(1, products + 1, BATCH):
        made = [_product(chance, pk, called, products, begin) for pk in range(first, min(first + BATCH, products + 1))]
        _copy(cursor, "catalog_product", _PRODUCT, [row[0] for row in made])
        _copy(cursor, "catalog_productvariant", _VARIANT, [row[1] for row in made])
        _copy(cursor, "catalog_stock", "variant_id, on_hand, reserved, low_threshold", [row[2] for row in made])
        _copy(cursor, "catalog_attributevalue", _VALUE, [value for row in made for value in row[3]])
        tell("products written", min(first + BATCH - 1, products), products)


_PRODUCT = (
    "id, slug, name, name_ko_kp, name_en, description, unit, unit_ko_kp, unit_en, content_amount, content_unit,"
    " weight_g, needs_van, minimum_age, is_medicine, is_active, listed_at, sold_30_days, rating_sum, rating_count,"
    " category_id, seller_id"
)
_VARIANT = (
    "id, sku, name, size, colour, flavour, price, markdown_price, markdown_from, markdown_until, is_active, position,"
    " product_id"
)
_VALUE = "product_id, attribute_id, option_id, number, yes"


def _product(
    chance: random.Random, pk: int, called: list[str], products: int, begin: datetime
) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...], list[tuple[Any, ...]]]:
    name = called[pk % len(called)]
    root = 1 + chance.randrange(len(ROOTS))
    shelf = 100 * root + min(int(chance.expovariate(0.35)), SHELVES_INSIDE - 1)
    sold = int(chance.paretovariate(1.1)) % 100_000
    rated = chance.randrange(40) if chance.random() < 0.5 else 0
    price = min(10_000_000, int(chance.lognormvariate(6, 1.4)) + 10)
    seller = 1 + int(_sellers(products) * chance.random() ** 2)
    listed = begin + timedelta(minutes=chance.randrange(470_000))
    content = chance.choice([100, 250, 500, 750, 1000, 1500])
    stars = sum(chance.choice((3, 4, 5, 5)) for _ in range(rated))
    product = (
        pk, f"p-{pk}", name, name, f"Product {pk}", "", "개", "개", "piece", content, "ml", content + 50,
        False, 0, False, True, listed, sold, stars, rated, shelf, seller,
    )  # fmt: skip
    lowered = chance.random() < 0.05 and price > 20
    markdown = (price * 8 // 10, begin, begin + timedelta(days=3650)) if lowered else (None, None, None)
    variant = (pk, f"SKU-{pk:07d}", "", "", "", "", price, *markdown, True, 0, pk)
    values: list[tuple[Any, ...]] = [
        (pk, n, 100 * n + min(int(chance.expovariate(0.5)), len(choices) - 1), None, None)
        for n, (*_, choices) in enumerate(ATTRIBUTES, 1)
        if chance.random() < 0.8
    ]
    values.append((pk, 5, None, content, None))
    if chance.random() < 0.2:
        values.append((pk, 6, None, None, True))
    return product, variant, (pk, 0 if chance.random() < 0.1 else chance.randrange(1, 300), 0, 5), values
