"""The home page's line of four figures: the same numbers as the first line of /figures/, in one statement."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone

from okryu.calendar import at, local_day
from okryu.figures.reading import KEPT_SECONDS, SPANS, per_cent


@dataclass(frozen=True)
class Teaser:
    promises: int
    promises_kept: int
    views: int
    phone_views: int
    orders: int
    sellers: int
    sales: int

    @property
    def kept_percent(self) -> float | None:
        return per_cent(self.promises_kept, self.promises)

    @property
    def phone_percent(self) -> float | None:
        return per_cent(self.phone_views, self.views)


_TEASER = """
SELECT due, kept, views, phone_views, orders, sellers, sales FROM
    (SELECT count(*) AS due, count(*) FILTER (WHERE delivered_at <= promised_until) AS kept FROM orders_parcel
        WHERE (status = 'delivered' AND delivered_at >= %(start)s)
           OR (status IN ('confirmed', 'ready', 'dispatched')
               AND promised_until >= %(start)s AND promised_until < %(now)s)) AS promise,
    (SELECT coalesce(sum(views), 0) AS views, coalesce(sum(views) FILTER (WHERE device = 'phone'), 0) AS phone_views
        FROM figures_dailyviews WHERE day >= %(first)s) AS viewed,
    (SELECT count(*) AS orders FROM orders_order WHERE paid_at >= %(start)s) AS bought,
    (SELECT count(*) AS sellers FROM catalog_seller WHERE is_active) AS selling,
    (SELECT coalesce(sum(unit_price * (coalesce(confirmed_quantity, quantity) - returned_quantity)), 0) AS sales
        FROM orders_orderline JOIN orders_parcel ON orders_parcel.id = parcel_id
        WHERE captured_at >= %(start)s) AS sold
"""


def teaser() -> Teaser | None:
    """At most a minute old; None when the database cannot say, for a home page never fails over its figures."""
    found: Teaser | None = cache.get("figures:teaser")
    if found is None:
        try:
            found = read_teaser(timezone.now())
        except DatabaseError:
            return None
        cache.set("figures:teaser", found, KEPT_SECONDS)
    return found


def read_teaser(now: datetime) -> Teaser:
    first = local_day(now) - timedelta(days=SPANS[0] - 1)
    with connection.cursor() as cursor:
        cursor.execute(_TEASER, {"start": at(first, 0), "first": first, "now": now})
        row = cursor.fetchone()
    return Teaser(*(int(number) for number in row))
