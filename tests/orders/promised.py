"""Paid parcels with a window of their own choosing, for tests of changing it and of being late."""

from datetime import date, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from okryu.calendar import local_day
from orders import slots
from orders.models import DeliverySlot, Order, Parcel
from orders.promises import Window
from tests.orders.paid import paid


def in_days(days: int) -> date:
    return local_day(timezone.now()) + timedelta(days=days)


def window(days: int, hour: int) -> Window:
    """Two hours of a day that many days from today."""
    return Window(in_days(days), hour, hour + 2)


def promised(day: date, hour: int, **about: Any) -> tuple[Order, Parcel]:
    """A paid order of 옥류관's noodles for zone A, promised for the two hours from `hour` on, with its place taken."""
    order, _ = paid(**about)
    parcel = order.parcels.select_related("seller", "slot").get(number=1)
    DeliverySlot.objects.filter(pk=parcel.slot_id).update(taken=F("taken") - 1)
    meant = Window(day, hour, hour + 2)
    slots.ensure(zone_id="A", wanted=[(meant, "motorbike")])
    slot = DeliverySlot.objects.get(zone_id="A", day=day, start_hour=hour, vehicle="motorbike")
    DeliverySlot.objects.filter(pk=slot.pk).update(taken=F("taken") + 1)
    parcel.slot, parcel.promised_from, parcel.promised_until = slot, meant.start, meant.end
    parcel.save(update_fields=["slot", "promised_from", "promised_until"])
    DeliverySlot.objects.filter(taken=0).delete()
    return order, parcel


def taken() -> dict[tuple[date, int], int]:
    """The places taken, by day and hour; free windows left out."""
    return {(slot.day, slot.start_hour): slot.taken for slot in DeliverySlot.objects.filter(taken__gt=0)}
