"""What the demo's categories ask and what its products answer: from their content and from attributes.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from catalog.attributes import option_named, set_attribute
from catalog.models import Attribute, AttributeOption, Category, Product, ProductVariant

ATTRIBUTES = Path(__file__).resolve().parent / "attributes.json"
BY_CONTENT = {"g": "weight", "ml": "volume"}
OF_VARIANTS = ("size", "colour")  # where variants differ, each answers for itself


def load_attributes(categories: dict[str, Category]) -> dict[str, Attribute]:
    """Every attribute by its slug; one that stands already is left as it is."""
    rows: list[dict[str, Any]] = _data()["attributes"]
    known = set(Attribute.objects.values_list("slug", flat=True))
    for position, row in enumerate(rows, start=1):
        if row["slug"] not in known:
            _make(row, position, categories)
    return {attribute.slug: attribute for attribute in Attribute.objects.prefetch_related("options", "categories")}


def load_answers(products: list[dict[str, Any]], found: dict[str, Product], attributes: dict[str, Attribute]) -> int:
    """Each product's answers, once. Returns how many there are now."""
    said: dict[str, dict[str, Any]] = _data()["answers"]
    count = 0
    for row in products:
        product = found[row["variants"][0]["sku"]]
        asked = {slug: a for slug, a in attributes.items() if product.category_id in {c.pk for c in a.categories.all()}}
        if product.attribute_values.exists():
            continue
        content = row.get("content", {})
        answers = {BY_CONTENT.get(content.get("unit", ""), ""): content.get("amount"), **said[row["slug"]]}
        for slug, value in answers.items():
            if slug in asked:
                set_attribute(product, asked[slug], value)
                count += 1
        count += _answer_by_variant(product, asked)
    return count


def _answer_by_variant(product: Product, asked: dict[str, Attribute]) -> int:
    count = 0
    variants: list[ProductVariant] = list(product.variants.all())
    for slug in OF_VARIANTS:
        for variant in variants:
            named = getattr(variant, slug)
            if slug in asked and named and (option := option_named(asked[slug], named)):
                set_attribute(product, asked[slug], option.slug, variant=variant)
                count += 1
    return count


def _make(row: dict[str, Any], position: int, categories: dict[str, Category]) -> None:
    attribute = Attribute.objects.create(
        slug=row["slug"],
        name_ko_kp=row["name_ko"],
        name_en=row["name_en"],
        kind=row["kind"],
        unit_ko_kp=row.get("unit_ko", ""),
        unit_en=row.get("unit_en", ""),
        bands=row.get("bands", []),
        position=position,
    )
    attribute.categories.set(categories[slug] for slug in row["categories"])
    AttributeOption.objects.bulk_create(
        AttributeOption(
            attribute=attribute, slug=o["slug"], name_ko_kp=o["name_ko"], name_en=o["name_en"], position=place
        )
        for place, o in enumerate(row.get("options", []))
    )


def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(ATTRIBUTES.read_text(encoding="utf-8"))
    return data
