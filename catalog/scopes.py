"""What a list is a list of: the products of some shelves, of a seller, or those a search found.

A scope reads what its filters are counted with in one query. A small one reads its products' listing rows, which
are true in the moment; one of more than ROWS_LIMIT products reads the packed bits, true within a second.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from catalog import facets, filter_names, tokens
from catalog.facets import Bits
from catalog.filter_names import Names
from catalog.packing import BLOCK_SLOTS, unpack_bits

ROWS_LIMIT = 1000
RANKED_LIMIT = 1000
SELLERS_OFFERED = 12

Row = tuple[int | None, int | None, int | None, int | None, bytes | None, list[int] | None]


@dataclass
class Counting:
    """What a scope's filters are counted with."""

    parts: list[Bits]
    sellers: list[int] = field(default_factory=list)  # who offers most of it, first
    is_whole: bool = True  # False: there are more products than were looked at
    names: Names = field(default_factory=Names)  # of its filters, where they were read along

    @property
    def is_in_rows(self) -> bool:
        return len(self.parts) == 1 and not self.parts[0].shelf

    def present(self, kind: int) -> set[int]:
        """The tokens of one type that any product carries."""
        first, beyond = tokens.every(kind)
        return {token for part in self.parts for token in part.of if first <= token < beyond}


@dataclass(frozen=True)
class Shelves:
    """Everything in these categories."""

    ids: tuple[int, ...]

    def counting(self, *, seller_slugs: Sequence[str], by_price: bool) -> Counting:
        first, beyond = tokens.every(tokens.SELLER)
        found = _fetch(
            _OF_SHELVES,
            shelves=list(self.ids),
            all=tokens.token(tokens.ALL),
            limit=ROWS_LIMIT,
            sellers_from=first,
            sellers_to=beyond,
            price_from=tokens.token(tokens.PRICE),
            offered=SELLERS_OFFERED,
            slugs=list(seller_slugs),
            by_price=by_price,
        )
        return _counting(found, everything=tokens.token(tokens.ALL), limit=ROWS_LIMIT)


@dataclass(frozen=True)
class OfSeller:
    """Everything a seller offers."""

    seller: int

    def counting(self, *, seller_slugs: Sequence[str], by_price: bool) -> Counting:
        first, beyond = tokens.every(tokens.SELLER)
        mine = tokens.token(tokens.SELLER, self.seller)
        found = _fetch(
            _OF_SELLER,
            seller=self.seller,
            mine=mine,
            limit=ROWS_LIMIT,
            sellers_from=first,
            sellers_to=beyond,
            price_from=tokens.token(tokens.PRICE),
            by_price=by_price,
        )
        return _counting(found, everything=mine, limit=ROWS_LIMIT)


@dataclass(frozen=True)
class Ranked:
    """The products a search found, best first. Those beyond RANKED_LIMIT are listed but not counted."""

    ids: tuple[int, ...]

    def counting(self, *, seller_slugs: Sequence[str], by_price: bool) -> Counting:
        """With the names of its filters: sellers, districts, and what the shelves of its products ask about."""
        if not self.ids:
            return _counting([], everything=0, limit=RANKED_LIMIT)
        with connection.cursor() as cursor:
            cursor.execute(_RANKED, {"ids": list(self.ids[:RANKED_LIMIT]), "slugs": list(seller_slugs)})
            found = cursor.fetchall()
        rows = [(*row[:6],) for row in found if row[0] is not None]
        rows.sort(key=lambda row: row[3] or 0)
        counting = _counting(rows, everything=0, limit=RANKED_LIMIT)
        counting.is_whole = len(self.ids) <= RANKED_LIMIT
        counting.names = Names([tuple(row) for told in found if told[6] for row in json.loads(told[6])])
        return counting


Scope = Shelves | OfSeller | Ranked

# The condition of the index block_sellers, word for word.
OF_SELLERS = "token >= {} AND token < {}".format(*tokens.every(tokens.SELLER))

