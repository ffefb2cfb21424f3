"""The order's diary: one row for each thing that happened, written in the transaction that made it happen."""

from __future__ import annotations

from typing import Any

from procrastinate.contrib.django import app

from accounts.models import User
from orders.models import Order, OrderEvent, Parcel

# What the member is told of: orders/notices.py has the words for each of these.
TOLD = frozenset(
    {
        "placed",
        "expired",
        "paid",
        "payment_declined",
        "confirmed",
        "declined",
        "ready",
        "captured",
        "dispatched",
        "not_home",
        "late",
        "window_changed",
        "delivered",
        "undeliverable",
        "cancelled",
        "refunded",
        "return_accepted",
        "return_refused",
    }
)


def write(order: Order, kind: str, parcel: Parcel | None = None, by: User | None = None, **data: Any) -> OrderEvent:
    """Note that `kind` happened to `order` (or to one `parcel` of it); `data` is kept as JSON.

    Call it inside the transaction of the change itself, so that neither stands without the other: nor the job that
    tells the member of it, which no worker sees before the commit.
    """
    event = OrderEvent.objects.create(order=order, parcel=parcel, kind=kind, by=by, data=data)
    if kind in TOLD:
        app.configure_task("orders.tasks.tell_member").defer(event_id=event.pk)
    return event
