"""Write sixty planned days down: orders, stock, delivery places and the diary, and with them the books of each day.

One day is two commits: the shop's rows, then the ledger's (payments/history.py). A run that was broken off finds
the first day without a cut, and the same plan again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Stock, StockMovement
from okryu.calendar import at, local_day
from okryu.demo import books, people
from okryu.demo.baskets import Wares
from okryu.demo.days import Day, Dispute, Places, PlannedLine, PlannedOrder, PlannedParcel, Refund
from okryu.demo.people import Shopper
from orders.models import DeliverySlot, Order, OrderEvent, OrderLine, Parcel
from orders.parcels import cause
from orders.stock_holds import cause as hold_cause
from orders.workdays import read_workdays
from payments.history import settle_last_day, write_day
from payments.models import DayCut, Transfer

DAYS = 60
RETURNED = 0.03  # of delivered parcels bring a refund
DISPUTED_FROM = 40  # the first day of which a parcel may be disputed
CASES = UUID("6f6b7279-7520-4361-7365-732020202020")
Kind = StockMovement.Kind


@dataclass
class Past:
    """The whole plan, in memory: the same for the same first day."""

    days: list[date]
    orders: dict[date, list[PlannedOrder]]  # by the day they were placed
    refunds: dict[date, list[Refund]] = field(default_factory=lambda: defaultdict(list))
    dispute: Dispute | None = None


def first_day(now: datetime) -> date:
    """The demo's first day: sixty days ago, or where a broken run had begun."""
    begun = DayCut.objects.order_by("id").values_list("day", flat=True).first()
    return begun or local_day(now) - timedelta(days=DAYS)


def can_be_written() -> bool:
    """Whether the ledger is empty, or holds nothing but the beginning of this very past."""
    last_cut = DayCut.objects.order_by("-id").first()
    written = Transfer.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    return written == (last_cut.seq if last_cut else 0)


def is_written() -> bool:
    """Whether all sixty days stand."""
    return DayCut.objects.count() >= DAYS and Order.objects.filter(user__phone=people.DEMO_SHOPPER).exists()


def plan(wares: Wares, shoppers: list[Shopper], *, now: datetime) -> Past:
    begin = first_day(now)
    days = [begin + timedelta(days=n) for n in range(DAYS)]
    now = min(now, at(begin + timedelta(days=DAYS), 23, 59))  # a broken run may be finished days later
    places, workdays = Places(), read_workdays(first=begin)
    past = Past(days, {})
    for day in days:
        past.orders[day] = Day(day, begin, wares, shoppers, places, now, workdays).plan()
    for refund in _refunds(past, at(local_day(now), 0)):
        past.refunds[local_day(refund.at)].append(refund)
    past.dispute = _dispute(past)
    return past


def write(past: Past, shoppers: list[Shopper], *, courier: User, tell: Callable[[int, int], None]) -> None:
    """Write every day that has no cut yet."""
    closed = set(DayCut.objects.values_list("day", flat=True))
    shelf = _Shelf()
    purses = books.Purses(shoppers)
    _adopt([order for orders in past.orders.values() for order in orders])
    for done, day in enumerate(past.days, start=1):
        if day in closed:
            continue
        _write_orders(past.orders[day], shelf, courier)
        _write_refunds(past.refunds[day])
        paid = [order for order in past.orders[day] if order.row.paid_at]
        write_day(
            day,
            loads=purses.loads(day, paid),
            orders=[books.paid(order, day) for order in paid],
            later=[found for order in _before(past, day) if (found := books.answered_later(order, day))],
            refunds=[books.refund(refund) for refund in past.refunds[day]],
            disputes=[books.dispute(one) for one in [past.dispute] if one and local_day(one.at) == day],
        )
        if done % 10 == 0 or done == len(past.days):
            tell(done, len(past.days))
    settle_last_day(timezone.now())


def _adopt(orders: list[PlannedOrder]) -> None:
    """Let planned orders know the rows a broken run wrote for them: what comes back later is about those."""
    codes = [order.row.code for order in orders]
    rows = Parcel.objects.filter(order__code__in=codes).values_list("order__code", "number", "order_id", "pk")
    written = {(code, number): (order_id, parcel_id) for code, number, order_id, parcel_id in rows}
    for order in orders:
        for parcel in order.parcels:
            if found := written.get((order.row.code, parcel.row.number)):
                order.row.pk, parcel.row.pk = found


def _before(past: Past, day: date) -> Iterator[PlannedOrder]:
    """Orders of the days before: some of their parcels may be answered on this one. A hold lives a week."""
    for earlier in (day - timedelta(days=n) for n in range(7, 0, -1)):
        yield from (order for order in past.orders.get(earlier, []) if order.row.paid_at)


# ---------------------------------------------------------------- returns


