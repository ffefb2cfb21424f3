"""When the database makes somebody wait too long: the page says so, says what is kept, and nothing was done."""

from __future__ import annotations

from django.db import OperationalError

# lock_not_available, deadlock_detected, query_canceled (statement_timeout): the same action may simply be tried again.
_BUSY = {"55P03", "40P01", "57014"}


def is_busy(error: OperationalError) -> bool:
    """Whether `error` means "somebody else works on the same rows", not "the database is broken"."""
    return getattr(error.__cause__, "sqlstate", None) in _BUSY
