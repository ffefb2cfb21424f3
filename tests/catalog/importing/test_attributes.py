"""Answers to the categories' attributes in a file: mapped, previewed, refused, written, exported and read again."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.test import Client

from catalog.attributes import set_attribute
from catalog.importing import export
from catalog.importing.mapping import guessed, proposed
from catalog.models import Attribute, AttributeOption, AttributeValue, Category, Listing, Product
from tests.catalog.importing.files import HEADER, NOODLES, SOUP, as_csv, checked, counts, errors, shelves, written
from tests.factories import CategoryFactory, ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db
ASKED = ["a-material", "a-volume", "a-organic"]


@pytest.fixture
def dishes() -> Category:
    """Dishes are asked for material, volume and whether they are organic; drinks, beside them, for a taste."""
    shelves()
    dishes = CategoryFactory()
    made = [
        Attribute.objects.create(slug="material", name_ko_kp="재료", name_en="Material", kind="choice", position=1),
        Attribute.objects.create(slug="volume", name_ko_kp="용량", kind="number", unit="ml", bands=[250], position=2),
        Attribute.objects.create(slug="organic", name_ko_kp="유기농", kind="yes_no", position=3),
    ]
    for one in made:
        one.categories.add(dishes)
    for place, (slug, korean, english) in enumerate([("cotton", "면", "Cotton"), ("silk", "비단", "Silk")]):
        AttributeOption.objects.create(attribute=made[0], slug=slug, name_ko_kp=korean, name_en=english, position=place)
    taste = Attribute.objects.create(slug="taste", name_ko_kp="맛느낌", kind="yes_no", position=4)
    taste.categories.add(CategoryFactory(slug="drinks", name_ko_kp="음료", name_en="Drinks"))
    return dishes


def goods(*rows: list[str], asked: list[str] | None = None) -> bytes:
    return as_csv(*rows, header=[*HEADER, *(ASKED if asked is None else asked)])


def told(sku: str) -> dict[str, object]:
    found = AttributeValue.objects.filter(product__variants__sku=sku).order_by(
        "attribute__position", "option__position"
    )
    answers: dict[str, list[object]] = {}
    for value in found.select_related("attribute", "option"):
        answer = value.option.slug if value.option else value.number if value.number is not None else value.yes
        answers.setdefault(value.attribute.slug, []).append(answer)
    return {slug: given[0] if len(given) == 1 else given for slug, given in answers.items()}


def test_they_are_written_and_lists_are_filtered_by_them(dishes: Category) -> None:
    one = written(goods([*NOODLES, "비단; Cotton", "1,500.5", "예"], [*SOUP, "silk", "", ""]))
    assert (one.state, counts(one)) == ("done", {"new": 2})
    assert told("N-1") == {"material": ["cotton", "silk"], "volume": Decimal("1500.5"), "organic": True}
    assert told("N-2") == {"material": "silk"}
    options = AttributeOption.objects.values_list("slug", "pk")
    token = {slug: (1 << 48) + pk * 256 for slug, pk in options}["silk"]
    assert Listing.objects.filter(tokens__contains=[token]).count() == 2


def test_a_second_file_changes_only_what_it_tells(dishes: Category) -> None:
    written(goods([*NOODLES, "cotton", "250", "yes"]))
    assert counts(checked(goods([*NOODLES, "면", "250.000", "1"]))) == {"same": 1}
    assert counts(checked(goods([*NOODLES, "", "", ""]))) == {"same": 1}
    one = checked(goods([*NOODLES, "silk", "-", ""]))
    assert [row.changes for row in one.rows.all()] == [[["a-material", "cotton", "silk"], ["a-volume", "250", ""]]]
    written(goods([*NOODLES, "silk", "-", ""]))
    assert told("N-1") == {"material": "silk", "organic": True}


def test_what_is_wrong_is_told_by_row_and_column(dishes: Category) -> None:
    one = checked(
        goods(
            [*NOODLES, "wood", "many", "perhaps"],
            [*SOUP, "", "-5", ""],
            ["N-3", *SOUP[1:], "", "1e400", "－"],
            ["N-4", *SOUP[1:], "silk;;wood", "１２", ""],
        )
    )
    assert sorted(errors(one)) == [
        (2, "a-material", "choice"),
        (2, "a-organic", "yes_no"),
        (2, "a-volume", "amount"),
        (3, "a-volume", "amount"),
        (4, "a-organic", "yes_no"),
        (4, "a-volume", "amount"),
        (5, "a-material", "choice"),
        (5, "a-volume", "amount"),
    ]


def test_a_category_that_does_not_ask(dishes: Category) -> None:
    one = checked(goods([*SOUP, "silk", "", "", "yes"], asked=[*ASKED, "a-taste"]))
    assert errors(one) == [(2, "a-taste", "not_asked")]
    inner = CategoryFactory(slug="cold", name_ko_kp="찬료리", parent=dishes)
    cold = [*SOUP[:4], inner.slug, *SOUP[5:]]
    assert counts(checked(goods([*cold, "silk", "", ""]))) == {"new": 1}


def test_rows_of_one_product_say_the_same(dishes: Category) -> None:
    header = [*HEADER, "product", *ASKED]
    first, second = [*NOODLES, "pot", "silk", "", ""], [*["N-9", *NOODLES[1:]], "pot", "cotton", "", ""]
    assert errors(checked(as_csv(first, second, header=header))) == [(3, "product", "differs")]
    second[-3] = "silk"
    one = written(as_csv(first, second, header=header))
    assert one.state == "done" and Product.objects.count() == 1 and told("N-9") == {"material": "silk"}


def test_an_export_comes_back_as_it_went(dishes: Category) -> None:
    written(goods([*NOODLES, "silk;cotton", "12.5", "no"]))
    content = b"".join(export.as_csv(export.rows()))
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert lines[0][-4:] == [*ASKED, "a-taste"] and lines[1][-4:] == ["cotton;silk", "12.5", "no", ""]
    mapping = proposed(lines[0], StaffFactory())
    assert all(name in mapping.columns for name in ASKED)
    assert counts(checked(content, mapping)) == {"same": 1}


def test_the_mapping_page_asks_for_them(client: Client, dishes: Category) -> None:
    staff = StaffFactory()
    client.force_login(staff)
    one = checked(as_csv([*NOODLES, "비단"], header=[*HEADER, "재료"]), by=staff)
    page = client.get(f"/admin/desk/catalogue/{one.key}/mapping/").text
    assert 'name="column_a-material"' in page and 'name="column_a-taste"' in page


def test_columns_are_guessed_by_an_attributes_name(dishes: Category) -> None:
    assert "a-material" not in guessed(["sku", "재료"]).columns
    assert proposed(["sku", "재료", "Organic?"], StaffFactory()).columns == {"sku": 0, "a-material": 1, "a-organic": 2}


def test_variants_own_answers_are_left_alone(dishes: Category) -> None:
    product = ProductFactory(variant__sku="N-1")
    volume = Attribute.objects.get(slug="volume")
    set_attribute(product, volume, 100, variant=product.variants.get())
    written(goods([*NOODLES, "", "500", ""]))
    kept = AttributeValue.objects.order_by("number").values_list("number", "variant_id")
    assert list(kept) == [(100, product.variants.get().pk), (500, None)]