def _refunds(past: Past, horizon: datetime) -> Iterator[Refund]:
    for order in (order for orders in past.orders.values() for order in orders):
        rng = Random(f"okryu refund {order.row.code}")
        for parcel in order.parcels:
            delivered = parcel.row.delivered_at
            if delivered is None or rng.random() > RETURNED:
                continue
            line = rng.choice([line for line in parcel.lines if line.kept])
            moment = delivered + timedelta(hours=rng.uniform(2, 30))
            if moment >= horizon:
                continue
            pieces = line.kept if rng.random() < 0.4 else 1
            key = UUID(int=rng.getrandbits(128), version=4)
            product = line.ware.variant.product
            is_sold_again = product.category.slug in ("clothes", "shoes-bags", "household", "electronics", "furniture")
            line.row.returned_quantity = pieces
            if all(other.row.returned_quantity == other.kept for other in parcel.lines):
                parcel.row.status, parcel.row.ended_at = Parcel.Status.RETURNED, moment
            yield Refund(order, parcel, line, pieces, moment, key, is_sold_again)


def _dispute(past: Past) -> Dispute | None:
    """One of a later week, so that staff can see what a chargeback looks like: the money of a parcel of goods."""
    refunded = {id(refund.parcel) for refunds in past.refunds.values() for refund in refunds}
    for day in past.days[DISPUTED_FROM:-7]:
        for order in past.orders[day]:
            for parcel in order.parcels:
                delivered = parcel.row.delivered_at
                if delivered and id(parcel) not in refunded and order.shopper.user.phone != people.DEMO_SHOPPER:
                    moment = at(local_day(delivered) + timedelta(days=2), 11, 20)
                    return Dispute(order, parcel, moment, uuid5(CASES, order.row.code))
    return None


def _write_refunds(refunds: list[Refund]) -> None:
    """The diary's row for each, and goods fit to be sold again back on the shelf. Nothing when they are written."""
    if OrderEvent.objects.filter(kind="refund_asked", data__key__in=[str(one.key) for one in refunds]).exists():
        return
    with transaction.atomic():
        StockMovement.objects.bulk_create(
            _movement(one.line, Kind.RETURN, cause(one.line.row, one.key.hex[:12]), one.at, on_hand=one.pieces)
            for one in refunds
            if one.is_sold_again
        )
        OrderEvent.objects.bulk_create(
            _event(one.order, one.parcel, "refund_asked", one.at, key=str(one.key), goods=one.goods, fare=0)
            for one in refunds
        )


# ---------------------------------------------------------------- the shop's rows


def _write_orders(orders: list[PlannedOrder], shelf: _Shelf, courier: User) -> None:
    """One day's orders with all that became of them until now. Nothing when a broken run wrote them."""
    if Order.objects.filter(code__in=[order.row.code for order in orders]).exists():
        return
    parcels = [parcel for order in orders for parcel in order.parcels]
    with transaction.atomic():
        Order.objects.bulk_create(order.row for order in orders)
        slots = _slots(orders)
        for order in orders:
            for parcel in order.parcels:
                parcel.row.order = order.row
                parcel.row.slot = slots.get(_slot_key(order, parcel))
                parcel.row.courier = courier if parcel.row.dispatched_at else None
        Parcel.objects.bulk_create(parcel.row for parcel in parcels)
        for parcel in parcels:
            for line in parcel.lines:
                line.row.parcel = parcel.row
        OrderLine.objects.bulk_create(line.row for parcel in parcels for line in parcel.lines)
        StockMovement.objects.bulk_create(
            movement for order in orders for parcel in order.parcels for movement in shelf.moves(order, parcel)
        )
        OrderEvent.objects.bulk_create(_in_order(event for order in orders for event in _events(order, courier)))


def _slot_key(order: PlannedOrder, parcel: PlannedParcel) -> tuple[Any, ...]:
    window = parcel.window
    if window is None:
        return ()
    zone = order.shopper.home.neighbourhood.district.zone_id
    return (zone, window.day, window.start_hour, str(parcel.row.vehicle))


def _slots(orders: list[PlannedOrder]) -> dict[tuple[Any, ...], DeliverySlot]:
    """The slot rows of these orders' windows, with the places they take counted."""
    taking: Counter[tuple[Any, ...]] = Counter()
    ends: dict[tuple[Any, ...], int] = {}
    for order in orders:
        for parcel in order.parcels:
            if parcel.window is not None:
                key = _slot_key(order, parcel)
                ends[key] = parcel.window.end_hour
                gave_back = parcel.row.status in (Parcel.Status.DECLINED, Parcel.Status.CANCELLED)
                taking[key] += 0 if gave_back else 1
    DeliverySlot.objects.bulk_create(
        [
            DeliverySlot(
                zone_id=key[0],
                day=key[1],
                start_hour=key[2],
                end_hour=ends[key],
                vehicle=key[3],
                capacity=settings.SLOT_CAPACITY[key[3]],
            )
            for key in sorted(taking)
        ],
        ignore_conflicts=True,
    )
    days = {key[1] for key in taking}
    rows = {
        (slot.zone_id, slot.day, slot.start_hour, slot.vehicle): slot
        for slot in DeliverySlot.objects.filter(day__in=days)
    }
    changed = []
    for key, count in taking.items():
        rows[key].taken += count
        changed.append(rows[key])
    DeliverySlot.objects.bulk_update(changed, ["taken"])
    return rows


