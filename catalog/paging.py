"""The page of a list: its order, the place the address names in it, and the shortest way to its products."""

# ruff: noqa: S608 — columns and directions are our own words; every value is a parameter
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy

from catalog import facets
from catalog.facets import Chosen, Count
from catalog.models import Listing, Product
from catalog.scopes import Counting, OfSeller, Ranked, Scope, Shelves

PAGE_SIZE = 20
SPARSE = 1000  # more products than these are never looked up one by one, by their places
PLACE_COST = 8  # what looking one up costs, in rows read on the way along a shelf
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.get_fixed_timezone(0))


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Sort:
    """One order of a list: by `column`, ties by id in the same direction, so that a key names one place in it."""

    name: str
    label: Any
    column: str  # of the listing; "" is the order of the search itself
    falling: bool = False
    value: Callable[[Any], int] = int  # a place as a whole number, for the address
    parse: Callable[[int], Any] = int  # and back
    is_text: bool = False  # then the address names the product alone

    def column_now(self) -> str:
        if self.is_text:
            return "name_en" if (get_language() or "").startswith("en") else "name_ko"
        return self.column


BEST = Sort("best", gettext_lazy("Best match"), "")
POPULAR = Sort("popular", gettext_lazy("Popular"), "popularity", falling=True)
SORTS = (
    POPULAR,
    Sort("cheap", gettext_lazy("Cheapest"), "price"),
    Sort("dear", gettext_lazy("Dearest"), "price", falling=True),
    Sort("unit", gettext_lazy("Unit price"), "unit_key"),
    Sort(
        "new",
        gettext_lazy("Newest"),
        "listed_at",
        falling=True,
        value=_microseconds,
        parse=lambda micros: EPOCH + timedelta(microseconds=micros),
    ),
    Sort("name", gettext_lazy("By name"), "name_ko", is_text=True),
)
KEY = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")


def read_page(
    scope: Scope, counting: Counting, count: Count, *, chosen: Chosen, sort: Sort, key: tuple[int, int] | None
) -> list[Product]:
    """The products after the key, one more than a page shows, in two queries."""
    if isinstance(scope, Ranked) and not sort.column:
        return _ranked_page(scope, count, chosen, key)
    query = _Query(chosen, sort, key)
    if counting.is_in_rows and (counting.is_whole or isinstance(scope, Ranked)):
        part, left = count.left[0]
        query.of_ids([part.ids[place] for place in facets.places(left)])
    elif not counting.is_in_rows and _is_sparse(scope, count):
        query.of_places([(p.shelf, p.first_slot + n) for p, left in count.left for n in facets.places(left)])
    elif isinstance(scope, Shelves):
        query.along_shelves(scope.ids)
    elif isinstance(scope, OfSeller):
        query.along_seller(scope.seller)
    # An array, not a join: the page's few ids are found first, whatever the planner thinks of the rest.
    on_page = RawSQL(f'"catalog_product"."id" = ANY (ARRAY({query.sql}))', query.params, BooleanField())  # noqa: S611
    found = Product.objects.on_sale().filter(on_page)
    products = list(found.select_related("listing").for_cards())
    column = sort.column_now()
    return sorted(products, key=lambda p: (getattr(p.listing, column), p.pk), reverse=sort.falling)


def _is_sparse(scope: Scope, count: Count) -> bool:
    """Whether looking up all that is left is cheaper than meeting a page of it along the shelves."""
    if count.total > SPARSE:
        return False
    everything = sum(part.everything.bit_count() for part, _ in count.left)
    wanted = PAGE_SIZE + 1
    if isinstance(scope, Shelves):
        wanted += len(scope.ids) * _first_few(scope.ids)
    return count.total**2 * PLACE_COST <= everything * wanted


def _first_few(shelves: Sequence[int]) -> int:
    return PAGE_SIZE // max(len(shelves), 1) + 3


def _ranked_page(scope: Ranked, count: Count, chosen: Chosen, key: tuple[int, int] | None) -> list[Product]:
    """Best match first; the key is the place among the found ones."""
    part, left = count.left[0]
    remaining = [part.ids[place] for place in facets.places(left)] if chosen else list(scope.ids)
    ids = remaining[key[0] if key else 0 :][: PAGE_SIZE + 1]
    products = {product.pk: product for product in Product.objects.on_sale().filter(pk__in=ids).for_cards()}
    found = [products[pk] for pk in ids if pk in products]
    for product in found:
        product.place_found = remaining.index(product.pk) + 1
    return found


