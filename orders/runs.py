"""A courier's run of today: what to fetch and bring, by window and district, in the order of the streets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Count, Prefetch, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import District, User
from okryu.calendar import at, local_day
from orders.models import OrderLine, Parcel, ParcelQuerySet
from orders.roles import COURIER
from orders.sheet import say

Status = Parcel.Status
MOST = 200  # stops a page shows: no courier has more


@dataclass(frozen=True, slots=True)
class Stop:
    """One parcel on the run. `number` is its place in the visiting order, from 1."""

    number: int
    parcel: Parcel
    lines: list[OrderLine]
    is_late: bool

    @property
    def attempt(self) -> int:
        return self.parcel.failed_tries + 1

    @property
    def is_unpaid(self) -> bool:
        return self.parcel.captured_at is None

    @property
    def from_age(self) -> int:
        """The age the recipient must have, 0 for any: the courier looks at a paper."""
        return max((line.variant.product.minimum_age for line in self.lines), default=0)


@dataclass(frozen=True, slots=True)
class Part:
    """The stops of one window in one district."""

    start: datetime
    end: datetime
    district: District | None
    stops: list[Stop]


@dataclass(frozen=True, slots=True)
class Run:
    parts: list[Part] = field(default_factory=list)
    to_take: list[Part] = field(default_factory=list)  # packed, and nobody is named to bring them
    done: int = 0

    @property
    def open(self) -> int:
        return sum(len(part.stops) for part in self.parts)


def run_of(courier: User, now: datetime | None = None) -> Run:
    """What this courier brings today and has not brought yet, what else waits for somebody, how many are done."""
    now = now or timezone.now()
    midnight = at(local_day(now), 0)
    mine = _waiting(now).filter(courier=courier)
    unnamed = _waiting(now).filter(courier=None, status=Status.READY)
    done = Parcel.objects.filter(courier=courier, status=Status.DELIVERED, delivered_at__gte=midnight).count()
    return Run(parts=_parts(mine[:MOST], now), to_take=_parts(unnamed[:MOST], now), done=done)


def couriers() -> list[User]:
    """Everybody who brings parcels, with `stops`: how many they have to bring today."""
    starts = Coalesce("runs__expected_from", "runs__promised_from")
    people = User.objects.alias(starts=starts).filter(groups__name=COURIER, is_active=True)
    open_today = Q(runs__status__in=_OPEN, starts__lt=_tomorrow(timezone.now()))
    return list(people.annotate(stops=Count("runs", filter=open_today)).order_by("name", "pk"))


# A parcel that is late comes when its new time says.
_STARTS = Coalesce("expected_from", "promised_from")
_OPEN = (Status.CONFIRMED, Status.READY, Status.DISPATCHED)


def _tomorrow(now: datetime) -> datetime:
    return at(local_day(now) + timedelta(days=1), 0)


def _waiting(now: datetime) -> ParcelQuerySet:
    """Deliveries of today and those that are late, paid and being prepared, packed, or on their way."""
    lines = Prefetch("lines", OrderLine.objects.select_related("variant__product"))
    parcels = Parcel.objects.alias(starts=_STARTS).filter(
        method=Parcel.Method.DELIVERY,
        status__in=_OPEN,
        due_at__isnull=False,
        starts__lt=_tomorrow(now),
        order__paid_at__isnull=False,
    )
    related = ("order__neighbourhood__district", "seller__district", "seller__neighbourhood")
    return parcels.select_related(*related).prefetch_related(lines).order_by("starts", "pk")


def _parts(parcels: Iterable[Parcel], now: datetime) -> list[Part]:
    numbered = enumerate(sorted(parcels, key=_visiting_order), start=1)
    return [
        _part([_stop(number, parcel, now) for number, parcel in group])
        for _key, group in groupby(numbered, key=lambda pair: _visiting_order(pair[1])[:4])
    ]


def _part(stops: list[Stop]) -> Part:
    first = stops[0].parcel
    place = first.order.neighbourhood
    return Part(first.due_from, first.due_until, place.district if place else None, stops)


def _stop(number: int, parcel: Parcel, now: datetime) -> Stop:
    lines = list(parcel.lines.all())
    for line in lines:
        say(line)
    return Stop(number, parcel, lines, is_late=parcel.due_until < now)


Key = tuple[datetime, datetime, int, int, int, int, list[int], list[int], list[int], list[int], int]


def _visiting_order(parcel: Parcel) -> Key:
    """Window, district, neighbourhood as the bureau has put them in order; then unit, building, floor and door."""
    order, place = parcel.order, parcel.order.neighbourhood
    window = (parcel.due_from, parcel.due_until)
    where = (place.district.position, place.district_id, place.position, place.pk) if place else (0, 0, 0, 0)
    house = (_numbers(order.unit), _numbers(order.building), _numbers(order.floor), _numbers(order.door))
    return (*window, *where, *house, parcel.pk)


def _numbers(text: str) -> list[int]:
    """The numbers in "12호동 3현관", so that house 9 comes before house 12."""
    return [int(digits[:9]) for digits in re.findall(r"[0-9]+", text)]
