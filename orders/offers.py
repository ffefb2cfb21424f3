"""What a product page may promise before anything is in the cart: when it comes, until when to order, for how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import District
from catalog.models import Product, Seller
from orders.fees import delivery_fee, dish_minimum, vehicle_for
from orders.models import Vehicle
from orders.promises import Window, collection, windows
from orders.workdays import Workdays

STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class Promise:
    """The first window a seller can keep, and the last moment to order for it."""

    window: Window
    order_by: datetime


@dataclass(frozen=True)
class Offer:
    promise: Promise
    collect_from: datetime
    collect_until: datetime
    is_brought: bool  # False: not to this district
    fee: int  # whole won, of one piece alone
    minimum: int  # whole won of goods before a dish is brought there
    by_van: bool


def promise(seller: Seller, now: datetime, workdays: Workdays) -> Promise:
    """The first window, told with the last five minutes in which ordering still reaches it."""
    window = windows(seller, now, workdays)[0]
    kept, missed = 0, (window.start - now) // STEP + 1
    while missed - kept > 1:
        middle = (kept + missed) // 2
        if windows(seller, now + middle * STEP, workdays)[0] == window:
            kept = middle
        else:
            missed = middle
    return Promise(window, _full_step(now + kept * STEP))


def offer(product: Product, *, district: District, now: datetime, workdays: Workdays) -> Offer:
    """What one piece of `product` costs to have brought to the deliverable `district`, and when."""
    vehicle = vehicle_for(weight_g=product.weight_g, needs_van=product.needs_van)
    minimum = dish_minimum(product.seller, district)
    collect_from, collect_until = collection(product.seller, now, workdays)
    return Offer(
        promise=promise(product.seller, now, workdays),
        collect_from=collect_from,
        collect_until=collect_until,
        is_brought=minimum is not None,
        fee=delivery_fee(district, vehicle),
        minimum=minimum or 0,
        by_van=vehicle == Vehicle.VAN,
    )


def _full_step(moment: datetime) -> datetime:
    """Rounded down to five minutes of the clock, so that the words do not change with every second."""
    return moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)
