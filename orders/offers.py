"""What a page may promise before anything is in the cart: to which district when, for how much, or where to collect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import District
from catalog.models import Product, Seller
from orders.fees import delivery_fee, smallest_sum, vehicle_for
from orders.models import Vehicle
from orders.promises import Window, collection, windows
from orders.reach import Reach

STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class Offer:
    """One piece of a product, or anything of a seller, to one district."""

    district: District
    is_brought: bool  # False: not to this district
    window: Window | None  # the first one the seller keeps and that has a free place
    order_by: datetime | None  # the last moment in which ordering still reaches it
    fee: int  # whole won, of a parcel on its own
    minimum: int  # whole won of goods before anything is brought there
    by_van: bool
    collect_from: datetime | None  # None: a seller of the provinces has no counter in the city


def offer(product: Product, *, district: District, now: datetime, reach: Reach) -> Offer:
    """What one piece of `product` costs to have brought to the deliverable `district`, and when."""
    vehicle = _vehicle(product, district)
    return _offer(product.seller, vehicle, district=district, now=now, reach=reach)


def seller_offer(seller: Seller, *, district: District, now: datetime, reach: Reach) -> Offer:
    """The same of whatever of this seller a motorbike carries."""
    return _offer(seller, Vehicle.MOTORBIKE, district=district, now=now, reach=reach)


def price(product: Product, district: District) -> int | None:
    """The fee of one piece to `district`, in whole won; None where it is not brought."""
    if smallest_sum(product.seller, district) is None:
        return None
    return delivery_fee(district, _vehicle(product, district))


def _vehicle(product: Product, district: District) -> Vehicle:
    """What carries one piece there."""
    return vehicle_for(weight_g=product.weight_g, needs_van=product.needs_van, district=district)


def _offer(seller: Seller, vehicle: Vehicle, *, district: District, now: datetime, reach: Reach) -> Offer:
    def first_free(moment: datetime) -> Window | None:
        """The soonest window that an order of `moment` is sure to reach, as places are taken now."""
        kept = windows(seller, moment, reach.workdays)
        return next((window for window in kept if reach.has_place(district, window, vehicle)), None)

    minimum = smallest_sum(seller, district)
    window = None if minimum is None else first_free(now)
    counter = collection(seller, now, reach.workdays)[0] if seller.district.is_deliverable else None
    return Offer(
        district=district,
        is_brought=minimum is not None,
        window=window,
        order_by=_order_by(window, first_free, now) if window else None,
        fee=delivery_fee(district, vehicle),
        minimum=minimum or 0,
        by_van=vehicle == Vehicle.VAN,
        collect_from=counter,
    )


def _order_by(window: Window, first_free: Callable[[datetime], Window | None], now: datetime) -> datetime:
    """The last five minutes in which ordering still reaches `window`."""
    kept, missed = 0, (window.start - now) // STEP + 1
    while missed - kept > 1:
        middle = (kept + missed) // 2
        if first_free(now + middle * STEP) == window:
            kept = middle
        else:
            missed = middle
    return _full_step(now + kept * STEP)


def _full_step(moment: datetime) -> datetime:
    """Rounded down to five minutes of the clock, so that the words do not change with every second."""
    return moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0)
