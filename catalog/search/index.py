"""The index follows the shop. The database notes every change in `catalog_searchdue`, whichever way it came, in the
transaction that made it (catalog/sql/0007_search_kept.sql); `follow`, a job of every second, takes the notes and
writes the documents. `rebuild_search` writes everything anew when the rules changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction

from catalog.models import Category, SearchDoc, Seller
from catalog.search import names, vocabulary
from catalog.search.documents import KEY_VERSION, description_words, name_keys

FOLLOWED = 2000
FOLLOWER_LOCK = 4_104_802  # one follower at a time, by an advisory lock
COLUMNS = "product_id seller_id category_id visible in_stock pop key_version n k f c r e d".split()
# What a document is made of. One statement, whatever the number of products.
SOURCE = """
    SELECT p.id, p.seller_id, p.category_id,
           p.is_active AND s.is_active AND c.is_active AND coalesce(v.any_listed, false),
           coalesce(v.in_stock, false), p.sold_30_days,
           coalesce(p.name_ko_kp, p.name), coalesce(p.name_en, ''),
           coalesce(k.name_ko_kp, ''), coalesce(k.name_en, ''), coalesce(v.words, ''),
           left(coalesce(p.description_ko_kp, ''), 400), left(coalesce(p.description_en, ''), 400)
      FROM catalog_product p
      JOIN catalog_seller s ON s.id = p.seller_id
      JOIN catalog_category c ON c.id = p.category_id
      LEFT JOIN catalog_productkind k ON k.id = p.kind_id
      LEFT JOIN LATERAL (
        SELECT bool_or(true) AS any_listed, bool_or(t.on_hand > t.reserved) AS in_stock,
               string_agg(concat_ws(' ', o.name_ko_kp, o.name_en, o.size, o.colour_ko_kp, o.colour_en,
                                    o.flavour_ko_kp, o.flavour_en), ' ' ORDER BY o.position, o.id) AS words
          FROM catalog_productvariant o LEFT JOIN catalog_stock t ON t.variant_id = o.id
         WHERE o.product_id = p.id AND o.is_active
      ) v ON true
     WHERE {where}"""
FLAGS = """
    UPDATE catalog_searchdoc d
       SET visible = now.visible, in_stock = now.in_stock, pop = now.pop
      FROM (SELECT p.id, p.sold_30_days AS pop,
                   p.is_active AND s.is_active AND c.is_active AND coalesce(v.any_listed, false) AS visible,
                   coalesce(v.in_stock, false) AS in_stock
              FROM catalog_product p
              JOIN catalog_seller s ON s.id = p.seller_id
              JOIN catalog_category c ON c.id = p.category_id
              LEFT JOIN (SELECT o.product_id, bool_or(true) AS any_listed, bool_or(t.on_hand > t.reserved) AS in_stock
                           FROM catalog_productvariant o LEFT JOIN catalog_stock t ON t.variant_id = o.id
                          WHERE o.is_active AND o.product_id = ANY(%s) GROUP BY o.product_id) v ON v.product_id = p.id
             WHERE p.id = ANY(%s)) now
     WHERE d.product_id = now.id
       AND (d.visible, d.in_stock, d.pop) IS DISTINCT FROM (now.visible, now.in_stock, now.pop)"""


def documents(where: str, args: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows for catalog_searchdoc, in the order of COLUMNS, computed from the shop's own tables."""
    with connection.cursor() as cursor:
        cursor.execute(SOURCE.format(where=where), args)
        rows = cursor.fetchall()
    yield from map(_document, rows)


def _document(row: tuple[Any, ...]) -> tuple[Any, ...]:
    product, seller, category, visible, in_stock, pop, korean, english, kind, kind_en, variants, told, told_en = row
    keys = name_keys(korean, english)
    words = description_words(f"{kind} {kind_en} {variants}", told, told_en)
    own = {*keys.k.split(), *keys.f.split(), *keys.e.split()}  # what the name says need not be said twice
    heads = (product, seller, category, visible, in_stock, pop, KEY_VERSION)
    return (*heads, keys.n, keys.k, keys.f, keys.c, keys.r, keys.e, [word for word in words if word not in own])


def refresh(product_ids: Iterable[int]) -> int:
    """Write the documents of these products and make their words known; how many there are."""
    wanted = sorted(set(product_ids))
    with transaction.atomic():
        rows = list(documents("p.id = ANY(%s)", [wanted]))
        _upsert(rows)
        vocabulary.add(_names(wanted))
    return len(rows)


def _upsert(rows: list[tuple[Any, ...]]) -> None:
    docs = [SearchDoc(**dict(zip(COLUMNS, row, strict=True))) for row in rows]
    SearchDoc.objects.bulk_create(
        docs, update_conflicts=True, unique_fields=["product"], update_fields=COLUMNS[1:], batch_size=1000
    )


def _names(product_ids: list[int]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(name_ko_kp, name), coalesce(name_en, '') FROM catalog_product WHERE id = ANY(%s)",
            [product_ids],
        )
        return list(cursor.fetchall())


def refresh_flags(product_ids: Iterable[int]) -> int:
    """Bring what is shown, in stock and popular up to date for these products, keys untouched; how many changed."""
    wanted = sorted(set(product_ids))
    with connection.cursor() as cursor:
        cursor.execute(FLAGS, [wanted, wanted])
        return int(cursor.rowcount)


def follow(limit: int = FOLLOWED) -> int:
    """Bring the index up to what was noted, at most so many notes; how many were taken. One follower at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLLOWER_LOCK])
        if not (cursor.fetchone() or (False,))[0]:
            return 0
        cursor.execute(
            "DELETE FROM catalog_searchdue WHERE id IN (SELECT id FROM catalog_searchdue ORDER BY id LIMIT %s)"
            " RETURNING kind, ref",
            [limit],
        )
        notes = cursor.fetchall()
        due: dict[str, set[int]] = {kind: set() for kind in "psfc"}
        for kind, ref in notes:
            due[kind].add(ref)
        if due["s"] or due["c"]:
            names.write(
                sellers=Seller.objects.filter(pk__in=due["s"]), categories=Category.objects.filter(pk__in=due["c"])
            )
        if due["p"]:
            refresh(due["p"])
        if flags := due["f"] - due["p"]:
            refresh_flags(flags)
    return len(notes)


def follow_all() -> int:
    """Everything that was noted until now; for commands and tests, which have no worker."""
    taken = 0
    while notes := follow():
        taken += notes
    return taken


def outdated(limit: int) -> list[int]:
    """Products without a document of today's rules, the most ordered first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id FROM catalog_product p LEFT JOIN catalog_searchdoc d
                 ON d.product_id = p.id AND d.key_version = %s
               WHERE d.product_id IS NULL ORDER BY p.sold_30_days DESC, p.id LIMIT %s""",
            [KEY_VERSION, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def differing(sample: int) -> list[int]:
    """Of so many products taken at random, those whose document is not what the rules would write now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM catalog_product ORDER BY random() LIMIT %s", [sample])
        wanted = [row[0] for row in cursor.fetchall()]
    stored = {row[0]: row for row in SearchDoc.objects.filter(pk__in=wanted).values_list(*COLUMNS)}
    return [row[0] for row in documents("p.id = ANY(%s)", [wanted]) if stored.get(row[0]) != row]
