"""The order's diary: one row for each thing that happened, written in the transaction that made it happen."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from orders.models import Order, OrderEvent, Parcel


def write(order: Order, kind: str, parcel: Parcel | None = None, by: User | None = None, **data: Any) -> OrderEvent:
    """Note that `kind` happened to `order` (or to one `parcel` of it); `data` is kept as JSON.

    Call it inside the transaction of the change itself, so that neither stands without the other.
    """
    return OrderEvent.objects.create(order=order, parcel=parcel, kind=kind, by=by, data=data)
