"""The two real files, where they are; everywhere, generated look-alikes with the same faults."""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.db import connection

from catalog.importing.mapping import Mapping
from catalog.models import CatalogueImport, Category, Listing, Product, ProductKind, ProductVariant, Seller, Stock
from tests.catalog.importing.files import counts, written
from tests.factories import DistrictFactory, SellerFactory

pytestmark = pytest.mark.django_db
HERE = Path(__file__).resolve()
# Beside the repository, where the files may not be copied from: or wherever REAL_CATALOGUES says.
FOLDER = Path(os.environ.get("REAL_CATALOGUES", HERE.parents[4] / "shared" / "data"))
RETAIL, OFFERS = FOLDER / "retail_demo_store_products.csv", FOLDER / "pricerunner_aggregate.csv"


def needs(file: Path) -> pytest.MarkDecorator:
    reason = f"!!! REAL FILE NOT HERE: {file.name}. Set REAL_CATALOGUES to the folder that has it."
    return pytest.mark.skipif(not file.exists(), reason=reason)


def by_name(content: bytes, **fields: str) -> dict[str, int]:
    header = content.decode().splitlines()[0].split(",")
    return {field: header.index(name) for field, name in fields.items()}


def retail_mapping(content: bytes) -> Mapping:
    columns = by_name(
        content,
        sku="id",
        name_en="name",
        category="category",
        description_en="description",
        price="price",
        stock="current_stock",
    )
    return Mapping(
        columns=columns,
        fixed={"seller": "okryugwan", "weight_g": "500"},
        factor="100",
        makes_missing=True,
    )


def offers_mapping(content: bytes) -> Mapping:
    columns = by_name(
        content,
        sku="product_id",
        name_en="product_title",
        description_en="product_title",
        seller="merchant_id",
        kind="cluster_id",
        kind_name="cluster_label",
        category="category_label",
    )
    return Mapping(
        columns=columns,
        fixed={"price": "1", "weight_g": "500", "listed": "no"},
        prefix="pr-",
        shortens=True,
        makes_missing=True,
        district=DistrictFactory().slug,
    )


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


# ---------------------------------------------------------------- what must hold of either


def retail_is_in(content: bytes) -> None:
    SellerFactory()
    rows = rows_of(content)
    one = written(content, retail_mapping(content), name="retail.csv")
    assert (one.state, counts(one), one.written_count) == ("done", {"new": len(rows)}, len(rows))
    prices = dict(ProductVariant.objects.values_list("sku", "price"))
    for row in rows:
        exact = (Decimal(row["price"]) * 100).quantize(Decimal(1), ROUND_HALF_UP)
        assert prices[row["id"]] == exact
    shelves = dict(Stock.objects.values_list("variant__sku", "on_hand"))
    assert all(shelves[row["id"]] == int(row["current_stock"]) for row in rows)
    assert set(Category.objects.values_list("name_en", flat=True)) >= {row["category"] for row in rows}
    assert Product.objects.untranslated().count() == len(rows)
    assert counts(written(content, retail_mapping(content))) == {"same": len(rows)}


def offers_are_in(content: bytes) -> None:
    rows = rows_of(content)
    one: CatalogueImport = written(content, offers_mapping(content), name="offers.csv", how="good")
    assert (one.state, counts(one), one.written_count) == ("done", {"new": len(rows)}, len(rows))
    assert ProductKind.objects.count() == len({row["cluster_id"] for row in rows})
    assert Seller.objects.count() == len({row["merchant_id"] for row in rows})
    assert set(ProductVariant.objects.values_list("price", flat=True)) == {1}
    assert not Product.objects.filter(is_active=True).exists()
    assert not Listing.objects.exists()
    row = rows[len(rows) // 2]
    product = Product.objects.get(variants__sku=f"pr-{row['product_id']}")
    assert product.description_en == row["product_title"].strip()
    assert product.kind and product.kind.name_en == row["cluster_label"].strip()
    assert counts(written(content, offers_mapping(content))) == {"same": len(rows)}


# ---------------------------------------------------------------- look-alikes


def retail_look_alike() -> bytes:
    """Identifiers as names, doubled names, quotes and commas in long texts, prices with .99 and .495, empty cells."""
    dice = random.Random(1)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow("id,name,category,style,description,price,current_stock,gender_affinity".split(","))
    for n in range(240):
        writer.writerow(
            [
                f"{dice.getrandbits(128):032x}"[:36],
                f"Adventure-Ready “Rugged” Backpack {n % 200}",
                dice.choice(["accessories", "hot dispensed", "tools"]),
                "backpack",
                f'Soft, pebbled leather; the "mauve" one, size {n}. ' * dice.randint(1, 9),
                dice.choice(["1.99", "129.995", "0.495", "24999.99", "7", "12.5", "0.005"]),
                dice.randint(0, 20),
                dice.choice(["F", "M", ""]),
            ]
        )
    return text.getvalue().encode()


def offers_look_alike() -> bytes:
    """Numbers for identifiers, messy titles some longer than a name may be, many offers of a kind, spaces at ends."""
    dice = random.Random(2)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        "product_id,product_title,merchant_id,cluster_id,cluster_label,category_id,category_label".split(",")
    )
    for n in range(1, 301):
        kind = dice.randint(1, 60)
        title = f'apple mq{n}n2b/a, iphone {kind} plus 64gb 5.5" sim free ' + "smartphone " * dice.randint(0, 12)
        label = f"Apple iPhone {kind} Plus 64GB"
        writer.writerow([n, title, dice.randint(1, 30), kind, label, 2612, dice.choice(["Mobile Phones", "CPUs"])])
    return text.getvalue().encode()


def test_a_look_alike_of_the_retail_file_is_in_whole() -> None:
    retail_is_in(retail_look_alike())


def test_a_look_alike_of_the_offers_file_is_in_whole() -> None:
    offers_are_in(offers_look_alike())


# ---------------------------------------------------------------- the files themselves


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """As a worker has it: what a chunk wrote is committed, and no statement is cut off."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    yield
    connection.close()


@pytest.mark.long
@needs(RETAIL)
@pytest.mark.usefixtures("worker")
def test_the_retail_file_is_in_whole() -> None:
    content = RETAIL.read_bytes()
    assert len(rows_of(content)) == 2465
    retail_is_in(content)


@pytest.mark.long
@needs(OFFERS)
@pytest.mark.usefixtures("worker")
def test_the_offers_file_is_in_whole() -> None:
    content = OFFERS.read_bytes()
    assert len(rows_of(content)) == 35_311
    offers_are_in(content)
