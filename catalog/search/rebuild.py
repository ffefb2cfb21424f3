"""Writing the whole index anew while searches go on reading it. Broken off, it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from catalog.models import Category, SearchDoc, Seller
from catalog.search import index, names, vocabulary
from catalog.search.documents import KEY_VERSION

BATCH = 5000
MANY = 20_000  # so many documents are faster written first and indexed afterwards
Tell = Callable[[int, int], None]


def rebuild(*, tell: Tell = lambda done, of: None) -> int:
    """Write every document that is missing or of older rules, the most ordered products first (a question that more
    than 4,000 products answer looks at those that stand first), then count the words. How many were written."""
    products, current = _count("catalog_product"), _count("catalog_searchdoc WHERE key_version = %s", KEY_VERSION)
    names.write_all()
    is_first = not current and products > MANY
    if is_first or not _has_index():
        written = _copy(products, tell, afresh=is_first)
    else:
        written = _missing(products - current, tell)
    count_words()
    return written


def _count(table: str, *args: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}", args)
        return int((cursor.fetchone() or (0,))[0])


def _has_index() -> bool:
    return _count("pg_indexes WHERE indexname = 'searchdoc_words' AND schemaname = current_schema()") > 0


def _missing(missing: int, tell: Tell) -> int:
    written = 0
    while ids := index.outdated(BATCH):
        written += index.refresh(ids)
        tell(min(written, missing), missing)
    return written


def _copy(products: int, tell: Tell, *, afresh: bool) -> int:
    """The very first index of a large shop: nobody can search it yet, so the documents are copied in and indexed at
    the end. Every batch commits; a broken run is gone on with. The follower waits."""
    written = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [index.FOLLOWER_LOCK])
        try:
            cursor.execute("DROP INDEX IF EXISTS searchdoc_words")
            if afresh:  # what is noted from here on is newer than what is read below
                cursor.execute("DELETE FROM catalog_searchdue WHERE kind IN ('p', 'f')")
            for rows in _by_popularity():
                with cursor.copy(f"COPY catalog_searchdoc ({', '.join(index.COLUMNS)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                written += len(rows)
                tell(written, products)
            cursor.execute("SET maintenance_work_mem = '512MB'")
            with connection.schema_editor() as editor:
                editor.add_index(SearchDoc, next(i for i in SearchDoc._meta.indexes if i.name == "searchdoc_words"))
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("ANALYZE catalog_searchdoc")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [index.FOLLOWER_LOCK])
    return written


def _by_popularity() -> Iterator[list[tuple[Any, ...]]]:
    """Documents of products that have none, the most ordered first."""
    at = (2**31 - 1, 0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, sold_30_days FROM catalog_product WHERE (sold_30_days, -id) < (%s, %s)"
                " ORDER BY sold_30_days DESC, id LIMIT %s",
                [*at, BATCH],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            at = (rows[-1][1], -rows[-1][0])
            ids = [row[0] for row in rows]
            cursor.execute("SELECT product_id FROM catalog_searchdoc WHERE product_id = ANY(%s)", [ids])
            there = {row[0] for row in cursor.fetchall()}
        found = {row[0]: row for row in index.documents("p.id = ANY(%s)", [ids])}
        yield [found[pk] for pk in ids if pk in found and pk not in there]


def count_words() -> int:
    """Count the words of all names that are shown anew; how many entries the vocabulary has."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(p.name_ko_kp, p.name), coalesce(p.name_en, ''), count(*)
                 FROM catalog_product p JOIN catalog_searchdoc d ON d.product_id = p.id AND d.visible GROUP BY 1, 2"""
        )
        called = cursor.fetchall()
    # A seller or a shelf may be mistyped as well.
    named: list[Any] = [*Seller.objects.filter(is_active=True), *Category.objects.filter(is_active=True)]
    called += [(one.name_ko_kp or "", one.name_en or "", 1) for one in named]
    return vocabulary.rebuild(called)
