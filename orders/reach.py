"""What a page of the catalogue must know to promise anything: where parcels go, who works when, what is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models.functions import JSONObject

from accounts.models import District
from okryu.calendar import local_day
from orders import slots
from orders.models import Holiday, SellerClosing
from orders.promises import Window
from orders.slots import SlotKey
from orders.workdays import Workdays, workdays_of


@dataclass(frozen=True)
class Reach:
    districts: Sequence[District]  # parcels go there, in the bureau's order
    workdays: Workdays
    full: frozenset[tuple[str, SlotKey]]  # zone and window with no place left

    def has_place(self, district: District, window: Window, vehicle: str) -> bool:
        return (district.zone_id or "", (window.day, window.start_hour, vehicle)) not in self.full

    def district(self, slug: str) -> District | None:
        """The district of that name, otherwise the first one; None in a shop that delivers nowhere."""
        return next((place for place in self.districts if place.slug == slug), next(iter(self.districts), None))


def read_reach(now: datetime) -> Reach:
    """Everything in one query: pages of the catalogue may ask few."""
    today = local_day(now)
    holidays = Holiday.objects.filter(day__gte=today).order_by("day").values("day")
    closings = SellerClosing.objects.filter(last_day__gte=today).order_by("pk")
    spans = closings.values(span=JSONObject(seller="seller_id", first="first_day", last="last_day"))
    # No list looks at the district: PostgreSQL reads each once, whatever the number of districts.
    places = District.objects.filter(zone__isnull=False).select_related("zone").order_by("position", "id")
    full = slots.full(first=today).values(
        slot=JSONObject(zone="zone_id", day="day", hour="start_hour", vehicle="vehicle")
    )
    districts = list(
        places.annotate(holidays=ArraySubquery(holidays), closings=ArraySubquery(spans), full=ArraySubquery(full))
    )
    if not districts:
        return Reach([], Workdays(), frozenset())
    return Reach(districts, _workdays(districts[0]), _full(districts[0]))


def _full(place: Any) -> frozenset[tuple[str, SlotKey]]:
    return frozenset(
        (slot["zone"], (date.fromisoformat(slot["day"]), slot["hour"], slot["vehicle"])) for slot in place.full
    )


def _workdays(place: Any) -> Workdays:
    rows: list[tuple[int | None, date, date]] = [(None, day, day) for day in place.holidays]
    for span in place.closings:
        rows.append((span["seller"], date.fromisoformat(span["first"]), date.fromisoformat(span["last"])))
    return workdays_of(rows)
