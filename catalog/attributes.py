"""What a product answers to its category's attributes: read for pages and forms, written by one function.

`set_attribute` is what forms, imports and the demo write with. Lists follow by themselves: the database keeps them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection, transaction
from django.utils.formats import number_format
from django.utils.translation import gettext

from catalog.models import Attribute, AttributeOption, AttributeValue, Category, Product, ProductVariant

LARGEST = Decimal(999_999_999)


class UnfitValue(Exception):
    """The value is no answer to the attribute; `str()` says why in plain words."""


def offered_to(category_id: int) -> list[Attribute]:
    """The attributes of a category: its own and those of everything around it, with their choices. Three queries."""
    parents = dict(Category.objects.values_list("pk", "parent_id"))
    path: list[int] = []
    step: int | None = category_id
    while step is not None and step not in path:
        path.append(step)
        step = parents.get(step)
    return list(Attribute.objects.filter(categories__in=path).distinct().prefetch_related("options"))


def set_attribute(
    product: Product, attribute: Attribute, value: object, *, variant: ProductVariant | None = None
) -> None:
    """Make `value` the product's (or its variant's) one answer; None or nothing takes the answer away.

    A choice takes option slugs, one or several; a number what Decimal understands; a yes-no a bool.
    Raises UnfitValue and changes nothing.
    """
    rows = _rows(attribute, value)
    with transaction.atomic():
        # One writer of a product's answers at a time: two would each delete nothing and add both.
        Product.objects.select_for_update(no_key=True).only("pk").get(pk=product.pk)
        there = AttributeValue.objects.filter(product=product, attribute=attribute, variant=variant)
        old = {(row.option_id, row.number, row.yes): row.pk for row in there}
        new = {tuple(row.values()): row for row in rows}
        if gone := [pk for answer, pk in old.items() if answer not in new]:
            AttributeValue.objects.filter(pk__in=gone).delete()
        AttributeValue.objects.bulk_create(
            AttributeValue(product=product, attribute=attribute, variant=variant, **row)
            for answer, row in new.items()
            if answer not in old
        )


def _rows(attribute: Attribute, value: object) -> list[dict[str, Any]]:
    """The answers as rows hold them."""
    if value is None or value in ("", []):
        return []
    if attribute.kind == Attribute.Kind.CHOICE:
        wanted = [value] if isinstance(value, str) else [str(slug) for slug in _iterable(value)]
        return [{"option_id": pk, "number": None, "yes": None} for pk in _option_ids(attribute, wanted)]
    if attribute.kind == Attribute.Kind.NUMBER:
        return [{"option_id": None, "number": _number(value), "yes": None}]
    if not isinstance(value, bool):
        raise UnfitValue(gettext("Say yes or no."))
    return [{"option_id": None, "number": None, "yes": value}]


def _iterable(value: object) -> Iterable[object]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise UnfitValue(gettext("Choose from the list."))
    return value


def _option_ids(attribute: Attribute, slugs: list[str]) -> list[int]:
    found = {option.slug: option.pk for option in attribute.options.all()}
    if unknown := [slug for slug in slugs if slug not in found]:
        raise UnfitValue(gettext("“%(value)s” is not among the choices.") % {"value": unknown[0]})
    return list(dict.fromkeys(found[slug] for slug in slugs))


def _number(value: object) -> Decimal:
    try:
        number = Decimal(str(value)).quantize(Decimal("0.001"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= LARGEST:
        raise UnfitValue(gettext("Write a number from 0 to 999,999,999."))
    return number


def option_named(attribute: Attribute, name: str) -> AttributeOption | None:
    """The choice of this name in either language, whatever the case and the spaces, or of this address word."""
    wanted = _plain(name)
    for option in attribute.options.all():
        if wanted and wanted in (_plain(option.name_ko_kp), _plain(option.name_en), _plain(option.slug)):
            return option
    return None


def _plain(name: str | None) -> str:
    return "".join((name or "").casefold().split())


# ---------------------------------------------------------------- many products at once, as texts

BETWEEN = ";"  # the choices of one answer


def number_text(number: Decimal) -> str:
    return f"{number.normalize():f}"


def texts_of(product_ids: Sequence[int], attributes: Sequence[Attribute]) -> dict[int, dict[str, str]]:
    """What these products themselves answer, each answer one text by the attribute's address word. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT v.product_id, t.slug, string_agg(o.slug, %s ORDER BY o.position, o.id), max(v.number),
                      bool_or(v.yes)
                 FROM catalog_attributevalue v JOIN catalog_attribute t ON t.id = v.attribute_id
                 LEFT JOIN catalog_attributeoption o ON o.id = v.option_id
                WHERE v.product_id = ANY(%s) AND v.attribute_id = ANY(%s) AND v.variant_id IS NULL
                GROUP BY v.product_id, t.slug""",
            [BETWEEN, list(product_ids), [attribute.pk for attribute in attributes]],
        )
        found: dict[int, dict[str, str]] = defaultdict(dict)
        for pk, slug, choices, number, yes in cursor.fetchall():
            text = number_text(number) if number is not None else "yes" if yes else "no"
            found[pk][slug] = choices if choices is not None else text
    return found


def set_texts(answers: Sequence[tuple[int, Attribute, str]]) -> None:
    """Make each text the product's one answer to the attribute, "" none, in two statements whatever the number.

    In the transaction that has locked the products. Raises UnfitValue.
    """
    if not answers:
        return
    values = [(pk, attribute.pk, row) for pk, attribute, text in answers for row in _rows_of_text(attribute, text)]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM catalog_attributevalue v USING unnest(%s::bigint[], %s::bigint[]) AS n (product, attribute)"
            " WHERE v.product_id = n.product AND v.attribute_id = n.attribute AND v.variant_id IS NULL",
            [[pk for pk, _, _ in answers], [attribute.pk for _, attribute, _ in answers]],
        )
        cursor.execute(
            "INSERT INTO catalog_attributevalue (product_id, attribute_id, option_id, number, yes)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::bool[])",
            [
                [pk for pk, _, _ in values],
                [attribute for _, attribute, _ in values],
                *([row[column] for _, _, row in values] for column in ("option_id", "number", "yes")),
            ],
        )


def _rows_of_text(attribute: Attribute, text: str) -> list[dict[str, Any]]:
    if attribute.kind == Attribute.Kind.CHOICE:
        return _rows(attribute, text.split(BETWEEN) if text else [])
    if attribute.kind == Attribute.Kind.YES_NO:
        return _rows(attribute, text == "yes" if text else None)
    return _rows(attribute, text)


@dataclass
class Answer:
    """One line of a product's facts."""

    slug: str
    label: str
    text: str


