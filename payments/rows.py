"""Rows on the path of every payment, read by SQL that is written once: building a query costs more than asking it.

Only where `make bench-payments` shows it; everywhere else the ORM says the same more plainly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


def read(model: type[M], where: str, values: Sequence[Any]) -> list[M]:
    """The rows of `model` that `where` (SQL from the source, never from input) leaves, locked where it says so."""
    select, names = _select(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{select} {where}", values)
        rows = cursor.fetchall()
    return [model.from_db(connection.alias, names, row) for row in rows]


def read_one(model: type[M], where: str, values: Sequence[Any]) -> M | None:
    """The one row `where` leaves, if there is one."""
    found = read(model, where, values)
    return found[0] if found else None


def insert(model: type[M], values: Mapping[str, Any], *, soon: Mapping[str, timedelta]) -> M:
    """Write one row and read it back; columns not named get their defaults, those in `soon` the clock plus so long."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in (*values, *soon))
    given = ", ".join(["%s"] * len(values) + ["statement_timestamp() + %s"] * len(soon))
    select, names = _select(model)
    all_columns = select.removeprefix("SELECT ").partition(" FROM ")[0]
    parameters: list[Any] = [*values.values(), *soon.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({given}) RETURNING {all_columns}",  # noqa: S608
            parameters,
        )
        return model.from_db(connection.alias, names, cursor.fetchone())


@cache
def _select(model: type[Model]) -> tuple[str, list[str]]:
    quote, table = connection.ops.quote_name, model._meta.db_table
    fields = model._meta.concrete_fields
    columns = ", ".join(f"{quote(table)}.{quote(str(field.column))}" for field in fields)
    return f"SELECT {columns} FROM {quote(table)}", [field.attname for field in fields]  # noqa: S608 - our own names
