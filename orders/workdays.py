"""Which days sellers work: Sundays, the country's holidays, each seller's own closing days.

Shops and producers rest on Sundays and holidays, restaurants only on their own closing days. A page reads everything
once (`read_workdays`) and hands it on to the rules in orders/promises.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import IntegerField, Value
from django.utils import timezone

from accounts.models import User
from catalog.models import Seller
from okryu.calendar import is_working_day, local_day
from orders.models import Holiday, SellerClosing

Span = tuple[date, date]  # first and last day
TOLD_AHEAD = 14  # days


@dataclass(frozen=True)
class Workdays:
    """Who works on which days to come."""

    holidays: frozenset[date] = frozenset()
    closings: dict[int, list[Span]] = field(default_factory=dict)  # by seller id

    def works(self, seller: Seller, day: date) -> bool:
        closed = self.closings.get(seller.pk, ()) if seller.pk else ()
        if any(first <= day <= last for first, last in closed):
            return False
        return seller.kind == Seller.Kind.RESTAURANT or (is_working_day(day) and day not in self.holidays)

    def next_after(self, seller: Seller, day: date) -> date:
        """The first day after `day` on which the seller works."""
        day += timedelta(days=1)
        while not self.works(seller, day):
            day += timedelta(days=1)
        return day

    def closing_ahead(self, seller: Seller, today: date) -> Span | None:
        """The closing that lasts or begins within two weeks: shoppers are told."""
        soon = today + timedelta(days=TOLD_AHEAD)
        ahead = [span for span in self.closings.get(seller.pk, ()) if span[1] >= today and span[0] <= soon]
        return min(ahead, default=None)


def read_workdays(*, first: date | None = None) -> Workdays:
    """The holidays and closing days from `first` (today) on. One query."""
    first = first or local_day(timezone.now())
    holidays = Holiday.objects.filter(day__gte=first).order_by()
    closings = SellerClosing.objects.filter(last_day__gte=first).order_by()
    everybody = Value(None, output_field=IntegerField())
    rows = holidays.values_list(everybody, "day", "day").union(
        closings.values_list("seller_id", "first_day", "last_day"), all=True
    )
    return workdays_of(rows)


def workdays_of(rows: Iterable[tuple[int | None, date, date]]) -> Workdays:
    """From (seller id or None for everybody, first day, last day)."""
    holidays: set[date] = set()
    closings: defaultdict[int, list[Span]] = defaultdict(list)
    for seller_id, first, last in rows:
        if seller_id is None:
            holidays.add(first)
        else:
            closings[seller_id].append((first, last))
    return Workdays(frozenset(holidays), dict(closings))


def close_seller(*, seller: Seller, first_day: date, last_day: date, note: str = "", by: User | None) -> SellerClosing:
    """Close a seller for these days; a closing that begins on the same day is changed. Safe to repeat.

    What is promised already stays promised. Raises IntegrityError where the days are not in order or over a year.
    """
    closing, _ = SellerClosing.objects.update_or_create(
        seller=seller, first_day=first_day, defaults={"last_day": last_day, "note": note, "by": by}
    )
    return closing


def open_seller(*, seller: Seller, first_day: date) -> bool:
    """Take back the closing that begins on this day; False when there was none."""
    return bool(SellerClosing.objects.filter(seller=seller, first_day=first_day).delete()[0])
