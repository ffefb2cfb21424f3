"""What a row of a file does to products, prices and stock."""

import pytest
from django.utils import translation

from catalog.importing.mapping import Mapping, guessed
from catalog.models import (
    Category,
    ImportRow,
    Listing,
    PriceRecord,
    Product,
    ProductKind,
    ProductVariant,
    Seller,
    Stock,
    StockMovement,
)
from tests.catalog.importing.files import HEADER, NOODLES, SOUP, as_csv, checked, counts, errors, shelves, written
from tests.factories import DistrictFactory, ProductFactory, SellerFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shelves(db) -> None:
    shelves()


def row(**other: str) -> list[str]:
    return [other.get(name, value) for name, value in zip(HEADER, NOODLES, strict=True)]


def test_new_rows_become_products_on_sale() -> None:
    one = written(as_csv(NOODLES, SOUP))
    assert (one.state, counts(one), one.written_count) == ("done", {"new": 2}, 2)
    variant = ProductVariant.objects.get(sku="N-1")
    product = variant.product
    assert (product.name_ko_kp, product.name_en, product.weight_g, variant.price) == (
        "쟁반국수",
        "Tray noodles",
        1800,
        450,
    )
    assert (product.slug, product.unit_ko_kp, product.unit_en) == ("tray-noodles", "개", "piece")
    assert Listing.objects.get(product=product).price == 450
    assert PriceRecord.objects.filter(variant=variant, price=450).count() == 1
    with translation.override("en"):
        assert Product.objects.get(pk=product.pk).name == "Tray noodles"


def test_stock_comes_as_movements_with_a_cause() -> None:
    one = written(as_csv(NOODLES))
    movement = StockMovement.objects.get(stock__variant__sku="N-1")
    assert (movement.kind, movement.on_hand_change, movement.by, movement.note) == ("count", 12, one.by, "goods.csv")
    assert Stock.objects.get(variant__sku="N-1").on_hand == 12


@pytest.mark.parametrize("how", ["all", "good"])
def test_the_same_file_twice_changes_nothing(how: str) -> None:
    written(as_csv(NOODLES, SOUP), how=how)
    before = StockMovement.objects.count(), PriceRecord.objects.count(), Product.objects.count()
    again = written(as_csv(NOODLES, SOUP), how=how)
    assert counts(again) == {"same": 2}
    assert (StockMovement.objects.count(), PriceRecord.objects.count(), Product.objects.count()) == before


def test_the_same_file_counts_its_receipts_once() -> None:
    file = as_csv(["N-1", "450", "7"], header=["sku", "price", "received"])
    written(as_csv(NOODLES))
    assert counts(written(file)) == {"changed": 1}
    assert counts(written(file)) == {"same": 1}
    assert Stock.objects.get(variant__sku="N-1").on_hand == 19
    receipt = StockMovement.objects.get(kind="receipt", stock__variant__sku="N-1")
    assert receipt.on_hand_change == 7


def test_a_change_says_old_and_new() -> None:
    written(as_csv(NOODLES, SOUP))
    one = checked(as_csv(row(price="470", stock="3"), SOUP))
    assert counts(one) == {"changed": 1, "same": 1}
    changed = ImportRow.objects.get(of=one, state="changed")
    assert changed.changes == [["price", "450", "470"], ["stock", "12", "3"]]


def test_prices_alone_need_nothing_else() -> None:
    written(as_csv(NOODLES))
    written(as_csv(["N-1", "500"], header=["sku", "price"]))
    variant = ProductVariant.objects.get(sku="N-1")
    assert (variant.price, variant.product.name_ko_kp, variant.stock.on_hand) == (500, "쟁반국수", 12)
    assert list(variant.price_records.order_by("id").values_list("price", flat=True)) == [450, 500]


