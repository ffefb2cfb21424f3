"""Writing a batch of counted views: four to six statements whatever its size, in one transaction.

Rows are written in the order of their keys, so two processes that flush at once wait for each other and never deadlock.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import date

from django.db import connection, transaction

from catalog.models import Category, Product

_ADD_VIEWS = """
INSERT INTO figures_dailyviews AS kept (day, page, device, views)
SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (day, page, device) DO UPDATE SET views = kept.views + excluded.views
"""
_ADD_CATEGORY_VIEWS = """
INSERT INTO figures_dailycategoryviews AS kept (day, category_id, views)
SELECT * FROM unnest(%s::date[], %s::bigint[], %s::bigint[])
ON CONFLICT (day, category_id) DO UPDATE SET views = kept.views + excluded.views
"""
# A day that is closed gets no salt again: its digests are gone and would be counted anew.
_SALT = """
INSERT INTO figures_dailysalt AS kept (day, salt)
SELECT %s::date, %s WHERE NOT EXISTS (SELECT FROM figures_dailyfigures WHERE day = %s::date)
ON CONFLICT (day) DO UPDATE SET salt = kept.salt
RETURNING salt
"""
_ADD_VISITORS = """
INSERT INTO figures_dailyvisitor (day, digest)
SELECT %s::date, digest FROM unnest(%s::bytea[]) AS digest
ON CONFLICT DO NOTHING
"""


def write(
    views: Mapping[tuple[date, str, str], int],
    categories: Mapping[tuple[date, str], int],
    products: Mapping[tuple[date, int], int],
    visitors: set[tuple[date, str]],
) -> None:
    """Add a batch to the tables. Raises what the database raises; then nothing was added."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = sorted(views.items())
        days, pages, devices = zip(*(key for key, _ in rows), strict=True)
        cursor.execute(_ADD_VIEWS, [list(days), list(pages), list(devices), [number for _, number in rows]])
        if by_category := sorted(_by_category(categories, products).items()):
            days, ids = zip(*(key for key, _ in by_category), strict=True)
            cursor.execute(_ADD_CATEGORY_VIEWS, [list(days), list(ids), [number for _, number in by_category]])
        for day in sorted({day for day, _ in visitors}):
            cursor.execute(_SALT, [day, secrets.token_bytes(32), day])
            if (found := cursor.fetchone()) is not None:
                digests = sorted(_digest(bytes(found[0]), who) for of_day, who in visitors if of_day == day)
                cursor.execute(_ADD_VISITORS, [day, digests])


def _by_category(
    categories: Mapping[tuple[date, str], int], products: Mapping[tuple[date, int], int]
) -> Counter[tuple[date, int]]:
    """Views by the category's id: of lists by their slug, of products by their shelf. Unknown ones drop out."""
    ids = dict(Category.objects.filter(slug__in={slug for _, slug in categories}).values_list("slug", "pk"))
    shelves = dict(Product.objects.filter(pk__in={pk for _, pk in products}).values_list("pk", "category_id"))
    found: Counter[tuple[date, int]] = Counter()
    for (day, slug), number in categories.items():
        if slug in ids:
            found[day, ids[slug]] += number
    for (day, pk), number in products.items():
        if pk in shelves:
            found[day, shelves[pk]] += number
    return found


def _digest(salt: bytes, who: str) -> bytes:
    return hashlib.blake2b(who.encode(errors="replace"), key=salt, digest_size=16).digest()
