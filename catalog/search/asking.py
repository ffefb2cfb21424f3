"""One statement to the database, in a hurry: with its indexes, and never longer than it may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import QueryCanceled

TIMEOUT_MS = 300
# Sent in the same message as the statement, which makes them one transaction: the settings end with it.
_HURRY = f"""SELECT set_config('okryu.timeout', current_setting('statement_timeout'), true),
    set_config('statement_timeout', '{TIMEOUT_MS}ms', true), set_config('enable_seqscan', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true);
"""
# Inside somebody's transaction they would outlive the statement.
_AS_BEFORE = """;
SELECT set_config('statement_timeout', current_setting('okryu.timeout'), true),
    set_config('enable_seqscan', 'on', true), set_config('max_parallel_workers_per_gather', '2', true)"""


class TooSlow(Exception):
    """The database was given 300 ms and did not answer."""


def ask(statement: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of the statement. Raises TooSlow."""
    message = _HURRY + statement + (_AS_BEFORE if connection.in_atomic_block else "")
    try:
        with connection.cursor() as cursor:
            cursor.execute(message, args)
            cursor.nextset()
            return list(cursor.fetchall())
    except OperationalError as late:
        if isinstance(late.__cause__, QueryCanceled):
            raise TooSlow from late
        raise
