"""Parcels that will not come, or did not come, when they were promised: found, given a new time, told.

The promise itself stays as it was (`promised_from`, `promised_until`): the figures count by it. The new time is
`expected_from`, `expected_until`, with a place of its own among the couriers'. Each missed time is told once, whoever
looks first: the order's lock and the time written under it decide.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import Seller
from okryu.calendar import PYONGYANG, local_day
from orders import events, promises, slots
from orders.models import Order, Parcel
from orders.parcels import Status, open_parcel
from orders.promises import Window
from orders.rescheduling import places_for, take_place, windows_for
from orders.workdays import Workdays, read_workdays

log = logging.getLogger(__name__)
Method = Parcel.Method
WAITING = (Status.AWAITING, Status.CONFIRMED, Status.READY)
UNPACKED = (Status.AWAITING, Status.CONFIRMED)
LEAVES_BEFORE_END = timedelta(minutes=30)  # who has not left by then does not arrive in the window
STILL_ON_THE_WAY = timedelta(minutes=30)  # at least, of a courier who is late


def is_late(parcel: Parcel, now: datetime) -> bool:
    """Whether the time last named for this parcel of a paid order is missed, or can only be missed."""
    if parcel.status == Status.DISPATCHED:
        return parcel.due_until <= now and not _was_told_on_the_way(parcel)
    if parcel.status not in WAITING:
        return False
    is_unpacked = parcel.status != Status.READY
    if parcel.method == Method.COLLECTION:
        return is_unpacked and parcel.due_from <= now
    # Factories and the provinces do not pack while the courier waits.
    packs_before = parcel.seller.kind == Seller.Kind.PRODUCER or parcel.seller.lead_days > 0
    if packs_before and is_unpacked and parcel.due_from <= now:
        return True
    return parcel.due_until - LEAVES_BEFORE_END <= now


def _was_told_on_the_way(parcel: Parcel) -> bool:
    since, left = parcel.expected_from, parcel.dispatched_at
    return since is not None and left is not None and since >= left


def late_parcels(now: datetime, *, limit: int) -> list[tuple[str, int]]:
    """Order codes and numbers of what is late at `now`, the longest first. One query, over what is under way."""
    packs_before = Q(seller__kind=Seller.Kind.PRODUCER) | Q(seller__lead_days__gt=0)
    rows = (
        Parcel.objects.filter(order__status=Order.Status.PAID, status__in=[*WAITING, Status.DISPATCHED])
        .alias(
            since=Coalesce("expected_from", "promised_from"),
            until=Coalesce("expected_until", "promised_until"),
        )
        .filter(
            Q(status=Status.DISPATCHED, until__lte=now)
            & (Q(expected_from__isnull=True) | Q(expected_from__lt=F("dispatched_at")))
            | Q(status__in=WAITING, method=Method.DELIVERY, until__lte=now + LEAVES_BEFORE_END)
            | Q(status__in=UNPACKED, since__lte=now) & (Q(method=Method.COLLECTION) | packs_before)
        )
    )
    return list(rows.order_by("until", "pk").values_list("order__code", "number")[:limit])


def move_late(*, order_code: str, number: int) -> Parcel | None:
    """Give a late parcel its new time and tell the member. None when it is not late, or was told meanwhile."""
    now = timezone.now()
    parcel = Parcel.objects.select_related("seller", "slot").get(order__code=order_code, number=number)
    if not is_late(parcel, now):
        return None
    workdays = read_workdays(first=local_day(now))
    if parcel.method == Method.COLLECTION or parcel.status == Status.DISPATCHED:
        return _write(order_code, number, now, workdays)
    for window in _free(parcel, now, workdays):
        slots.ensure(zone_id=parcel.slot.zone_id if parcel.slot else "", wanted=[(window, parcel.vehicle)])
        try:
            return _write(order_code, number, now, workdays, window=window)
        except slots.SlotFull:
            continue
    log.error("parcel %s/%s is late and no window has a place for it", order_code, number)
    return _write(order_code, number, now, workdays)


def _free(parcel: Parcel, now: datetime, workdays: Workdays) -> Iterator[Window]:
    return (place.window for place in places_for(parcel, now, workdays) if place.left > 0)


def _write(
    order_code: str, number: int, now: datetime, workdays: Workdays, *, window: Window | None = None
) -> Parcel | None:
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if order.status != Order.Status.PAID or not is_late(parcel, now):
            return None
        if window is not None:
            take_place(parcel, window)
        missed = parcel.due_until
        parcel.expected_from, parcel.expected_until = _new_time(parcel, now, workdays, window)
        parcel.save(update_fields=["slot", "expected_from", "expected_until"])
        since, until = parcel.expected_from.isoformat(), parcel.expected_until.isoformat()
        told: dict[str, Any] = {"from": since, "until": until, "missed": missed.isoformat()}
        events.write(order, "late", parcel=parcel, **told)
    return parcel


def _new_time(parcel: Parcel, now: datetime, workdays: Workdays, window: Window | None) -> tuple[datetime, datetime]:
    if window is not None:
        return window.start, window.end
    if parcel.status == Status.DISPATCHED:
        return now, _next_hour(now + STILL_ON_THE_WAY)
    if parcel.method == Method.COLLECTION:
        ready = promises.add_open_minutes(parcel.seller, now, parcel.seller.preparation_minutes, workdays)
        return promises.collection_from(parcel.seller, ready, workdays)
    first = windows_for(parcel, now, workdays)[0]  # beyond the couriers' places: the bureau has been told
    return first.start, first.end


def _next_hour(moment: datetime) -> datetime:
    local = moment.astimezone(PYONGYANG)
    return local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
