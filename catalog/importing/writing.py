"""A chunk of offers written at once: products, variants, shelves, each table in a few statements whatever the number.

The database's own triggers keep the price history, the lists and the search. Rows are locked in one order, products,
variants, stock, each by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from catalog import stock
from catalog.importing.offers import Offer, OfferResource
from catalog.importing.shelves import PLACES, Shelves
from catalog.importing.words import Wrong
from catalog.models import Product, ProductVariant, Stock
from catalog.slugs import address_word

Columns = dict[str, tuple[str, str]]
Values = dict[str, tuple[str, list[Any]]]
# Column → its type and how an offer fills it. The plain column holds the Korean text, every page's fallback.
PRODUCT_COLUMNS: Columns = {
    "name": ("text", "name_ko_kp"),
    "name_ko_kp": ("text", "name_ko_kp"),
    "name_en": ("text", "name_en"),
    "description": ("text", "description_ko_kp"),
    "description_ko_kp": ("text", "description_ko_kp"),
    "description_en": ("text", "description_en"),
    "unit": ("text", "unit_ko_kp"),
    "unit_ko_kp": ("text", "unit_ko_kp"),
    "unit_en": ("text", "unit_en"),
    "content_amount": ("int", "content_amount"),
    "content_unit": ("text", "content_unit"),
    "weight_g": ("int", "weight_g"),
    "needs_van": ("bool", "needs_van"),
    "minimum_age": ("int", "minimum_age"),
    "is_medicine": ("bool", "is_medicine"),
    "is_active": ("bool", "listed"),
}
VARIANT_COLUMNS: Columns = {
    "name": ("text", "variant_ko_kp"),
    "name_ko_kp": ("text", "variant_ko_kp"),
    "name_en": ("text", "variant_en"),
    "size": ("text", "size"),
    "colour": ("text", "colour_ko_kp"),
    "colour_ko_kp": ("text", "colour_ko_kp"),
    "colour_en": ("text", "colour_en"),
    "flavour": ("text", "flavour_ko_kp"),
    "flavour_ko_kp": ("text", "flavour_ko_kp"),
    "flavour_en": ("text", "flavour_en"),
    "price": ("bigint", "price"),
    "is_active": ("bool", "variant_listed"),
}


def write(offers: list[Offer], resource: OfferResource, *, by: User, cause: str, note: str) -> dict[str, int]:
    """Write what differs, in the caller's transaction. Answers the words of new products with their ids.

    `cause` begins the name of every count; receipts are named by the file. Raises Wrong when pieces were promised
    meanwhile that a count would take away.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("offers are written in the transaction of their chunk")
    resource.shelves.make()
    groups = _write_products(offers, resource.shelves)
    _write_answers(offers, resource)
    _write_variants(offers)
    _write_shelves(offers, resource, by=by, cause=cause, note=note)
    return groups


def lock(skus: list[str]) -> None:
    """Before rows are read for writing: nobody else changes what they will be compared with."""
    found = list(ProductVariant.objects.filter(sku__in=skus).values_list("product_id", "pk"))
    products, variants = sorted({product for product, _ in found}), sorted(variant for _, variant in found)
    list(Product.objects.filter(pk__in=products).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    list(ProductVariant.objects.filter(pk__in=variants).order_by("pk").select_for_update(no_key=True).values_list("pk"))


# ---------------------------------------------------------------- products


def _write_products(offers: list[Offer], shelves: Shelves) -> dict[str, int]:
    new: dict[str, Offer] = {}
    for offer in offers:
        if offer.product_id is None:
            new.setdefault(offer.product or f"\x00{offer.sku}", offer)
    ids = dict(zip(new, _insert_products(list(new.values()), shelves), strict=True))
    for offer in offers:
        if offer.product_id is None:
            offer.product_id = ids[offer.product or f"\x00{offer.sku}"]
    changed = {offer.product_id: offer for offer in offers if offer.changes_product}
    _update("catalog_product", PRODUCT_COLUMNS, [(pk, offer) for pk, offer in sorted(changed.items()) if pk])
    _update_places([(pk, offer) for pk, offer in sorted(changed.items()) if pk], shelves)
    return {word: pk for word, pk in ids.items() if not word.startswith("\x00")}


def _insert_products(new: list[Offer], shelves: Shelves) -> list[int]:
    """Their ids, in the same order: numbers are drawn in the order of the rows."""
    places = {
        f"{place}_id": ("bigint", [shelves.id_of(place, getattr(offer, place)) for offer in new]) for place in PLACES
    }
    columns = places | {"slug": ("text", [_slug(offer) for offer in new])} | _columns(PRODUCT_COLUMNS, new)
    constants = {"sold_30_days": "0", "rating_sum": "0", "rating_count": "0", "listed_at": "now()"}
    return sorted(pk for (pk,) in _insert("catalog_product", columns, constants, "id"))


def _slug(offer: Offer) -> str:
    return address_word(offer.name_en or offer.name_ko_kp, otherwise=offer.sku)


def _write_answers(offers: list[Offer], resource: OfferResource) -> None:
    """Of each product once: its rows say the same."""
    changed: dict[tuple[int, str], str] = {}
    for offer in offers:
        before = offer.before.answers if offer.before else {}
        for name in resource.answers.attributes:
            text = offer.answers.get(name, "")
            if offer.product_id and text != before.get(name, ""):
                changed[offer.product_id, name] = text
    resource.answers.write([(pk, name, text) for (pk, name), text in sorted(changed.items())])


def _update_places(changed: Sequence[tuple[int, Offer]], shelves: Shelves) -> None:
    moved = [
        (pk, shelves.id_of("category", offer.category), shelves.id_of("kind", offer.kind))
        for pk, offer in changed
        if offer.before and (offer.category, offer.kind) != (offer.before.category, offer.before.kind)
    ]
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_product p SET category_id = n.category, kind_id = n.kind"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n (id, category, kind) WHERE p.id = n.id",
                [[row[place] for row in moved] for place in range(3)],
            )


