"""Keeps the packed listing current: bits in blocks, one for each product of a shelf and each token it carries.

The database notes every product whose listing may have changed in `catalog_listingdue`. `pack_due` takes those
notes, computes the listing once more and turns the few bits that differ. Only one packer works at a time.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from catalog import facets, tokens

Cursor = Any  # Django's cursor wrapper has no type of its own

BLOCK_SLOTS = 8192
BATCH = 2000
REBUILD_BATCH = 20_000
PACKER_LOCK = 4_104_801  # one packer at a time, by an advisory lock


@dataclass
class _State:
    """What is packed, or should be: the shelf and the tokens with the price's bits among them."""

    shelf: int
    price: int
    tokens: list[int]

    @property
    def bits(self) -> set[int]:
        return {tokens.token(tokens.ALL), *self.tokens, *tokens.price_tokens(self.price)}


@dataclass
class _Flips:
    """Bits to turn, by block."""

    on: dict[tuple[int, int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    off: dict[tuple[int, int, int], list[int]] = field(default_factory=lambda: defaultdict(list))

    def turn(self, shelf: int, slot: int, *, on: set[int], off: set[int]) -> None:
        number, place = divmod(slot, BLOCK_SLOTS)
        for token in on:
            self.on[shelf, token, number].append(place)
        for token in off:
            self.off[shelf, token, number].append(place)


def pack_due() -> int:
    """Pack what was noted, at most one batch; how many notes were taken. Nothing while another packer works."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not _alone(cursor):
            return 0
        cursor.execute(
            "DELETE FROM catalog_listingdue WHERE id IN (SELECT id FROM catalog_listingdue ORDER BY id LIMIT %s)"
            " RETURNING product_id",
            [BATCH],
        )
        due = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT product_id FROM catalog_listing WHERE changes_at <= now() LIMIT %s", [BATCH])
        ids = sorted({*due, *(row[0] for row in cursor.fetchall())})
        if ids:
            cursor.execute("SELECT catalog_list(%s)", [ids])
            _pack(cursor, ids)
    return len(due)


def rebuild(*, tell: Callable[[int, int], None] = lambda done, of: None) -> int:
    """Compute every listing row and every block anew, shelf by shelf, while pages read on; how many products.

    A broken run is simply run again: shelves done are done, and each shelf changes in one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT category_id, count(*) FROM catalog_product GROUP BY category_id ORDER BY category_id")
        shelves = cursor.fetchall()
    whole: int = sum(count for _, count in shelves)
    done = 0
    for shelf, _count in shelves:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PACKER_LOCK])
            for ids in _ids_of_shelf(cursor, shelf):
                cursor.execute("SELECT catalog_list(%s)", [ids])
                tell(done := done + len(ids), whole)
            _pack_shelf(cursor, shelf)
            # The notes this transaction wrote itself are done with; those of others stay.
            cursor.execute("DELETE FROM catalog_listingdue WHERE xmin = pg_current_xact_id()::xid")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PACKER_LOCK])
        for table in ("catalog_packed", "catalog_block"):  # of shelves that hold nothing any more
            cursor.execute(
                f"DELETE FROM {table} t WHERE NOT EXISTS (SELECT FROM catalog_product p"  # noqa: S608
                " WHERE p.category_id = t.shelf_id)"
            )
    return whole


def _alone(cursor: Cursor) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PACKER_LOCK])
    return bool(cursor.fetchone()[0])


def _ids_of_shelf(cursor: Cursor, shelf: int) -> Iterator[list[int]]:
    last = 0
    while True:
        cursor.execute(
            "SELECT id FROM catalog_product WHERE category_id = %s AND id > %s ORDER BY id LIMIT %s",
            [shelf, last, REBUILD_BATCH],
        )
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return
        last = ids[-1]
        yield ids


def _pack(cursor: Cursor, ids: list[int]) -> None:
    """Turn the bits in which the packed products differ from their listing rows."""
    old, slots = _packed(cursor, ids)
    new = _listed(cursor, ids)
    places = _new_slots(cursor, [pk for pk in new if pk not in old or old[pk].shelf != new[pk].shelf], new)
    flips = _Flips()
    for pk in ids:
        before, after = old.get(pk), new.get(pk)
        if before and after and before.shelf == after.shelf:
            flips.turn(after.shelf, slots[pk], on=after.bits - before.bits, off=before.bits - after.bits)
            continue
        if before:
            flips.turn(before.shelf, slots[pk], on=set(), off=before.bits)
        if after:
            flips.turn(after.shelf, places[pk], on=after.bits, off=set())
    changed = [pk for pk in ids if old.get(pk) != new.get(pk)]
    _remember(cursor, changed, new, {**slots, **places})
    _write(cursor, flips)


def _packed(cursor: Cursor, ids: list[int]) -> tuple[dict[int, _State], dict[int, int]]:
    cursor.execute(
        "SELECT product_id, slot, shelf_id, price, tokens FROM catalog_packed WHERE product_id = ANY (%s)", [ids]
    )
    rows = cursor.fetchall()
    return {row[0]: _State(*row[2:]) for row in rows}, {row[0]: row[1] for row in rows}


def _listed(cursor: Cursor, ids: list[int]) -> dict[int, _State]:
    cursor.execute("SELECT product_id, shelf_id, price, tokens FROM catalog_listing WHERE product_id = ANY (%s)", [ids])
    return {row[0]: _State(*row[1:]) for row in cursor.fetchall()}