def test_prices_are_multiplied_and_rounded_half_up() -> None:
    mapping = guessed(HEADER)
    mapping.factor = "100"
    prices = {"129.99": 12999, "0.005": 1, "1.994": 199, "1.995": 200, "1,250.5": 125050}
    rows = [row(sku=f"P-{n}", price=text) for n, text in enumerate(prices)]
    written(as_csv(*rows), mapping)
    found = ProductVariant.objects.filter(sku__startswith="P-").order_by("sku").values_list("price", flat=True)
    assert list(found) == list(prices.values())


@pytest.mark.parametrize("text", ["-5", "1e5", "５", "free", "0", "10000001", "9" * 40, "1,00", "NaN", "0x10", ""])
def test_no_price_that_is_none(text: str) -> None:
    one = checked(as_csv(row(price=text)))
    [(number, field, word)] = errors(one)
    assert (number, field) == (2, "price")
    assert word in ("price", "price_range", "needed")


@pytest.mark.parametrize(
    ("field", "text", "word"),
    [
        ("sku", "", "needed"),
        ("sku", "X" * 41, "long"),
        ("seller", "nobody", "unknown"),
        ("category", "", "needed"),
        ("weight_g", "", "needed"),
        ("weight_g", "1.5", "number"),
        ("stock", "-1", "number"),
        ("stock", "1000001", "range"),
        ("name_en", "X" * 121, "long"),
    ],
)
def test_what_is_wrong_is_told_with_row_and_column(field: str, text: str, word: str) -> None:
    one = checked(as_csv(SOUP, row(**{field: text})))
    assert errors(one) == [(3, field, word)]


def test_everything_wrong_in_a_row_is_told_at_once() -> None:
    one = checked(as_csv(row(price="x", weight_g="y", stock="z")))
    assert {field for _, field, _ in errors(one)} == {"price", "weight_g", "stock"}


def test_an_sku_stands_once() -> None:
    assert errors(checked(as_csv(NOODLES, SOUP, NOODLES))) == [(4, "sku", "twice")]


def test_a_row_of_another_seller_is_refused() -> None:
    SellerFactory(slug="other", name_ko_kp="다른집", name_en="Other")
    written(as_csv(NOODLES))
    assert errors(checked(as_csv(row(seller="other")))) == [(2, "seller", "seller_moved")]


def test_sellers_and_categories_are_found_by_their_names_too() -> None:
    assert counts(checked(as_csv(row(seller="옥류관", category="Dishes")))) == {"new": 1}


def test_one_language_stands_in_for_the_other_until_it_is_translated() -> None:
    header = ["sku", "name_en", "seller", "category", "price", "weight_g"]
    values = ["E-1", "Backpack", "okryugwan", "dishes", "100", "500"]
    written(as_csv(values, header=header))
    product = Product.objects.get(variants__sku="E-1")
    assert product.name_ko_kp == "Backpack"
    assert list(Product.objects.untranslated()) == [product]
    written(as_csv(["E-1", "Rucksack", *values[2:]], header=header))
    product.refresh_from_db()
    assert (product.name_ko_kp, product.name_en) == ("Rucksack", "Rucksack")
    Product.objects.filter(pk=product.pk).update(name="배낭", name_ko_kp="배낭")
    assert not Product.objects.untranslated().exists()
    written(as_csv(["E-1", "Daypack", *values[2:]], header=header))
    product.refresh_from_db()
    assert (product.name_ko_kp, product.name_en) == ("배낭", "Daypack")


# ---------------------------------------------------------------- variants

GROUPED = ["sku", "product", "name_ko_kp", "seller", "category", "price", "weight_g", "size"]


def sized(sku: str, size: str, *, word: str = "shoe", name: str = "신발", price: str = "900") -> list[str]:
    return [sku, word, name, "okryugwan", "dishes", price, "700", size]


