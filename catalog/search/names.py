"""Sellers and categories by their names: which of them a word means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from catalog.models import Category, SearchName, Seller
from catalog.search.documents import name_keys
from catalog.search.query import Probe

COLUMNS = "kfcre"
LIMIT = 40


def matching(probes: Iterable[Probe]) -> tuple[list[int], list[int]]:
    """Sellers and categories (with all that stands inside them) one of whose words begins as asked."""
    asked = [(probe.column, f"% {probe.needle}%") for probe in probes if len(probe.needle) > 2]
    if not asked:
        return [], []
    where = " OR ".join(f"{column} LIKE %s" for column, _ in asked)
    args: list[Any] = [pattern for _, pattern in asked]
    # The tree below a category that is meant is meant too.
    statement = f"""
        WITH RECURSIVE named AS (SELECT kind, ref FROM catalog_searchname WHERE {where} LIMIT {LIMIT}),
        inside AS (
            SELECT ref AS id FROM named WHERE kind = 'c'
            UNION SELECT c.id FROM catalog_category c JOIN inside ON c.parent_id = inside.id
        )
        SELECT 's', ref FROM named WHERE kind = 's' UNION ALL SELECT 'c', id FROM inside"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, args)
        rows = cursor.fetchall()
    return [ref for kind, ref in rows if kind == "s"], [ref for kind, ref in rows if kind == "c"]


def write(*, sellers: Iterable[Seller] = (), categories: Iterable[Category] = ()) -> None:
    """Write the keys of these names: one row each, whatever number of products they have."""
    named: list[tuple[str, Any]] = [*(("s", seller) for seller in sellers), *(("c", shelf) for shelf in categories)]
    rows = []
    for kind, named_thing in named:
        keys = name_keys(named_thing.name_ko_kp or "", named_thing.name_en or "")
        rows.append(SearchName(kind=kind, ref=named_thing.pk, **{column: getattr(keys, column) for column in COLUMNS}))
    SearchName.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["kind", "ref"], update_fields=list(COLUMNS)
    )


def write_all() -> None:
    write(sellers=Seller.objects.all(), categories=Category.objects.all())
