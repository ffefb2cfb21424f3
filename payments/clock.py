"""The one clock of the ledger: the database's. A host whose clock is wrong closes no day and frees no hold."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection


def now() -> datetime:
    """The moment this transaction began, as the guards see it: waiting for a lock makes nothing older."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def today() -> date:
    """The country's calendar day by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT local_day(now())")
        day: date = cursor.fetchone()[0]
        return day


def yesterday() -> date:
    """The last day that is over."""
    return today() - timedelta(days=1)
