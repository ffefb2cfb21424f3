"""Closing days: a day's visitors become a number, and its salt and digests are deleted."""

from datetime import date

from django.db import connection, transaction

from okryu.figures.models import DailySalt, DailyVisitor

_CLOSE = """
INSERT INTO figures_dailyfigures (day, visitors)
SELECT %s::date, count(*) FROM figures_dailyvisitor WHERE day = %s::date
ON CONFLICT (day) DO NOTHING
"""


def close_days(*, before: date) -> int:
    """Close every day before `before` that still has its salt; how many were closed. Safe to repeat."""
    closed = 0
    for day in DailySalt.objects.filter(day__lt=before).order_by("day").values_list("day", flat=True):
        with transaction.atomic():
            # The salt's row is the lock between closing and a late flush of the same day.
            if not DailySalt.objects.select_for_update().filter(day=day).exists():
                continue  # another process was faster
            with connection.cursor() as cursor:
                cursor.execute(_CLOSE, [day, day])
            DailyVisitor.objects.filter(day=day).delete()
            DailySalt.objects.filter(day=day).delete()
            closed += 1
    return closed