def answers_of(products: Iterable[Product]) -> dict[int, list[Answer]]:
    """What each product answers, in the attributes' order, its variants' answers together. One query.

    An amount that only repeats the product's content is left out: pages say that already.
    """
    contents = {product.pk: (Decimal(product.content_amount or -1), product.content_unit) for product in products}
    values = AttributeValue.objects.filter(product__in=list(contents))
    rows = values.select_related("attribute", "option").order_by(
        "attribute__position", "attribute_id", "option__position", "number", "pk"
    )
    texts: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    asked: dict[int, Attribute] = {}
    for row in rows:
        if row.number is not None and (row.number, row.attribute.unit) == contents[row.product_id]:
            continue
        asked[row.attribute_id] = row.attribute
        text = _text(row)
        if text not in texts[row.product_id][row.attribute_id]:
            texts[row.product_id][row.attribute_id].append(text)
    return {
        pk: [Answer(asked[a].slug, asked[a].name, ", ".join(answers)) for a, answers in by_attribute.items()]
        for pk, by_attribute in texts.items()
    }


def _text(row: AttributeValue) -> str:
    if row.option is not None:
        return row.option.name
    if row.number is not None:
        number = number_format(row.number.normalize(), use_l10n=True)
        unit = row.attribute.unit
        return gettext("%(number)s %(unit)s") % {"number": number, "unit": unit} if unit else str(number)
    return gettext("yes") if row.yes else gettext("no")