@dataclass
class _Shelf:
    """What stands on each shelf while the past is written: filled up in the morning before it runs out."""

    on_hand: dict[int, int] = field(default_factory=dict)
    reserved: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for stock in Stock.objects.all():
            self.on_hand[stock.pk] = stock.on_hand
            self.reserved[stock.pk] = stock.reserved

    def moves(self, order: PlannedOrder, parcel: PlannedParcel) -> Iterator[StockMovement]:
        """A line's movements as the verbs would have written them."""
        row = parcel.row
        for line in parcel.lines:
            key, pieces = line.row.variant_id, line.row.quantity
            yield from self._fill_up(line, order.row.placed_at)
            yield _movement(line, Kind.HOLD, hold_cause(line.row), order.row.placed_at, reserved=pieces)
            self.reserved[key] += pieces
            if row.ended_at is not None and row.confirmed_at is None:
                yield self._out(line, "end", row.ended_at, pieces, is_missing=parcel.out_of_stock)
            elif row.confirmed_at is not None and line.kept < pieces:
                yield self._out(line, "short", row.confirmed_at, pieces - line.kept, is_missing=True)
            if row.delivered_at is not None and line.kept:
                self._take(key, line.kept)
                yield _movement(
                    line, Kind.SALE, cause(line.row, "sale"), row.delivered_at, on_hand=-line.kept, reserved=-line.kept
                )

    def _fill_up(self, line: PlannedLine, moment: datetime) -> Iterator[StockMovement]:
        key, usual = line.row.variant_id, line.ware.usual_stock
        free = self.on_hand[key] - self.reserved[key]
        if free - line.row.quantity >= usual // 3:
            return
        morning = moment.replace(hour=7, minute=30, second=0)
        pieces = max(usual - free, line.row.quantity - free)
        self.on_hand[key] += pieces
        yield _movement(line, Kind.RECEIPT, f"demo:receipt:{line.row.public_id}", morning, on_hand=pieces)

    def _out(self, line: PlannedLine, what: str, moment: datetime, pieces: int, *, is_missing: bool) -> StockMovement:
        self.reserved[line.row.variant_id] -= pieces
        if not is_missing:
            return _movement(line, Kind.RELEASE, cause(line.row, what), moment, reserved=-pieces)
        self.on_hand[line.row.variant_id] -= pieces
        return _movement(line, Kind.COUNT, cause(line.row, what), moment, on_hand=-pieces, reserved=-pieces)

    def _take(self, key: int, pieces: int) -> None:
        self.on_hand[key] -= pieces
        self.reserved[key] -= pieces


def _movement(
    line: PlannedLine, kind: str, cause_name: str, moment: datetime, *, on_hand: int = 0, reserved: int = 0
) -> StockMovement:
    return StockMovement(
        stock_id=line.row.variant_id,
        kind=kind,
        on_hand_change=on_hand,
        reserved_change=reserved,
        cause=cause_name,
        at=moment,
    )


def _events(order: PlannedOrder, courier: User) -> Iterator[OrderEvent]:
    """The diary as the verbs would have written it."""
    row = order.row
    yield _event(order, None, "placed", row.placed_at, by=row.user, total=row.total)
    if row.paid_at:
        yield _event(order, None, "paid", row.paid_at, payment=str(row.payment_key), amount=row.total)
    for parcel in order.parcels:
        yield from _parcel_events(order, parcel, courier)
    if row.expired_at:
        yield _event(order, None, "expired", row.expired_at)
    if row.cancelled_at:
        yield _event(order, None, "cancelled", row.cancelled_at)
    if row.closed_at:
        yield _event(order, None, "closed", row.closed_at)


def _parcel_events(order: PlannedOrder, parcel: PlannedParcel, courier: User) -> Iterator[OrderEvent]:
    row = parcel.row
    if row.confirmed_at:
        short = row.goods_total - (row.confirmed_total or 0)
        missing = "not_in_stock" if short else ""
        yield _event(order, parcel, "confirmed", row.confirmed_at, missing_won=short, missing=missing)
    if row.ready_at:
        yield _event(order, parcel, "ready", row.ready_at)
    if row.captured_at:
        yield _event(order, parcel, "captured", row.captured_at, amount=(row.confirmed_total or 0) + row.fee)
    if row.dispatched_at:
        yield _event(order, parcel, "dispatched", row.dispatched_at, by=courier)
    if row.delivered_at:
        by = courier if row.dispatched_at else None
        yield _event(order, parcel, "delivered", row.delivered_at, by=by, with_code=True)
    if row.ended_at and row.captured_at is None and order.row.paid_at:
        amount = row.goods_total + row.fee
        yield _event(order, parcel, str(row.status), row.ended_at, amount=amount, reason=row.decline_reason)


def _event(
    order: PlannedOrder, parcel: PlannedParcel | None, kind: str, moment: datetime, by: User | None = None, **data: Any
) -> OrderEvent:
    row = parcel.row if parcel else None
    return OrderEvent(order=order.row, parcel=row, kind=kind, by=by, data=data, at=moment)


def _in_order(events: Iterable[OrderEvent]) -> list[OrderEvent]:
    return sorted(events, key=lambda event: event.at)
