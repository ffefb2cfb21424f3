"""What a page of the catalogue must know to promise anything: where parcels go, who works when, what is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import District, Zone
from okryu.calendar import local_day
from orders.promises import Window
from orders.slots import SlotKey
from orders.workdays import Workdays, workdays_of


@dataclass(frozen=True)
class Reach:
    districts: Sequence[District]  # parcels go there, in the bureau's order
    workdays: Workdays
    full: frozenset[tuple[str, SlotKey]]  # zone and window with no place left, closed ones among them

    def has_place(self, district: District, window: Window, vehicle: str) -> bool:
        return (district.zone_id or "", (window.day, window.start_hour, vehicle)) not in self.full

    def district(self, slug: str) -> District | None:
        """The district of that name, otherwise the first one; None in a shop that delivers nowhere."""
        return next((place for place in self.districts if place.slug == slug), next(iter(self.districts), None))


def read_reach(now: datetime) -> Reach:
    """Everything in one query: pages of the catalogue may ask few, and this is a fifth of what the ORM takes for it."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_AT_ONCE, {"today": local_day(now)})
        districts, holidays, closings, full = cursor.fetchone()
    days: list[tuple[int | None, date, date]] = [(None, _date(day), _date(day)) for day in holidays]
    days += [(seller, _date(first), _date(last)) for seller, first, last in closings]
    return Reach(
        districts=[_district(row) for row in districts],
        workdays=workdays_of(days),
        full=frozenset((zone, (_date(day), hour, vehicle)) for zone, day, hour, vehicle in full),
    )


def _district(row: dict[str, Any]) -> District:
    zone = Zone(**row.pop("zone"))
    return District(**row, zone=zone)


_date = date.fromisoformat

_ALL_AT_ONCE = """
SELECT (SELECT coalesce(json_agg(json_build_object(
            'id', d.id, 'slug', d.slug, 'name_ko_kp', d.name_ko_kp, 'name_en', d.name_en, 'fee', d.fee,
            'position', d.position, 'zone', row_to_json(z)) ORDER BY d.position, d.id), '[]')
        FROM accounts_district d JOIN accounts_zone z ON z.code = d.zone_id),
       (SELECT coalesce(json_agg(day), '[]') FROM orders_holiday WHERE day >= %(today)s),
       (SELECT coalesce(json_agg(json_build_array(seller_id, first_day, last_day)), '[]')
        FROM orders_sellerclosing WHERE last_day >= %(today)s),
       (SELECT coalesce(json_agg(json_build_array(zone_id, day, start_hour, vehicle)), '[]')
        FROM orders_deliveryslot WHERE day >= %(today)s AND (is_closed OR taken >= capacity))
"""
