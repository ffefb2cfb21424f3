"""Queries that found nothing, counted: what people want and the shop calls otherwise, or does not have."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from catalog.models import SearchLog

ROWS_LIMIT = 10_000  # more different queries than this are noise, and somebody making it
KEPT = timedelta(days=90)
# Card and telephone numbers land in search boxes. What holds so many digits is never kept.
PRIVATE = re.compile(r"(?:\d[\s.-]?){7,}")


def note(query: str) -> None:
    """Count a fruitless query. Who asked is never known here."""
    if not query or PRIVATE.search(query):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_searchlog AS l (query, times, first_at, last_at)
               SELECT %s, 1, now(), now() WHERE (SELECT count(*) FROM catalog_searchlog) < %s
               ON CONFLICT (query) DO UPDATE SET times = l.times + 1, last_at = now()""",
            [query.casefold()[:64], ROWS_LIMIT],
        )


def forget_old() -> int:
    """Drop what nobody asked for lately; how many."""
    return SearchLog.objects.filter(last_at__lt=timezone.now() - KEPT).delete()[0]
