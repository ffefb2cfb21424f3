"""Planned markdowns: written into the variants' own lowered price, which is all that pages and carts read.

A variant has one lowered price at a time. Of several plans that cover it the one that runs now and asks least wins,
otherwise the next to begin. A lowered price typed by hand on the product stays until its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from catalog.models import Markdown

# A plan is written down this long before it begins: pages know its first moment by the clock, not by the job.
AHEAD = timedelta(days=1)

_PLANNED = """
WITH RECURSIVE inside(markdown_id, category_id) AS (
    SELECT id, category_id FROM catalog_markdown WHERE category_id IS NOT NULL
    UNION
    SELECT inside.markdown_id, c.id FROM catalog_category c JOIN inside ON c.parent_id = inside.category_id
),
plan AS (
    SELECT m.*, p.id AS covered FROM catalog_markdown m JOIN catalog_product p
        ON p.id = m.product_id OR p.seller_id = m.seller_id
        OR EXISTS (SELECT FROM inside WHERE inside.markdown_id = m.id AND inside.category_id = p.category_id)
     WHERE m.is_active AND m.ends_at > %(now)s AND m.starts_at <= %(ahead)s
),
wanted AS (
    SELECT DISTINCT ON (v.id) v.id, catalog_lowered(v.price, plan.percent) AS lowered, plan.id AS markdown_id,
           plan.starts_at, plan.ends_at
      FROM plan JOIN catalog_productvariant v ON v.product_id = plan.covered
     WHERE catalog_lowered(v.price, plan.percent) < v.price
       AND (v.markdown_id IS NOT NULL OR v.markdown_price IS NULL OR v.markdown_until <= %(now)s)
     ORDER BY v.id, plan.starts_at <= %(now)s DESC, CASE WHEN plan.starts_at <= %(now)s THEN plan.percent END DESC,
              plan.starts_at, plan.percent DESC, plan.id
)
"""
_WRITE = """
UPDATE catalog_productvariant v
   SET markdown_price = wanted.lowered, markdown_from = wanted.starts_at, markdown_until = wanted.ends_at,
       markdown_id = wanted.markdown_id
  FROM wanted
 WHERE v.id = wanted.id
   AND (v.markdown_price, v.markdown_from, v.markdown_until, v.markdown_id)
       IS DISTINCT FROM (wanted.lowered, wanted.starts_at, wanted.ends_at, wanted.markdown_id)
"""
_CLEAR = """
UPDATE catalog_productvariant v
   SET markdown_price = NULL, markdown_from = NULL, markdown_until = NULL, markdown_id = NULL
 WHERE v.markdown_id IS NOT NULL AND v.id NOT IN (SELECT id FROM wanted)
"""
_COVERED = "SELECT count(*) FROM wanted WHERE markdown_id = %(markdown)s"


@dataclass(frozen=True, slots=True)
class Applied:
    """How many variants were lowered anew or otherwise, and how many cost their full price again."""

    written: int
    cleared: int


def apply_markdowns(*, now: datetime | None = None) -> Applied:
    """Write the plans that run now or begin within a day into their variants, and clear what has ended. Repeatable."""
    now = now or timezone.now()
    moments = {"now": now, "ahead": now + AHEAD}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('markdowns', 0))")
        cursor.execute(_PLANNED + _CLEAR, moments)
        cleared = cursor.rowcount
        cursor.execute(_PLANNED + _WRITE, moments)
        return Applied(written=cursor.rowcount, cleared=cleared)


def covered(markdown: Markdown) -> int:
    """How many variants this plan lowers now or will, as far as no other plan asks less."""
    now = timezone.now()
    moments: dict[str, datetime | int] = {
        "now": now,
        "ahead": max(now, markdown.starts_at) + AHEAD,
        "markdown": markdown.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PLANNED + _COVERED, moments)
        return int(cursor.fetchone()[0])
