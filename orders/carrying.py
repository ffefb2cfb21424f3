"""What couriers do on the way: phone, find nobody at home, come once more; and who carries which parcel.

Nobody at home: one new try within 24 hours, free. The parcel waits packed for it, with a place in a new window in
exchange for its old one. Nobody at home again, or no window left: it goes back to the seller, the goods are refunded,
the fee is kept. A cooked dish is tried again the same day or not at all, and is not sold again.
Each verb names the try it is about, so that one that arrives twice, or too late, changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from okryu.calendar import local_day
from orders import events, slots
from orders.choices import Place
from orders.models import Parcel
from orders.parcels import Refused, Status, open_parcel, require
from orders.paying import settle
from orders.promises import Window, is_dish_seller
from orders.refunds import Goods, end_undelivered
from payments.models import Message

TRIES = 2
NEW_TRY_WITHIN = timedelta(hours=24)
LATEST_TRY_DAYS = 3  # where every window of 24 hours is full
RETURNS = UUID("6f6b7279-7520-7265-7475-726e6564aa01")


def assign_courier(*, order_code: str, number: int, courier: User | None, by: User | None = None) -> Parcel:
    """Name who carries the parcel, or nobody. Possible until it is handed over."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if parcel.courier_id == (courier.pk if courier else None):
            return parcel
        if parcel.method == Parcel.Method.COLLECTION:
            raise Refused(_("This parcel is collected: it needs no courier."))
        require(parcel, Status.AWAITING, Status.CONFIRMED, Status.READY, Status.DISPATCHED)
        parcel.courier = courier
        parcel.save(update_fields=["courier"])
        events.write(order, "courier_named", parcel=parcel, by=by, courier=courier.name if courier else "")
    return parcel


def note_call(*, order_code: str, number: int, attempt: int, by: User | None = None) -> Parcel:
    """The courier has phoned on try `attempt`. Written once a try."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if attempt <= parcel.failed_tries or parcel.phoned_at is not None:
            return parcel
        require(parcel, Status.READY, Status.DISPATCHED)
        parcel.phoned_at = timezone.now()
        parcel.save(update_fields=["phoned_at"])
        events.write(order, "phoned", parcel=parcel, by=by, attempt=attempt)
    return parcel


def miss_parcel(
    *,
    order_code: str,
    number: int,
    attempt: int,
    window: Window | None = None,
    goods: Goods = Goods.RESTOCK,
    by: User | None = None,
) -> Parcel:
    """Nobody was at home on try `attempt`: the parcel waits for `window`, or goes back to the seller when it has none.

    `goods` says what becomes of them then; dishes are always written off. Raises Refused for a window that is not
    offered, or full, and without a window while one is free.
    """
    if window is not None:
        parcel = _parcel(order_code, number)
        slots.ensure(zone_id=_zone(parcel), wanted=[(window, parcel.vehicle)])
    asked: list[Message] = []
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if attempt <= parcel.failed_tries:
            return parcel
        require(parcel, Status.DISPATCHED)
        if attempt != parcel.failed_tries + 1:
            raise Refused(_("This page is out of date. Look at the run again."))
        comes_again = _plan_new_try(parcel, window, timezone.now())
        parcel.failed_tries, parcel.phoned_at = attempt, None
        parcel.save(update_fields=_TRY_FIELDS)
        kind = "not_home" if comes_again else "not_home_again"
        events.write(order, kind, parcel=parcel, by=by, attempt=attempt)
        if not comes_again:
            spoiled = Goods.WRITE_OFF if is_dish_seller(parcel.seller) else goods
            key = uuid5(RETURNS, f"{order_code}/{number}")
            asked = end_undelivered(order, parcel, key=key, goods=spoiled, with_fee=False, by=by)
    settle(asked)
    return _parcel(order_code, number)


_TRY_FIELDS = [
    *("failed_tries", "phoned_at", "status", "dispatched_at", "slot"),
    *("promised_from", "promised_until", "expected_from", "expected_until"),
]


def new_try_places(parcel: Parcel, now: datetime) -> list[Place]:
    """The windows a missed parcel can be brought in once more, soonest first; none on its last try. One query."""
    if parcel.failed_tries + 1 >= TRIES:
        return []
    today = local_day(now)
    days = [today] if is_dish_seller(parcel.seller) else [today + timedelta(days=n) for n in range(LATEST_TRY_DAYS + 1)]
    left = slots.places_left(zone_id=_zone(parcel), first=days[0], last=days[-1])
    windows = [Window(day, start, end) for day in days for start, end in settings.DELIVERY_WINDOWS]
    capacity = slots.capacity(parcel.vehicle)
    places = [Place(w, left.get((w.day, w.start_hour, parcel.vehicle), capacity)) for w in windows if w.start > now]
    free = [place for place in places if place.left > 0]
    soon = [place for place in free if place.window.start <= now + NEW_TRY_WITHIN]
    return soon or free[:1]


def _plan_new_try(parcel: Parcel, window: Window | None, now: datetime) -> bool:
    """Move a missed parcel to `window`; False when there is no new try. Its old place is given back: it is over."""
    offered = [place.window for place in new_try_places(parcel, now)]
    if window is None and not offered:
        return False
    if window is None:
        raise Refused(_("Choose a new time: one new try is free."))
    if window not in offered:
        raise Refused(_("This time is not free any more. Choose another."))
    try:
        slot = slots.move(from_id=parcel.slot_id, zone_id=_zone(parcel), window=window, vehicle=parcel.vehicle)
    except slots.SlotFull:
        raise Refused(_("This time is not free any more. Choose another.")) from None
    parcel.slot, parcel.promised_from, parcel.promised_until = slot, window.start, window.end
    parcel.expected_from = parcel.expected_until = None
    parcel.status, parcel.dispatched_at = Status.READY, None
    return True


def _zone(parcel: Parcel) -> str:
    """The zone of the parcel's place; of a collection none, and no courier has it."""
    if parcel.slot is None:
        raise Refused(_("This parcel is collected: it needs no courier."))
    return parcel.slot.zone_id


def _parcel(order_code: str, number: int) -> Parcel:
    return Parcel.objects.select_related("order", "seller").get(order__code=order_code, number=number)
