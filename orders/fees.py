"""What delivery costs and where it goes: vehicle by weight and zone, fee by district, dishes only nearby.

A district's fee is the motorbike's; a van costs VAN_FEE_FACTOR times as much. Parcels of sellers of one district that
come in the same window by the same vehicle ride together and pay once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.models import District
from catalog.models import Seller
from orders.models import Vehicle
from orders.promises import is_dish_seller


@dataclass(frozen=True)
class Ride:
    """What decides whether two parcels ride together, and what one alone would pay (whole won)."""

    seller_district_id: int
    window: Hashable
    vehicle: str
    fee: int


def vehicle_for(*, weight_g: int, needs_van: bool, district: District) -> Vehicle:
    """A motorbike up to the limit of the district's zone; furniture and heavier parcels go by van."""
    limit = district.zone.motorbike_limit_g if district.zone else 0
    return Vehicle.VAN if needs_van or weight_g > limit else Vehicle.MOTORBIKE


def delivery_fee(district: District, vehicle: str) -> int:
    """The fee of one parcel to `district`, in whole won. The district must be deliverable."""
    if district.fee is None:
        raise ValueError(f"nothing is delivered to {district.slug}")
    return district.fee * (settings.VAN_FEE_FACTOR if vehicle == Vehicle.VAN else 1)


def shared_fees(rides: Sequence[Ride | None]) -> list[int]:
    """The fee of each parcel, in the order given; None is a collection and pays nothing.

    Of parcels that ride together the dearest pays and the others come along; of equals, the first.
    """
    payer: dict[tuple[int, Hashable, str], int] = {}
    for index, ride in enumerate(rides):
        if ride is None:
            continue
        together = (ride.seller_district_id, ride.window, ride.vehicle)
        best = payer.get(together)
        if best is None or ride.fee > _fee(rides[best]):
            payer[together] = index
    paying = set(payer.values())
    return [_fee(ride) if index in paying else 0 for index, ride in enumerate(rides)]


def dish_minimum(seller: Seller, district: District) -> int | None:
    """What a seller's dishes must come to before they go to `district`, in whole won; None: they do not go there."""
    if not is_dish_seller(seller):
        return 0
    minimum: int | None = settings.DISH_ZONE_MINIMUM_WON.get(district.zone_id or "")
    return minimum


def smallest_sum(seller: Seller, district: District) -> int | None:
    """The same with the zone's own minimum, which holds for goods of every kind."""
    dishes = dish_minimum(seller, district)
    return None if dishes is None else max(dishes, district.zone.minimum_won if district.zone else 0)


def _fee(ride: Ride | None) -> int:
    return ride.fee if ride else 0
