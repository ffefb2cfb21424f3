"""Another delivery time for a parcel that is promised already: which windows there are, and the shopper's own change.

The shopper may choose another window until the seller begins to prepare: the parcel is not packed yet, and the window
it is meant for is farther away than the seller's preparation takes. Zone, vehicle and fee stay. The new window is
then what was promised: it takes the place of the old one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from okryu.calendar import local_day
from orders import events, promises, slots
from orders.choices import Place
from orders.models import Order, Parcel
from orders.parcels import Refused, Status, open_parcel
from orders.promises import Window
from orders.workdays import Workdays, read_workdays


def change_until(parcel: Parcel) -> datetime:
    """The moment at which the seller begins to prepare, if it is to be ready for its window."""
    return parcel.due_from - timedelta(minutes=parcel.seller.preparation_minutes)


def can_be_changed(order: Order, parcel: Parcel, now: datetime) -> bool:
    return (
        order.status == Order.Status.PAID
        and parcel.method == Parcel.Method.DELIVERY
        and parcel.status in (Status.AWAITING, Status.CONFIRMED)
        and now < change_until(parcel)
    )


def change_window(*, order_code: str, number: int, window: Window, by: User | None = None) -> Parcel:
    """Bring the parcel in `window` instead. Choosing the same window again changes nothing.

    Raises Refused when it is too late to change, or the window is full, closed or cannot be kept; then the old place
    is kept.
    """
    parcel = Parcel.objects.select_related("slot").get(order__code=order_code, number=number)
    if parcel.slot is not None:
        slots.ensure(zone_id=parcel.slot.zone_id, wanted=[(window, parcel.vehicle)])
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if (parcel.due_from, parcel.due_until) == (window.start, window.end):
            return parcel
        now = timezone.now()
        if not can_be_changed(order, parcel, now):
            raise Refused(_("It is too late to choose another time: this parcel is being prepared, or has ended."))
        if window not in windows_for(parcel, now, read_workdays(first=local_day(now))):
            raise Refused(_("The seller cannot be ready for this time any more. Choose another."))
        try:
            take_place(parcel, window)
        except slots.SlotFull:
            raise Refused(_("This time is no longer free. Choose another.")) from None
        was = parcel.due_from
        parcel.promised_from, parcel.promised_until = window.start, window.end
        parcel.expected_from = parcel.expected_until = None
        parcel.save(update_fields=["slot", "promised_from", "promised_until", "expected_from", "expected_until"])
        told = {"from": window.start.isoformat(), "until": window.end.isoformat(), "was": was.isoformat()}
        events.write(order, "window_changed", parcel=parcel, by=by, **told)
    return parcel


def take_place(parcel: Parcel, window: Window) -> None:
    """Change a delivery's place for one in `window`, whose row exists. The caller saves `slot`. Raises SlotFull."""
    zone_id = parcel.slot.zone_id if parcel.slot else ""
    parcel.slot = slots.move(from_id=parcel.slot_id, zone_id=zone_id, window=window, vehicle=parcel.vehicle)


def places_for(parcel: Parcel, now: datetime, workdays: Workdays) -> list[Place]:
    """The windows in which the parcel can still be brought, soonest first, with their free places. One query."""
    windows = windows_for(parcel, now, workdays)
    if parcel.slot is None:
        return []
    left = slots.places_left(zone_id=parcel.slot.zone_id, first=windows[0].day, last=windows[-1].day)
    whole = slots.capacity(parcel.vehicle)
    return [Place(each, left.get((each.day, each.start_hour, parcel.vehicle), whole)) for each in windows]


def windows_for(parcel: Parcel, now: datetime, workdays: Workdays) -> list[Window]:
    """The windows that can be kept as things stand now, even when the seller uses all the time it has."""
    seller = parcel.seller
    earliest = max(now, promises.arrives_at(seller, _ready_by(parcel, now, workdays)))
    return promises.windows_after(earliest)


def _ready_by(parcel: Parcel, now: datetime, workdays: Workdays) -> datetime:
    """When the parcel stands packed at the latest."""
    if parcel.ready_at is not None:
        return parcel.ready_at
    begins = max(now, parcel.confirm_by or now) if parcel.status == Status.AWAITING else now
    return promises.add_open_minutes(parcel.seller, begins, parcel.seller.preparation_minutes, workdays)