# Every query answers with two kinds of rows: products (id, price, tokens) of a small scope, blocks of a large one.
_OF_SHELVES = """
WITH size AS MATERIALIZED (
    SELECT coalesce(sum(count), 0) AS n FROM catalog_block WHERE shelf_id = ANY (%(shelves)s) AND token = %(all)s
), sellers AS MATERIALIZED (
    -- Who offers most on any one shelf: a few entries of each, however many sellers there are.
    SELECT token, max(count) AS n FROM unnest(%(shelves)s::bigint[]) AS s (id), LATERAL (
        SELECT token, count FROM catalog_block WHERE shelf_id = s.id AND {of_sellers}
        ORDER BY count DESC, token LIMIT %(offered)s
    ) best
    WHERE (SELECT n FROM size) > %(limit)s
    GROUP BY token ORDER BY n DESC, token LIMIT %(offered)s
)
(SELECT product_id, price, NULL::bigint, NULL::int, NULL::bytea, tokens FROM catalog_listing
 WHERE shelf_id = ANY (%(shelves)s) AND (SELECT n FROM size) <= %(limit)s LIMIT %(limit)s + 1)
UNION ALL
SELECT NULL, shelf_id, token, number, bits, NULL FROM catalog_block
WHERE shelf_id = ANY (%(shelves)s) AND (SELECT n FROM size) > %(limit)s AND token < %(sellers_from)s
UNION ALL
SELECT NULL, shelf_id, token, number, bits, NULL FROM catalog_block
WHERE shelf_id = ANY (%(shelves)s) AND (SELECT n FROM size) > %(limit)s
  AND token >= %(sellers_to)s AND (token < %(price_from)s OR %(by_price)s OR token = %(all)s)
UNION ALL
SELECT NULL, shelf_id, token, number, bits, NULL FROM catalog_block
WHERE shelf_id = ANY (%(shelves)s) AND (SELECT n FROM size) > %(limit)s
  AND token = ANY (ARRAY(SELECT token FROM sellers UNION
                         SELECT catalog_token(4, id, 0) FROM catalog_seller WHERE slug = ANY (%(slugs)s)))
UNION ALL
SELECT NULL, NULL, token, NULL, NULL, NULL FROM sellers
""".replace("{of_sellers}", OF_SELLERS)
_OF_SELLER = """
WITH size AS MATERIALIZED (SELECT coalesce(sum(count), 0) AS n FROM catalog_block WHERE token = %(mine)s)
(SELECT product_id, price, NULL::bigint, NULL::int, NULL::bytea, tokens FROM catalog_listing
 WHERE seller_id = %(seller)s AND (SELECT n FROM size) <= %(limit)s LIMIT %(limit)s + 1)
UNION ALL
SELECT NULL, b.shelf_id, b.token, b.number, b.bits, NULL
FROM catalog_block mine JOIN catalog_block b ON b.shelf_id = mine.shelf_id AND b.number = mine.number
WHERE mine.token = %(mine)s AND mine.count > 0 AND (SELECT n FROM size) > %(limit)s
  AND (b.token = %(mine)s OR b.token < %(sellers_from)s
       OR b.token >= %(sellers_to)s AND (b.token < %(price_from)s OR %(by_price)s))
"""
_RANKED = """
WITH RECURSIVE found AS MATERIALIZED (
    SELECT l.product_id, l.price, w.place::int AS place, l.tokens, l.seller_id, l.shelf_id
    FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS w (id, place) JOIN catalog_listing l ON l.product_id = w.id
), path AS (
    SELECT DISTINCT shelf_id AS id FROM found
    UNION SELECT c.parent_id FROM catalog_category c JOIN path ON path.id = c.id WHERE c.parent_id IS NOT NULL
), sellers AS (
    SELECT seller_id AS id FROM found GROUP BY seller_id ORDER BY count(*) DESC, seller_id LIMIT {sellers_offered}
), districts AS (
    SELECT DISTINCT district_id AS id FROM catalog_seller WHERE id IN (SELECT seller_id FROM found)
)
SELECT product_id, price, NULL::bigint, place, NULL::bytea, tokens, NULL::jsonb FROM found
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, ({names})
""".replace("{sellers_offered}", str(SELLERS_OFFERED)).replace(
    "{names}",
    filter_names.json_for(
        path="ARRAY(SELECT id FROM path)",
        sellers="ARRAY(SELECT id FROM sellers)",
        districts="ARRAY(SELECT id FROM districts)",
    ),
)


def _fetch(sql: str, **params: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[Row] = cursor.fetchall()
        return rows


def _counting(found: list[Row], *, everything: int, limit: int) -> Counting:
    rows = [(row[0], row[1] or 0, row[5] or []) for row in found if row[0] is not None]
    blocks = [row for row in found if row[4] is not None]
    if not blocks:
        bits = facets.from_rows(rows[:limit])
        first, beyond = tokens.every(tokens.SELLER)
        sellers = Counter({t: of.bit_count() for t, of in bits.of.items() if first <= t < beyond})
        best = [tokens.id_of(token) for token, _ in sellers.most_common(SELLERS_OFFERED)]
        return Counting([bits], sellers=best, is_whole=len(rows) <= limit)
    told = [row for row in found if row[4] is None and row[0] is None]
    return Counting(
        _parts(blocks, everything),
        sellers=[tokens.id_of(row[2] or 0) for row in told],
    )


def _parts(blocks: list[Row], everything: int) -> list[Bits]:
    of: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for _, shelf, token, number, bits, _ in blocks:
        of[shelf or 0, number or 0][token or 0] = unpack_bits(bits or b"")
    return [
        Bits(everything=carried.get(everything, 0), of=carried, shelf=shelf, first_slot=number * BLOCK_SLOTS)
        for (shelf, number), carried in sorted(of.items())
    ]
