"""What a page of the catalogue must know before it can promise anything: where parcels go and who works when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models.functions import JSONObject

from accounts.models import District
from okryu.calendar import local_day
from orders.models import Holiday, SellerClosing
from orders.workdays import Workdays, workdays_of


@dataclass(frozen=True)
class Reach:
    districts: Sequence[District]  # parcels go there, in the bureau's order
    workdays: Workdays

    def district(self, slug: str) -> District | None:
        """The district of that name, otherwise the first one; None in a shop that delivers nowhere."""
        return next((place for place in self.districts if place.slug == slug), next(iter(self.districts), None))


def read_reach(now: datetime) -> Reach:
    """Everything in one query: pages of the catalogue may ask few."""
    today = local_day(now)
    holidays = Holiday.objects.filter(day__gte=today).order_by("day").values("day")
    closings = SellerClosing.objects.filter(last_day__gte=today).order_by("pk")
    spans = closings.values(span=JSONObject(seller="seller_id", first="first_day", last="last_day"))
    # Neither list looks at the district: PostgreSQL reads each once, whatever the number of districts.
    places = District.objects.filter(zone__isnull=False).order_by("position", "id")
    districts = list(places.annotate(holidays=ArraySubquery(holidays), closings=ArraySubquery(spans)))
    return Reach(districts, _workdays(districts[0]) if districts else Workdays())


def _workdays(place: Any) -> Workdays:
    rows: list[tuple[int | None, date, date]] = [(None, day, day) for day in place.holidays]
    for span in place.closings:
        rows.append((span["seller"], date.fromisoformat(span["first"]), date.fromisoformat(span["last"])))
    return workdays_of(rows)
