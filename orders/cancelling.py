"""Cancelling, by the shopper or by the order desk for them: possible until the network was asked for the money."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Seller
from orders import events, promises, slots, stock_holds, vouchers
from orders.models import Order, Parcel
from orders.parcels import (
    Reason,
    Refused,
    Status,
    end_unpaid,
    free_goods,
    open_parcel,
    require,
    require_not_paid_for,
)
from orders.paying import capture_is_asked, lock_order, paid_payment, settle
from payments import pay as payments
from payments.models import Message, Payment


def can_be_cancelled(parcel: Parcel, payment: Payment | None) -> bool:
    """Whether this parcel of a paid order may still be cancelled. `payment` is the order's."""
    return (
        payment is not None
        and parcel.status in (Status.AWAITING, Status.CONFIRMED, Status.READY)
        and not capture_is_asked(payment, parcel)
    )


def cancel_parcel(*, order_code: str, number: int, by: User | None = None) -> Parcel:
    """Cancel one parcel of a paid order: its goods, its place and its part of the money are free at once.

    Raises Refused once its money was asked for: it is being handed over, and can be returned.
    """
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if parcel.status == Status.CANCELLED:
            return parcel
        require_not_paid_for(parcel)
        asked = end_unpaid(order, parcel, list(parcel.lines.all()), Status.CANCELLED, by)
    settle(asked)
    return Parcel.objects.select_related("order", "seller").get(pk=parcel.pk)


def end_uncollected(*, order_code: str, number: int) -> Parcel:
    """Cancel a packed parcel that nobody came for: its money is free at once, a dish is not sold again.

    Raises Refused while it is still kept, and for one that is not waiting to be collected.
    """
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        require(parcel, Status.READY)
        if parcel.method != Parcel.Method.COLLECTION or promises.kept_until(parcel) > timezone.now():
            raise Refused(_("This parcel still waits to be collected."))
        require_not_paid_for(parcel)
        parcel.decline_reason = Reason.NOT_COLLECTED
        parcel.save(update_fields=["decline_reason"])
        lines = list(parcel.lines.all())
        is_dish = parcel.seller.kind == Seller.Kind.RESTAURANT
        asked = end_unpaid(order, parcel, lines, Status.CANCELLED, None, out_of_stock=is_dish)
    settle(asked)
    return Parcel.objects.select_related("order", "seller").get(pk=parcel.pk)


def cancel_order(*, order_code: str, by: User | None = None) -> Order:
    """Cancel the whole order, paid or not. Nothing of it may have been asked for; raises Refused otherwise.

    While a payment is under way the order is cancelled at once, and an approval that comes later is reversed.
    """
    with transaction.atomic(durable=True):
        order = lock_order(order_code)
        if order.status == Order.Status.CANCELLED:
            return order
        if order.status == Order.Status.PLACED:
            _cancel_unpaid(order, by)
            return order
        if order.status != Order.Status.PAID:
            raise Refused(_("This order has ended already."))
        asked = _cancel_paid(order, by)
    settle(asked)
    return order


def _cancel_unpaid(order: Order, by: User | None) -> None:
    parcels = list(order.parcels.prefetch_related("lines"))
    stock_holds.give_back([line for parcel in parcels for line in parcel.lines.all()])
    slots.release([parcel.slot_id for parcel in parcels if parcel.slot_id])
    now = timezone.now()
    order.parcels.update(status=Status.CANCELLED, ended_at=now)
    _mark_cancelled(order, by)


def _cancel_paid(order: Order, by: User | None) -> list[Message]:
    """Reverse the whole hold where all of it is untouched, otherwise release what each open parcel holds."""
    payment = paid_payment(order)
    parcels = list(order.parcels.select_related("seller").prefetch_related("lines"))
    still_open = [parcel for parcel in parcels if parcel.status not in Parcel.FINAL]
    for parcel in still_open:
        require_not_paid_for(parcel)
    if payment.messages.exclude(verb=Message.Verb.AUTHORISE).exists():
        asked = []
        for parcel in still_open:
            asked += end_unpaid(order, parcel, list(parcel.lines.all()), Status.CANCELLED, by)
        return asked
    for parcel in still_open:
        free_goods(parcel, list(parcel.lines.all()), by)
    order.parcels.update(status=Status.CANCELLED, ended_at=timezone.now())
    _mark_cancelled(order, by)
    return [payments.ask_reverse(payment=payment)]


def _mark_cancelled(order: Order, by: User | None) -> None:
    order.status, order.hold_until, order.cancelled_at = Order.Status.CANCELLED, None, timezone.now()
    order.save(update_fields=["status", "hold_until", "cancelled_at"])
    vouchers.give_back(order)
    events.write(order, "cancelled", by=by)
