"""One past day of the shop: who ordered what, and how each parcel fared. Plans rows, writes nothing.

The same day always comes out the same: everything is drawn from the day's own seed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from django.conf import settings

from accounts.models import CODE_ALPHABET
from catalog.models import ProductVariant, Seller
from okryu.calendar import at, local_day
from okryu.demo.baskets import Ware, Wares, fill, kind_of_basket
from okryu.demo.people import Shopper
from orders import promises
from orders.fees import Ride, delivery_fee, shared_fees, smallest_sum, vehicle_for
from orders.models import Order, OrderLine, Parcel
from orders.parcels import CAPTURE_EARLY, Reason
from orders.promises import Window
from orders.workdays import Workdays

Status = Parcel.Status
Method = Parcel.Method
# How many orders a day brings: Monday first. The shop grows by half in sixty days.
RHYTHM = (9, 9, 9, 10, 12, 12, 7)
HOURS = (8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
BUSY = (3, 6, 10, 12, 9, 8, 8, 8, 7, 6, 5)
SLOW_SELLER_MINUTES = 300  # what takes longer than this is promised for the next week and paid when confirmed
# How often things go otherwise than planned.
UNPAID, CANCELLED, DECLINED, SHORT, LATE = 0.03, 0.02, 0.03, 0.04, 0.035


@dataclass
class PlannedLine:
    row: OrderLine
    ware: Ware
    kept: int  # pieces the seller supplied


@dataclass
class PlannedParcel:
    row: Parcel
    lines: list[PlannedLine]
    window: Window | None
    out_of_stock: bool = False

    @property
    def answered_at(self) -> datetime | None:
        """When the network was told: captured, or its part of the hold given back."""
        return self.row.captured_at or self.row.ended_at


@dataclass
class PlannedOrder:
    row: Order
    shopper: Shopper
    parcels: list[PlannedParcel]


@dataclass(frozen=True)
class Refund:
    """Pieces of one delivered line that came back, and the money with them."""

    order: PlannedOrder
    parcel: PlannedParcel
    line: PlannedLine
    pieces: int
    at: datetime
    key: UUID
    is_sold_again: bool

    @property
    def goods(self) -> int:
        return self.line.row.unit_price * self.pieces


@dataclass(frozen=True)
class Dispute:
    """A delivered parcel that its buyer said never came; the network gave the money for its goods back."""

    order: PlannedOrder
    parcel: PlannedParcel
    at: datetime
    case: UUID


@dataclass
class Places:
    """Places taken in delivery windows, by zone, window and vehicle."""

    taken: defaultdict[tuple[str, Window, str], int] = field(default_factory=lambda: defaultdict(int))

    def take_first(self, zone: str, windows: list[Window], vehicle: str) -> Window | None:
        for window in windows:
            key = (zone, window, vehicle)
            # Two places stay free for those who order today for the days to come.
            if self.taken[key] < settings.SLOT_CAPACITY[vehicle] - 2:
                self.taken[key] += 1
                return window
        return None

    def give_back(self, zone: str, window: Window, vehicle: str) -> None:
        self.taken[zone, window, vehicle] -= 1


@dataclass
class Day:
    """Plans a day's orders for members who had joined by then.

    The books of the past end at `horizon`, today's first moment: what a seller answers later has not happened yet.
    Couriers, who move no money, go on until `now`.
    """

    day: date
    first_day: date
    wares: Wares
    shoppers: list[Shopper]
    places: Places
    now: datetime
    workdays: Workdays

    @property
    def horizon(self) -> datetime:
        return at(local_day(self.now), 0)

    def __post_init__(self) -> None:
        self.rng = Random(f"okryu {self.first_day} {self.day}")

    def plan(self) -> list[PlannedOrder]:
        age = (self.day - self.first_day).days
        expected = RHYTHM[self.day.weekday()] * (1 + age / 120) + self.rng.gauss(0, 1.2)
        moments = sorted(self._moment() for _ in range(max(5, round(expected))))
        planned = (self._order(moment) for moment in moments)
        return [order for order in planned if order is not None]

    def _moment(self) -> datetime:
        hour = self.rng.choices(HOURS, BUSY)[0]
        return at(self.day, hour, self.rng.randrange(60)) + timedelta(seconds=self.rng.randrange(60))

    # ------------------------------------------------------------ one order

    def _order(self, moment: datetime) -> PlannedOrder | None:
        """An order that the shop could have taken at `moment`, or None when nothing of the basket could come."""
        shopper = self._shopper()
        kind = kind_of_basket(self.rng, weekday=self.day.weekday(), hour=moment.hour)
        parcels = self._parcels(shopper, fill(self.rng, self.wares, kind), moment)
        if not parcels:
            return None
        order = PlannedOrder(self._order_row(shopper, parcels, moment), shopper, parcels)
        fate = self.rng.random()
        if fate < UNPAID:
            self._expire(order)
        elif fate < UNPAID + CANCELLED:
            self._pay(order)
            self._cancel(order)
        else:
            self._pay(order)
            self._fulfil(order)
        return order

    def _shopper(self) -> Shopper:
        joined = [shopper for shopper in self.shoppers if shopper.joined_on < self.day]
        return self.rng.choices(joined, [5 if number % 5 == 0 else 2 for number in range(len(joined))])[0]

    def _parcels(self, shopper: Shopper, basket: list[tuple[Ware, int]], moment: datetime) -> list[PlannedParcel]:
        of_seller: dict[Seller, list[tuple[Ware, int]]] = {}
        for ware, pieces in basket:
            of_seller.setdefault(ware.seller, []).append((ware, pieces))
        collects = len(of_seller) == 1 and self.rng.random() < 0.18
        parcels = []
        for seller, lines in of_seller.items():
            if parcel := self._parcel(shopper, seller, lines, moment, collects=collects):
                parcels.append(parcel)
        return parcels

    def _parcel(
        self, shopper: Shopper, seller: Seller, lines: list[tuple[Ware, int]], moment: datetime, *, collects: bool
    ) -> PlannedParcel | None:
        goods = sum(ware.variant.unit_price * pieces for ware, pieces in lines)
        weight = sum(ware.variant.product.weight_g * pieces for ware, pieces in lines)
        collects = collects and not seller.lead_days and seller.preparation_minutes <= SLOW_SELLER_MINUTES
        district = shopper.home.neighbourhood.district
        needs_van = any(ware.variant.product.needs_van for ware, _ in lines)
        vehicle = vehicle_for(weight_g=weight, needs_van=needs_van, district=district)
        window = None
        if collects:
            since, until = promises.collection(seller, moment, self.workdays)
        else:
            minimum = smallest_sum(seller, district)
            if minimum is None or goods < minimum:
                return None
            window = self._window(seller, district.zone_id or "", vehicle, moment)
            if window is None:
                return None
            since, until = window.start, window.end
        row = Parcel(
            number=0,
            seller=seller,
            method=Method.COLLECTION if collects else Method.DELIVERY,
            vehicle=vehicle,
            weight_g=weight,
            promised_from=since,
            promised_until=until,
            goods_total=goods,
            commission_bp=settings.COMMISSION_BASIS_POINTS[seller.kind],
            handover_code=f"{self.rng.randrange(10_000):04d}",
            if_short=self.rng.choices(list(Parcel.Shortage), [8, 3, 1])[0],
        )
        return PlannedParcel(row, [self._line(ware, pieces) for ware, pieces in lines], window)

    def _window(self, seller: Seller, zone: str, vehicle: str, moment: datetime) -> Window | None:
        windows = promises.windows(seller, moment, self.workdays)
        if seller.lead_days or seller.preparation_minutes > SLOW_SELLER_MINUTES:
            windows = [window for window in windows if window.start > moment + CAPTURE_EARLY + timedelta(hours=12)]
        elif self.rng.random() < 0.25:
            windows = windows[1:]  # not everyone takes the first one
        return self.places.take_first(zone, windows, vehicle)

    def _line(self, ware: Ware, pieces: int) -> PlannedLine:
        product, variant = ware.variant.product, ware.variant
        price = _price_on(variant, self.day)
        row = OrderLine(
            public_id=self._uuid(),
            variant=variant,
            name_ko_kp=f"{product.name_ko_kp} {variant.name_ko_kp}".strip(),  # type: ignore[attr-defined]
            name_en=f"{product.name_en} {variant.name_en}".strip(),  # type: ignore[attr-defined]
            unit_ko_kp=product.unit_ko_kp,  # type: ignore[attr-defined]
            unit_en=product.unit_en,  # type: ignore[attr-defined]
            sku=variant.sku,
            unit_price=price,
            quantity=pieces,
            line_total=price * pieces,
        )
        return PlannedLine(row, ware, pieces)

    def _order_row(self, shopper: Shopper, parcels: list[PlannedParcel], moment: datetime) -> Order:
        district = shopper.home.neighbourhood.district
        fees = shared_fees(
            [
                Ride(
                    parcel.row.seller.district_id,
                    parcel.window,
                    parcel.row.vehicle,
                    delivery_fee(district, parcel.row.vehicle),
                )
                if parcel.window
                else None
                for parcel in parcels
            ]
        )
        for number, (parcel, fee) in enumerate(zip(parcels, fees, strict=True), start=1):
            parcel.row.number, parcel.row.fee = number, fee
            parcel.row.goods_total = sum(line.row.line_total for line in parcel.lines)
        goods = sum(parcel.row.goods_total for parcel in parcels)
        home = shopper.home if any(parcel.window for parcel in parcels) else None
        return Order(
            code="".join(self.rng.choice(CODE_ALPHABET) for _ in range(8)),
            user=shopper.user,
            checkout_token=self._uuid(),
            payment_key=self._uuid(),
            recipient_name=shopper.user.name,
            recipient_phone=shopper.user.phone,
            goods_total=goods,
            delivery_total=sum(fees),
            total=goods + sum(fees),
            placed_at=moment,
            **({name: getattr(home, name) for name in _PLACE} if home else {}),
        )

    def _expire(self, order: PlannedOrder) -> None:
        order.row.status = Order.Status.EXPIRED
        order.row.expired_at = order.row.placed_at + timedelta(minutes=settings.ORDER_HOLD_MINUTES, seconds=40)
        for parcel in order.parcels:
            self._end(order, parcel, Status.CANCELLED, order.row.expired_at)

    # ------------------------------------------------------------ what became of it

    def _pay(self, order: PlannedOrder) -> None:
        paid = order.row.placed_at + timedelta(seconds=self.rng.randint(50, 420))
        order.row.paid_at, order.row.status = paid, Order.Status.PAID
        for parcel in order.parcels:
            row = parcel.row
            row.confirm_by = promises.answer_by(row.seller, paid, self.workdays, promised_from=row.promised_from)

    def _cancel(self, order: PlannedOrder) -> None:
        """The shopper thinks better of it before a seller has answered."""
        moment = (order.row.paid_at or order.row.placed_at) + timedelta(minutes=self.rng.randint(1, 4))
        order.row.status, order.row.cancelled_at = Order.Status.CANCELLED, moment
        for parcel in order.parcels:
            self._end(order, parcel, Status.CANCELLED, moment)

    def _fulfil(self, order: PlannedOrder) -> None:
        for parcel in order.parcels:
            self._answer(order, parcel)
            if parcel.row.confirmed_at is not None:
                self._capture(parcel)
                self._bring(parcel)
        self._close(order)

    def _answer(self, order: PlannedOrder, parcel: PlannedParcel) -> None:
        """The seller confirms, confirms less, or declines, in time."""
        row = parcel.row
        paid = order.row.paid_at or order.row.placed_at
        slowest = {"restaurant": 8, "shop": 70, "producer": 110}[row.seller.kind]
        answered = promises.next_open(row.seller, paid, self.workdays) + timedelta(minutes=self.rng.uniform(2, slowest))
        if row.confirm_by is not None:
            answered = max(min(answered, row.confirm_by - timedelta(seconds=30)), paid + timedelta(seconds=40))
        fate = self.rng.random()
        if answered >= self.horizon:
            return
        if fate < DECLINED:
            parcel.out_of_stock = self.rng.random() < 0.7
            row.decline_reason = Reason.NOT_IN_STOCK if parcel.out_of_stock else Reason.CANNOT_MAKE
            self._end(order, parcel, Status.DECLINED, answered)
            return
        if fate < DECLINED + SHORT and row.if_short != Parcel.Shortage.CANCEL:
            _shorten(parcel)
        for line in parcel.lines:
            line.row.confirmed_quantity = line.kept
        row.confirmed_total = sum(line.row.unit_price * line.kept for line in parcel.lines)
        row.status, row.confirmed_at = Status.CONFIRMED, answered

    def _capture(self, parcel: PlannedParcel) -> None:
        """The parcel stands ready and is paid for; one promised for much later is paid for when confirmed."""
        row = parcel.row
        confirmed = row.confirmed_at or row.promised_from
        if row.promised_from > confirmed + CAPTURE_EARLY:
            row.captured_at = confirmed + timedelta(seconds=2)
            packed = at(local_day(row.promised_from) - timedelta(days=1), 15, self.rng.randrange(60))
            self._ready(row, packed)
            return
        minutes = int(self.rng.uniform(0.35, 0.9) * row.seller.preparation_minutes)
        ready = promises.add_open_minutes(row.seller, confirmed, minutes, self.workdays)
        if parcel.window is not None:
            ready = max(min(ready, row.promised_from - timedelta(minutes=5)), confirmed + timedelta(minutes=1))
        self._ready(row, ready)
        paid_for = ready if parcel.window is not None else self._collected_at(parcel, ready)
        if paid_for < self.horizon:
            row.captured_at = paid_for + timedelta(seconds=2)

    def _ready(self, row: Parcel, moment: datetime) -> None:
        if moment < self.horizon:
            row.status, row.ready_at = Status.READY, moment

    def _collected_at(self, parcel: PlannedParcel, ready: datetime) -> datetime:
        """Shops hand out while they are open; who cannot make it comes the next morning."""
        row = parcel.row
        since = max(row.promised_from, ready)
        span = (row.promised_until - since) * self.rng.uniform(0.05, 0.35)
        opening = promises.next_open(row.seller, since + span, self.workdays)
        return min(opening, row.promised_until - timedelta(minutes=2))

    def _bring(self, parcel: PlannedParcel) -> None:
        """Couriers leave before the window and arrive within it, nearly always."""
        row = parcel.row
        leaves = row.promised_from - timedelta(minutes=self.rng.randint(5, 35))
        minutes = self.rng.uniform(8, 112) if self.rng.random() >= LATE else self.rng.uniform(126, 190)
        arrives = row.promised_from + timedelta(minutes=minutes)
        if row.captured_at is None or row.ready_at is None:
            return
        if parcel.window is None:
            row.status, row.delivered_at = Status.DELIVERED, row.captured_at
            return
        leaves = max(leaves, row.captured_at, row.ready_at)
        if leaves < self.now:
            row.status, row.dispatched_at = Status.DISPATCHED, leaves
        if arrives < self.now:
            row.status, row.delivered_at = Status.DELIVERED, max(arrives, leaves)

    def _end(self, order: PlannedOrder, parcel: PlannedParcel, status: str, moment: datetime) -> None:
        parcel.row.status, parcel.row.ended_at = status, moment
        if parcel.window is not None:
            zone = order.shopper.home.neighbourhood.district.zone_id or ""
            self.places.give_back(zone, parcel.window, parcel.row.vehicle)

    def _close(self, order: PlannedOrder) -> None:
        states = {parcel.row.status for parcel in order.parcels}
        if not states <= set(Parcel.FINAL):
            return
        ends = [moment for p in order.parcels if (moment := p.row.delivered_at or p.row.ended_at)]
        if Status.DELIVERED in states:
            order.row.status, order.row.closed_at = Order.Status.CLOSED, max(ends)
        else:
            order.row.status, order.row.cancelled_at = Order.Status.CANCELLED, max(ends)

    def _uuid(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)


_PLACE = ("neighbourhood", "unit", "building", "floor", "door", "note")


def _price_on(variant: ProductVariant, day: date) -> int:
    """What a piece cost on `day`."""
    if variant.markdown_price is None or variant.markdown_from is None:
        return variant.price
    return variant.markdown_price if local_day(variant.markdown_from) <= day else variant.price


def _shorten(parcel: PlannedParcel) -> None:
    """One piece of the longest line is missing, as long as something is left to bring."""
    line = max(parcel.lines, key=lambda line: line.row.quantity)
    if line.row.quantity > 1 or len(parcel.lines) > 1:
        line.kept -= 1