def test_rows_with_the_same_word_are_variants_of_one_product() -> None:
    file = as_csv(sized("S-1", "24"), sized("S-2", "25", price="950"), header=GROUPED)
    written(file)
    product = Product.objects.get(name_ko_kp="신발")
    assert list(product.variants.values_list("sku", "size", "price")) == [("S-1", "24", 900), ("S-2", "25", 950)]
    assert counts(checked(file)) == {"same": 2}


def test_a_new_variant_joins_the_product_that_is_there() -> None:
    written(as_csv(sized("S-1", "24"), header=GROUPED))
    one = written(as_csv(sized("S-1", "24"), sized("S-2", "25"), header=GROUPED))
    assert counts(one) == {"same": 1, "new": 1}
    assert Product.objects.get(name_ko_kp="신발").variants.count() == 2


def test_rows_of_one_product_say_the_same_about_it() -> None:
    one = checked(as_csv(sized("S-1", "24"), sized("S-2", "25", name="구두"), header=GROUPED))
    assert errors(one) == [(3, "product", "differs")]


def test_a_product_is_not_pulled_apart() -> None:
    written(as_csv(sized("S-1", "24"), sized("T-1", "1", word="tie", name="넥타이"), header=GROUPED))
    one = checked(as_csv(sized("S-1", "24"), sized("T-1", "1"), header=GROUPED))
    assert errors(one) == [(3, "product", "product_moved")]


# ---------------------------------------------------------------- what the shop does not have


def test_missing_places_are_made_hidden_when_asked_for() -> None:
    district = DistrictFactory()
    mapping = Mapping(
        columns={"sku": 0, "name_en": 1, "seller": 2, "category": 3, "kind": 4, "kind_name": 5},
        fixed={"price": "1", "weight_g": "500", "listed": "no"},
        prefix="pr-",
        makes_missing=True,
        district=district.slug,
    )
    rows = [
        ["1", "apple iphone 8", "17", "Mobile Phones", "1", "Apple iPhone 8"],
        ["2", "iphone 8", "3", "Mobile Phones", "1", "Apple iPhone 8"],
    ]
    one = written(as_csv(*rows, header=["a", "b", "c", "d", "e", "f"]), mapping)
    assert (one.state, one.missing) == ("done", {"seller": 2, "category": 1, "kind": 1})
    kind = ProductKind.objects.get(slug="pr-1")
    assert (kind.name_en, kind.products.count()) == ("Apple iPhone 8", 2)
    assert set(kind.products.values_list("seller__slug", flat=True)) == {"pr-17", "pr-3"}
    assert not Seller.objects.filter(slug__startswith="pr-", is_active=True).exists()
    assert not Category.objects.get(slug="mobile-phones").is_active
    assert not kind.products.filter(is_active=True).exists()
    assert counts(checked(as_csv(*rows, header=["a", "b", "c", "d", "e", "f"]), mapping)) == {"same": 2}


def test_long_texts_are_cut_only_when_asked_for() -> None:
    mapping = guessed(HEADER)
    mapping.shortens = True
    written(as_csv(row(name_en="word " * 40)), mapping)
    name = Product.objects.get(variants__sku="N-1").name_en
    assert len(name) <= 120
    assert name.endswith("…")


# ---------------------------------------------------------------- shelves


def test_a_count_never_takes_promised_pieces() -> None:
    product = ProductFactory(variant=False)
    VariantFactory(product=product, sku="R-1", on_hand=10, reserved=4)
    header = ["sku", "stock"]
    assert errors(checked(as_csv(["R-1", "3"], header=header))) == [(2, "stock", "promised")]
    written(as_csv(["R-1", "4"], header=header))
    assert Stock.objects.get(variant__sku="R-1").on_hand == 4


def test_an_untouched_export_undoes_no_sale() -> None:
    product = ProductFactory(variant=False)
    VariantFactory(product=product, sku="R-1", on_hand=10)
    one = checked(as_csv(["R-1", "12", "12"], header=["sku", "stock", "stock_was"]))
    assert counts(one) == {"same": 1}