class _Query:
    """SQL that finds the page's products in the listing, by whichever way is shortest."""

    def __init__(self, chosen: Chosen, sort: Sort, key: tuple[int, int] | None) -> None:
        self._column = sort.column_now()
        self._direction, self._sides = ("DESC", ("<", ">=")) if sort.falling else ("ASC", (">", "<="))
        self._conditions: list[str] = []
        self._values: list[Any] = []
        for wanted in chosen.groups.values():
            self._add("l.tokens && %s::bigint[]", wanted)
        if chosen.low is not None:
            self._add("l.price >= %s", chosen.low)
        if chosen.high is not None:
            self._add("l.price <= %s", chosen.high)
        if key:
            self._after(sort, *key)
        self.sql, self.params = "SELECT NULL::bigint WHERE false", list[Any]()

    def of_ids(self, ids: list[int]) -> None:
        self._take("FROM catalog_listing l", "l.product_id = ANY (%s)", [ids])

    def of_places(self, places: list[tuple[int, int]]) -> None:
        shelves, slots = [shelf for shelf, _ in places], [slot for _, slot in places]
        self._take(
            "FROM unnest(%s::bigint[], %s::int[]) AS w (shelf, slot)"
            " JOIN catalog_packed p ON p.shelf_id = w.shelf AND p.slot = w.slot"
            " JOIN catalog_listing l ON l.product_id = p.product_id",
            "true",
            [shelves, slots],
        )

    def along_shelves(self, shelves: Sequence[int]) -> None:
        """The first few of each shelf along the sort's index, then whatever else could stand on the page.

        The page's last among those few bounds what has to be read on: of eleven shelves a whole page each would be
        read for nothing ten times out of eleven.
        """
        order = f"ORDER BY place {self._direction}, product_id {self._direction}"
        few = _first_few(shelves)
        after, until = (f"(l.{self._column}, l.product_id) {side}" for side in self._sides)
        first = self._select("FROM catalog_listing l", "l.shelf_id = s.id", limit=few)
        read_on = f"l.shelf_id = f.shelf AND {after} (f.place, f.product_id)"
        bounded = f"{read_on} AND {until} (SELECT place, product_id FROM bound)"
        self.sql = f"""
            WITH few AS MATERIALIZED (
                SELECT s.id AS shelf, x.* FROM unnest(%s::bigint[]) AS s (id), LATERAL ({first}) x),
            bound AS MATERIALIZED (SELECT place, product_id FROM few {order} OFFSET {PAGE_SIZE} LIMIT 1),
            full_ones AS MATERIALIZED (
                SELECT shelf, (array_agg(place {order}))[{few}] AS place,
                       (array_agg(product_id {order}))[{few}] AS product_id
                  FROM few GROUP BY shelf HAVING count(*) = {few})
            SELECT product_id FROM (
                SELECT product_id, place FROM few
                UNION ALL
                SELECT x.* FROM full_ones f, LATERAL ({self._select("FROM catalog_listing l", bounded)}) x
                 WHERE EXISTS (SELECT FROM bound)
                UNION ALL
                SELECT x.* FROM full_ones f, LATERAL ({self._select("FROM catalog_listing l", read_on)}) x
                 WHERE NOT EXISTS (SELECT FROM bound)) all_of_them
             {order} LIMIT {PAGE_SIZE + 1}"""
        self.params = [list(shelves), *self._values * 3]

    def along_seller(self, seller: int) -> None:
        self._take("FROM catalog_listing l", "l.seller_id = %s", [seller])

    def _take(self, source: str, condition: str, values: list[Any]) -> None:
        self.sql = f"SELECT product_id FROM ({self._select(source, condition)}) x"
        self.params = [*values, *self._values]

    def _select(self, source: str, condition: str, *, limit: int = PAGE_SIZE + 1) -> str:
        conditions = " AND ".join([condition, *self._conditions])
        return (
            f"SELECT l.product_id, l.{self._column} AS place {source} WHERE {conditions}"
            f" ORDER BY l.{self._column} {self._direction}, l.product_id {self._direction} LIMIT {limit}"
        )

    def _add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self._values += values

    def _after(self, sort: Sort, place: int, pk: int) -> None:
        side = "<" if sort.falling else ">"
        if sort.is_text:
            self._add(
                f"(l.{self._column}, l.product_id) {side} (SELECT k.{self._column}, k.product_id"
                " FROM catalog_listing k WHERE k.product_id = %s)",
                pk,
            )
        else:
            self._add(f"(l.{self._column}, l.product_id) {side} (%s, %s)", sort.parse(place), pk)


def place_of(product: Product, sort: Sort, scope: Scope) -> str:
    """Where the page ended, for the address of the next."""
    if not sort.column:
        return f"{product.place_found}-{product.pk}"  # type: ignore[attr-defined]
    row: Listing = product.listing
    return f"{0 if sort.is_text else sort.value(getattr(row, sort.column))}-{product.pk}"


def key_of(text: str) -> tuple[int, int] | None:
    """The place to read on from, or None: anything that is no place means the beginning."""
    found = KEY.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None
