"""Delivery slots: how many parcels a zone's couriers can bring in one window, and taking one of the places.

Rows appear when a window is first asked for. A parcel takes its place when the order is placed and gives it back
when it expires, is declined or cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from orders.models import DeliverySlot
from orders.promises import Window

SlotKey = tuple[date, int, str]  # day, start hour, vehicle


class SlotFull(Exception):
    """Every place of a window is promised, or the bureau has closed it."""

    def __init__(self, slot: DeliverySlot) -> None:
        super().__init__(str(slot))
        self.slot = slot


class FewerThanTaken(Exception):
    """A window cannot have fewer places than are promised."""

    def __init__(self, taken: int) -> None:
        super().__init__(f"{taken} taken")
        self.taken = taken


def places_left(*, zone_id: str, first: date, last: date) -> dict[SlotKey, int]:
    """Free places of the windows somebody has asked for; a window that is missing has its whole capacity. One query."""
    rows = DeliverySlot.objects.filter(zone_id=zone_id, day__range=(first, last))
    return {(slot.day, slot.start_hour, slot.vehicle): slot.left for slot in rows}


def capacity(vehicle: str) -> int:
    """How many parcels this vehicle brings to one zone in one window."""
    return int(settings.SLOT_CAPACITY[vehicle])


def ensure(*, zone_id: str, wanted: Iterable[tuple[Window, str]]) -> None:
    """Make the slot rows of these windows and vehicles exist.

    Called before the placing transaction: of two at once one waits for a moment and neither can wait for the other.
    """
    rows = [
        DeliverySlot(
            zone_id=zone_id,
            day=window.day,
            start_hour=window.start_hour,
            end_hour=window.end_hour,
            vehicle=vehicle,
            capacity=capacity(vehicle),
        )
        for window, vehicle in sorted(set(wanted), key=lambda pair: (pair[0].key, pair[1]))
    ]
    DeliverySlot.objects.bulk_create(rows, ignore_conflicts=True)


def lock(*, zone_id: str, wanted: Iterable[tuple[Window, str]]) -> dict[SlotKey, DeliverySlot]:
    """The slot rows of these windows and vehicles, locked in one order (by pk)."""
    _needs_transaction()
    asked = {(window.day, window.start_hour, vehicle) for window, vehicle in wanted}
    rows = (
        DeliverySlot.objects.filter(zone_id=zone_id)
        .filter(_any_of(asked))
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return {(slot.day, slot.start_hour, slot.vehicle): slot for slot in rows}


def take(slot: DeliverySlot) -> None:
    """Take one place of a locked slot. Raises SlotFull when none is left."""
    _needs_transaction()
    if not slot.left:
        raise SlotFull(slot)
    DeliverySlot.objects.filter(pk=slot.pk).update(taken=F("taken") + 1)
    slot.taken += 1


def move(*, from_id: int | None, zone_id: str, window: Window, vehicle: str) -> DeliverySlot:
    """Give the place in `from_id` back and take one in `window`: one place, or the old one is kept and SlotFull raised.

    Both rows are locked in one order, by pk. The row of `window` exists: see `ensure`.
    """
    _needs_transaction()
    wanted = models.Q(zone_id=zone_id) & _any_of({(window.day, window.start_hour, vehicle)})
    found = DeliverySlot.objects.filter(wanted | models.Q(pk=from_id)).order_by("pk").select_for_update(no_key=True)
    rows = {slot.pk: slot for slot in found}
    place = (zone_id, window.day, window.start_hour, vehicle)
    new = next(slot for slot in rows.values() if (slot.zone_id, slot.day, slot.start_hour, slot.vehicle) == place)
    if new.pk == from_id:
        return new
    take(new)
    if from_id is not None:
        DeliverySlot.objects.filter(pk=from_id).update(taken=F("taken") - 1)
    return new


def release(slot_ids: Iterable[int]) -> None:
    """Give one place back for each id, a slot named twice twice: expired, declined, cancelled.

    Locks the rows by pk. The caller changes its parcels' state in the same transaction, so that none gives back twice.
    """
    _needs_transaction()
    ids = list(slot_ids)
    for slot in DeliverySlot.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True):
        DeliverySlot.objects.filter(pk=slot.pk).update(taken=F("taken") - ids.count(slot.pk))


def set_capacity(slot_id: int, capacity: int) -> DeliverySlot:
    """Give a window so many places. Raises FewerThanTaken; then nothing changed."""
    with transaction.atomic():
        slot = DeliverySlot.objects.select_for_update(no_key=True).get(pk=slot_id)
        if capacity < slot.taken:
            raise FewerThanTaken(slot.taken)
        slot.capacity = capacity
        slot.save(update_fields=["capacity"])
    return slot


def set_closed(slot_ids: Iterable[int], *, is_closed: bool) -> int:
    """Close windows or open them again; how many changed. An order that holds the row's lock now gets its place."""
    with transaction.atomic():
        rows = DeliverySlot.objects.filter(pk__in=list(slot_ids)).exclude(is_closed=is_closed)
        ids = [slot.pk for slot in rows.order_by("pk").select_for_update(no_key=True)]
        return DeliverySlot.objects.filter(pk__in=ids).update(is_closed=is_closed)


def _any_of(keys: set[SlotKey]) -> models.Q:
    matching = models.Q(pk__in=[])
    for day, start_hour, vehicle in keys:
        matching |= models.Q(day=day, start_hour=start_hour, vehicle=vehicle)
    return matching


def _needs_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("slots change only inside the transaction of their order")
