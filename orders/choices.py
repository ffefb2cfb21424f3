"""How each parcel can come: delivery windows with their free places, collection, fees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import District
from okryu.calendar import local_day
from okryu.money import format_won
from orders import promises, slots
from orders.fees import Ride, delivery_fee, shared_fees, smallest_sum
from orders.models import Parcel
from orders.positions import ParcelPlan
from orders.promises import Window
from orders.workdays import Workdays, read_workdays

Method = Parcel.Method


@dataclass(frozen=True)
class Choice:
    """How the shopper wants one seller's parcel."""

    method: str
    window: Window | None = None  # of a delivery
    if_short: str = Parcel.Shortage.SEND_REST


@dataclass(frozen=True)
class Place:
    """A window and how many parcels it can still take."""

    window: Window
    left: int


@dataclass
class Offer:
    """What can be chosen for one parcel on its way to one district."""

    plan: ParcelPlan
    district: District
    vehicle: str
    fee: int  # of a delivery on its own
    refusal: str  # why it cannot be brought there; "" where it can
    places: list[Place]
    collection: tuple[datetime, datetime] | None

    @property
    def days(self) -> list[tuple[date, list[Place]]]:
        """The windows day by day, soonest first."""
        return by_day(self.places)

    @property
    def methods(self) -> list[str]:
        delivery = [Method.DELIVERY] if any(place.left for place in self.places) else []
        return [*delivery, *([Method.COLLECTION] if self.collection else [])]

    @property
    def first_window(self) -> Window | None:
        return next((place.window for place in self.places if place.left), None)

    @property
    def default(self) -> Choice | None:
        """The soonest delivery, else collection; None where the parcel cannot come at all."""
        if window := self.first_window:
            return Choice(Method.DELIVERY, window)
        return Choice(Method.COLLECTION) if self.collection else None

    def window(self, key: str) -> Window | None:
        """The window a form names, if it is one of these and has a place left."""
        return next((place.window for place in self.places if place.window.key == key and place.left), None)


def offers_for(plans: Sequence[ParcelPlan], *, district: District, now: datetime) -> list[Offer]:
    """What can be chosen for each parcel to `district` when ordered at `now`.

    Two queries, for the days of rest and the places taken.
    """
    workdays = read_workdays(first=local_day(now))
    kept = [promises.windows(plan.seller, now, workdays) for plan in plans]
    days = [window.day for windows in kept for window in windows]
    taken = (
        slots.places_left(zone_id=district.zone_id, first=min(days), last=max(days))
        if days and district.zone_id
        else {}
    )
    return [
        _offer(plan, windows, district=district, taken=taken, collection=_collection(plan, now, workdays))
        for plan, windows in zip(plans, kept, strict=True)
    ]


def by_day(places: Iterable[Place]) -> list[tuple[date, list[Place]]]:
    """Windows under their days, in their order."""
    grouped: dict[date, list[Place]] = {}
    for place in places:
        grouped.setdefault(place.window.day, []).append(place)
    return list(grouped.items())


def delivery_refusal(plan: ParcelPlan, district: District) -> str:
    """Why this parcel cannot be brought to `district`, in the reader's language; "" where it can."""
    minimum = smallest_sum(plan.seller, district)
    if minimum is None:
        return _("Dishes are not brought to %(district)s: it is too far.") % {"district": district.name}
    if plan.goods_total < minimum:
        if promises.is_dish_seller(plan.seller):
            words = _("Dishes are brought to %(district)s from %(sum)s.")
        else:
            words = _("Goods of one seller are brought to %(district)s from %(sum)s.")
        return words % {
            "district": district.name,
            "sum": format_won(minimum, get_language() or settings.LANGUAGE_CODE),
        }
    return ""


def fees_of(plans: Iterable[ParcelPlan], choices: Mapping[int, Choice], *, district: District | None) -> list[int]:
    """The delivery fee of each parcel under these choices (by seller id), in whole won."""
    return shared_fees([_ride(plan, choices[plan.seller.pk], district) for plan in plans])


def _ride(plan: ParcelPlan, choice: Choice, district: District | None) -> Ride | None:
    if choice.method != Method.DELIVERY or choice.window is None or district is None:
        return None
    vehicle = plan.vehicle_to(district)
    return Ride(
        seller_district_id=plan.seller.district_id,
        window=choice.window,
        vehicle=vehicle,
        fee=delivery_fee(district, vehicle),
    )


def _offer(
    plan: ParcelPlan,
    windows: list[Window],
    *,
    district: District,
    taken: Mapping[slots.SlotKey, int],
    collection: tuple[datetime, datetime] | None,
) -> Offer:
    vehicle = plan.vehicle_to(district)
    whole = slots.capacity(vehicle)
    refusal = delivery_refusal(plan, district)
    places = [Place(window, taken.get((window.day, window.start_hour, vehicle), whole)) for window in windows]
    return Offer(
        plan=plan,
        district=district,
        vehicle=vehicle,
        fee=delivery_fee(district, vehicle),
        refusal=refusal,
        places=[] if refusal else places,
        collection=collection,
    )


def _collection(plan: ParcelPlan, now: datetime, workdays: Workdays) -> tuple[datetime, datetime] | None:
    """A seller of the provinces has no counter in the city."""
    return promises.collection(plan.seller, now, workdays) if plan.seller.district.is_deliverable else None
