"""The names of sellers and categories, in the keys of documents (catalog/search/facts.py reads them)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.models import Category, SearchName, Seller
from catalog.search.documents import name_keys

COLUMNS = "kfcre"


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