# ---------------------------------------------------------------- variants


def _write_variants(offers: list[Offer]) -> None:
    if new := [offer for offer in offers if offer.variant_id is None]:
        columns: Values = {"product_id": ("bigint", [offer.product_id for offer in new])}
        columns |= {"sku": ("text", [offer.sku for offer in new])} | _columns(VARIANT_COLUMNS, new)
        ids = {sku: pk for pk, sku in _insert("catalog_productvariant", columns, {"position": "0"}, "id, sku")}
        for offer in new:
            offer.variant_id = ids[offer.sku]
    told = [name for _, name in VARIANT_COLUMNS.values()]
    changed = [
        (offer.variant_id, offer)
        for offer in offers
        if offer.before and offer.variant_id and any(getattr(offer, n) != getattr(offer.before, n) for n in told)
    ]
    _update("catalog_productvariant", VARIANT_COLUMNS, sorted(changed, key=lambda pair: pair[0]))


# ---------------------------------------------------------------- whole tables at once


def _columns(columns: Columns, offers: Sequence[Offer]) -> Values:
    return {column: (kind, [getattr(offer, name) for offer in offers]) for column, (kind, name) in columns.items()}


def _insert(table: str, columns: Values, constants: dict[str, str], returning: str) -> list[tuple[Any, ...]]:
    if not next(iter(columns.values()))[1]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join([*columns, *constants])})"  # noqa: S608  names are ours
            f" SELECT {', '.join([*map(_written, columns), *constants.values()])} FROM {_rows_of(columns)}"
            f" ORDER BY n.row RETURNING {returning}",
            [values for _, values in columns.values()],
        )
        returned: list[tuple[Any, ...]] = cursor.fetchall()
        return returned


def _update(table: str, columns: Columns, rows: Sequence[tuple[int, Offer]]) -> None:
    """All these columns of all these rows in one statement. The rows were locked before they were compared."""
    if not rows:
        return
    values = _columns(columns, [offer for _, offer in rows])
    sets = ", ".join(f"{column} = {_written(column)}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {sets} FROM {_rows_of({'id': ('bigint', []), **values})} WHERE t.id = n.id",  # noqa: S608  names are ours
            [[pk for pk, _ in rows], *(column for _, column in values.values())],
        )


def _written(column: str) -> str:
    """An English text that is not there is NULL, as forms leave it."""
    return f"nullif(n.{column}, '')" if column.endswith("_en") else f"n.{column}"


def _rows_of(columns: Values) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind, _ in columns.values())
    return f"unnest({arrays}) WITH ORDINALITY AS n ({', '.join(columns)}, row)"


# ---------------------------------------------------------------- shelves


def _write_shelves(offers: list[Offer], resource: OfferResource, *, by: User, cause: str, note: str) -> None:
    stock.open_stocks({offer.variant_id: offer.low_threshold for offer in offers if offer.variant_id})
    _write_thresholds(offers)
    moved = [offer for offer in offers if offer.variant_id and (offer.stock is not None or offer.received)]
    shelves = stock.lock(offer.variant_id for offer in moved if offer.variant_id)
    counts: dict[int, tuple[int, str]] = {}
    receipts: dict[int, tuple[int, str]] = {}
    for offer in moved:
        shelf = shelves[offer.variant_id or 0]
        if offer.stock is not None and offer.stock < shelf.reserved:
            raise Wrong("promised", n=shelf.reserved)
        if offer.stock is not None:
            counts[shelf.pk] = (offer.stock - shelf.on_hand, f"{cause}{offer.number}")
        elif offer.received:
            receipts[shelf.pk] = (offer.received, resource.cause_of(offer))
    stock.record_many(stock.Kind.COUNT, counts, by=by, note=note)
    stock.record_many(stock.Kind.RECEIPT, receipts, by=by, note=note)


def _write_thresholds(offers: list[Offer]) -> None:
    changed = {
        offer.variant_id: offer.low_threshold
        for offer in offers
        if offer.before and offer.low_threshold != offer.before.low_threshold
    }
    for low in set(changed.values()):
        Stock.objects.filter(pk__in=[pk for pk, wanted in changed.items() if wanted == low]).update(low_threshold=low)