def _new_slots(cursor: Cursor, ids: list[int], new: dict[int, _State]) -> dict[int, int]:
    """A bit for each newcomer: the next ones of its shelf. Bits of products that left are used again by a rebuild."""
    shelves = {new[pk].shelf for pk in ids}
    cursor.execute(
        "SELECT shelf_id, max(slot) + 1 FROM catalog_packed WHERE shelf_id = ANY (%s) GROUP BY shelf_id",
        [list(shelves)],
    )
    free: dict[int, int] = dict(cursor.fetchall())
    places: dict[int, int] = {}
    for pk in ids:
        shelf = new[pk].shelf
        places[pk] = free.setdefault(shelf, 0)
        free[shelf] += 1
    return places


def _remember(cursor: Cursor, ids: list[int], new: dict[int, _State], slots: dict[int, int]) -> None:
    cursor.execute("DELETE FROM catalog_packed WHERE product_id = ANY (%s)", [ids])
    cursor.executemany(
        "INSERT INTO catalog_packed (product_id, shelf_id, slot, price, tokens) VALUES (%s, %s, %s, %s, %s)",
        [(pk, new[pk].shelf, slots[pk], new[pk].price, new[pk].tokens) for pk in ids if pk in new],
    )


def _write(cursor: Cursor, flips: _Flips) -> None:
    keys = sorted({*flips.on, *flips.off})
    if not keys:
        return
    cursor.execute(
        "SELECT b.shelf_id, b.token, b.number, b.bits FROM catalog_block b"
        " JOIN unnest(%s::bigint[], %s::bigint[], %s::int[]) AS k (shelf, token, number)"
        " ON b.shelf_id = k.shelf AND b.token = k.token AND b.number = k.number",
        [[key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]],
    )
    blocks = {(s, t, n): unpack_bits(bits) for s, t, n, bits in cursor.fetchall()}
    rows = []
    for key in keys:
        bits = blocks.get(key, 0)
        for place in flips.on.get(key, ()):
            bits |= 1 << place
        for place in flips.off.get(key, ()):
            bits &= ~(1 << place)
        rows.append((*key, pack_bits(bits), bits.bit_count()))
    _save_blocks(cursor, rows)


def pack_bits(bits: int) -> bytes:
    """A block as it is kept: few bits as a list of their places, many as themselves, told apart by the first byte."""
    length = (bits.bit_length() + 7) // 8
    if 2 * bits.bit_count() < length:
        return _FEW + struct.pack(f"<{bits.bit_count()}H", *facets.places(bits))
    return _MANY + bits.to_bytes(length, "little")


def unpack_bits(kept: bytes) -> int:
    if kept[:1] != _FEW:
        return int.from_bytes(kept[1:], "little")
    bits = bytearray(BLOCK_SLOTS // 8)
    for (place,) in struct.iter_unpack("<H", kept[1:]):
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


_MANY, _FEW = b"\0", b"\1"


def _save_blocks(cursor: Cursor, rows: list[tuple[int, int, int, bytes, int]]) -> None:
    cursor.executemany(
        "INSERT INTO catalog_block (shelf_id, token, number, bits, count) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (shelf_id, token, number) DO UPDATE SET bits = excluded.bits, count = excluded.count",
        rows,
    )


def _pack_shelf(cursor: Cursor, shelf: int) -> None:
    """The whole shelf anew, from the first bit on."""
    for table in ("catalog_packed", "catalog_block"):
        cursor.execute(f"DELETE FROM {table} WHERE shelf_id = %s", [shelf])  # noqa: S608
    cursor.execute(
        "DELETE FROM catalog_packed p USING catalog_listing l WHERE p.product_id = l.product_id AND l.shelf_id = %s",
        [shelf],
    )
    cursor.execute(
        "INSERT INTO catalog_packed (product_id, shelf_id, slot, price, tokens)"
        " SELECT product_id, shelf_id, row_number() OVER (ORDER BY product_id) - 1, price, tokens"
        " FROM catalog_listing WHERE shelf_id = %s",
        [shelf],
    )
    cursor.execute(
        "SELECT slot, shelf_id, price, tokens FROM catalog_packed WHERE shelf_id = %s ORDER BY slot", [shelf]
    )
    number, blocks = 0, defaultdict[int, bytearray](lambda: bytearray(BLOCK_SLOTS // 8))
    for slot, of_shelf, price, carried in cursor.fetchall():
        if slot // BLOCK_SLOTS != number:
            _save_blocks(cursor, list(_finished(shelf, number, blocks)))
            number, blocks = slot // BLOCK_SLOTS, defaultdict(lambda: bytearray(BLOCK_SLOTS // 8))
        place, bit = divmod(slot % BLOCK_SLOTS, 8)
        for token in _State(of_shelf, price, carried).bits:
            blocks[token][place] |= 1 << bit
    _save_blocks(cursor, list(_finished(shelf, number, blocks)))


def _finished(shelf: int, number: int, blocks: dict[int, bytearray]) -> Iterator[tuple[int, int, int, bytes, int]]:
    for token in sorted(blocks):
        bits = int.from_bytes(blocks[token], "little")
        yield shelf, token, number, pack_bits(bits), bits.bit_count()
