"""Holds of placed orders: what an order keeps for fifteen minutes, longer on request, and gives back when it expires.

Locks, as everywhere: order, then stock rows by pk, then slot rows by pk.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from catalog import stock
from orders import events, slots, vouchers
from orders.models import Order, OrderLine, Parcel
from payments.models import Payment

# A payment that may still turn out to hold money keeps the goods, however long the network is silent.
LIVE_PAYMENTS = Payment.objects.filter(state__in=[Payment.State.PENDING, Payment.State.AUTHORISED])
JUST_EXTENDED = timedelta(minutes=1)


class HoldEnded(Exception):
    """The order holds nothing any more: it is paid, cancelled, or its time is over."""


class HoldTooOften(Exception):
    """The order was held longer as often as it may be."""


def hold_until(now: datetime) -> datetime:
    """Until when an order placed, declined or extended at `now` keeps its goods and places."""
    return now + timedelta(minutes=settings.ORDER_HOLD_MINUTES)


def cause(line: OrderLine) -> str:
    """The cause of every stock movement this order line makes."""
    return f"line:{line.public_id}"


def extend_hold(*, user: User, code: str) -> Order:
    """Hold a member's placed order for another fifteen minutes.

    A repeated click within a minute changes nothing. Raises Order.DoesNotExist, HoldEnded, HoldTooOften.
    """
    with transaction.atomic(durable=True):
        order = Order.objects.select_for_update(no_key=True).get(user=user, code=code)
        now = timezone.now()
        if order.status != Order.Status.PLACED or order.hold_until is None or order.hold_until <= now:
            raise HoldEnded(code)
        if hold_until(now) - order.hold_until < JUST_EXTENDED:
            return order
        if order.hold_extensions >= settings.ORDER_HOLD_EXTENSIONS:
            raise HoldTooOften(code)
        order.hold_until = hold_until(now)
        order.hold_extensions += 1
        order.save(update_fields=["hold_until", "hold_extensions"])
        events.write(order, "hold_extended", by=user, until=order.hold_until.isoformat())
        return order


def expire_order(order_id: int) -> bool:
    """Expire this order if its time is over and no payment may have reached it; True if it was expired now.

    Waits for whoever works on the order; its own transaction.
    """
    with transaction.atomic(durable=True):
        return _expire(Order.objects.select_for_update(no_key=True), order_id)


def release_expired_holders(variant_ids: Iterable[int]) -> int:
    """Expire the orders whose time is over and that still hold one of these variants; how many.

    Checkout calls it before it looks at the shelf, in short transactions of their own: so the order of locks stays
    order, stock, slot, and whoever finds the shelf empty has really waited for what came back.
    """
    holders = _due().filter(parcels__lines__variant__in=list(variant_ids)).distinct()
    return sum(expire_order(pk) for pk in holders.order_by("pk").values_list("pk", flat=True))


def expire_due_orders(*, limit: int = 200) -> int:
    """Expire what is due and not being worked on, oldest first; how many. For the job and the command."""
    count = 0
    for pk in _due().order_by("hold_until").values_list("pk", flat=True)[:limit]:
        with transaction.atomic(durable=True):
            count += _expire(Order.objects.select_for_update(no_key=True, skip_locked=True), pk)
    return count


def _due() -> QuerySet[Order]:
    return Order.objects.filter(status=Order.Status.PLACED, hold_until__lte=timezone.now()).exclude(
        Exists(LIVE_PAYMENTS.filter(order_code=OuterRef("code")))
    )


def _expire(lockable: QuerySet[Order], order_id: int) -> bool:
    now = timezone.now()
    order = lockable.filter(pk=order_id, status=Order.Status.PLACED, hold_until__lte=now).first()
    # Asked again under the lock: a payment opens only while it holds the order.
    if order is None or LIVE_PAYMENTS.filter(order_code=order.code).exists():
        return False
    parcels = list(order.parcels.prefetch_related("lines"))
    give_back([line for parcel in parcels for line in parcel.lines.all()])
    slots.release([parcel.slot_id for parcel in parcels if parcel.slot_id])
    order.parcels.update(status=Parcel.Status.CANCELLED, ended_at=now)
    order.status, order.hold_until, order.expired_at = Order.Status.EXPIRED, None, now
    order.save(update_fields=["status", "hold_until", "expired_at"])
    vouchers.give_back(order)
    events.write(order, "expired")
    return True


def give_back(lines: list[OrderLine]) -> None:
    """Release what these lines hold, whole. Locks their stock rows by pk; needs an open transaction."""
    rows = stock.lock({line.variant_id for line in lines})
    for line in lines:
        stock.release(rows[line.variant_id], line.quantity, cause=cause(line))
