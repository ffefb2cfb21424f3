"""Placing an order: one transaction in which the cart becomes an order that holds goods and places for 15 minutes.

Locks, as everywhere: cart, (order,) stock rows by pk, slot rows by pk, voucher. What the shopper saw (lines, total) is
compared under these locks; a difference stops everything and is told. The same checkout token always gives the same
order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from accounts.models import District, Neighbourhood, User
from catalog import stock
from catalog.models import Stock
from okryu.calendar import local_day
from orders import cart as carts
from orders import events, promises, slots, stock_holds, vouchers
from orders.choices import Choice, Method, delivery_refusal, fees_of
from orders.models import Cart, CartLine, DeliverySlot, Order, OrderLine, Parcel, Vehicle
from orders.positions import ParcelPlan, Position, against, buyable, read_lines
from orders.workdays import Workdays, read_workdays

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Destination:
    """Where the parcels go, as typed."""

    neighbourhood: Neighbourhood  # with its district
    building: str
    unit: str = ""
    floor: str = ""
    door: str = ""
    note: str = ""

    def as_fields(self) -> dict[str, Any]:
        """The columns of an order or an address book entry."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Wish:
    """What the shopper saw and agreed to on the checkout page."""

    checkout_token: UUID
    shown_total: int
    shown_lines: dict[int, int]  # variant id → pieces
    recipient_name: str
    recipient_phone: str
    choices: dict[int, Choice]  # by seller id
    destination: Destination | None = None  # None when every parcel is collected
    meets_at_entrance: bool = False
    is_gift: bool = False
    gift_text: str = ""
    voucher: str = ""  # its code, as typed


@dataclass(frozen=True)
class Sums:
    """An order's sums in whole won."""

    goods: int
    delivery: int
    discount: int

    @property
    def total(self) -> int:
        return self.goods + self.delivery - self.discount


class Refused(Exception):
    """The order was not placed and nothing changed."""


class StaleForm(Refused):
    """The form belongs to a cart that has been ordered or never was this member's."""


class NothingToOrder(Refused):
    """No line of the cart can be bought."""


class LinesChanged(Refused):
    """The lines are not the ones shown: sold out, short, withdrawn, or changed on another device."""

    def __init__(self, positions: list[Position]) -> None:
        super().__init__(f"{len(positions)} lines")
        self.positions = positions


class TotalChanged(Refused):
    """The sum is not the one shown."""

    def __init__(self, *, shown: int, total: int) -> None:
        super().__init__(f"{shown} shown, {total} now")
        self.shown = shown
        self.total = total


class WindowGone(Refused):
    """A chosen delivery window is full or cannot be kept any more, or the parcel cannot go there."""

    def __init__(self, seller_id: int) -> None:
        super().__init__(f"seller {seller_id}")
        self.seller_id = seller_id


class _NoSlotRow(WindowGone):
    """Nobody has asked for this window yet: its row is made, outside this transaction, and the order tried again."""


class OrderTooLarge(Refused):
    """More than one order may come to."""


class TooYoung(Refused):
    """A line is sold from an age the member has not reached, or the year of birth is not known."""

    def __init__(self, position: Position, *, is_known: bool) -> None:
        super().__init__(position.variant.sku)
        self.position = position
        self.is_known = is_known


class TooMuchMedicine(Refused):
    """More boxes of medicine than one member may buy in a week."""

    def __init__(self, *, left: int) -> None:
        super().__init__(f"{left} left")
        self.left = left


class VoucherUnusable(Refused):
    """The voucher's code does not fit this order, or not any more."""

    def __init__(self, refused: vouchers.VoucherRefused) -> None:
        super().__init__(refused.reason.value)
        self.refused = refused


def order_of_token(*, user: User, token: UUID) -> Order | None:
    """The order this checkout form has already become."""
    return Order.objects.filter(user=user, checkout_token=token).first()


def place_order(*, user: User, wish: Wish, now: datetime | None = None) -> Order:
    """Make the order `wish` describes and hold its goods and places.

    Sending the same wish again, even at the same moment, gives the same order. Raises a Refused; then nothing changed.
    """
    stock_holds.release_expired_holders(wish.shown_lines)
    now = now or timezone.now()
    try:
        return _place(user, wish, now)
    except _NoSlotRow:  # the first order for its window: nearly every other finds the row
        _make_slots(wish)
        return _place(user, wish, now)


def _place(user: User, wish: Wish, now: datetime) -> Order:
    with transaction.atomic(durable=True):
        cart = Cart.objects.select_for_update(no_key=True).filter(user=user).first()
        if cart is None or cart.checkout_token != wish.checkout_token:
            # Placing renews the cart's token in its own commit: a form sent before finds its order, any other is old.
            if found := order_of_token(user=user, token=wish.checkout_token):
                return found
            raise StaleForm
        lines = read_lines(cart)
        rows = stock.lock(line.variant_id for line in lines)
        plans = _plans_as_shown(lines, rows, wish)
        _check_rules(user, plans, now)
        fares = fees_of(plans, wish.choices, district=_district(wish))
        places = _take_places(plans, wish, now)
        quoted = _quote_voucher(user, plans, wish, now)
        sums = Sums(sum(plan.goods_total for plan in plans), sum(fares), quoted.total if quoted else 0)
        _check_total(sums, wish)
        order = _write_order(user, wish, sums, now)
        priced = zip(plans, fares, strict=True)
        for line in _write_parcels(order, priced, wish=wish, places=places, quoted=quoted):
            stock.hold(rows[line.variant_id], line.quantity, cause=stock_holds.cause(line))
        if quoted:
            vouchers.take(quoted=quoted, order=order)
        carts.take_out(cart, [position.line for plan in plans for position in plan.positions])
        cart.checkout_token = uuid4()
        cart.save(update_fields=["checkout_token", "updated_at"])
        events.write(order, "placed", by=user, total=order.total)
    return order


# ---------------------------------------------------------------- comparing with what was shown


def _plans_as_shown(lines: Iterable[CartLine], rows: dict[int, Stock], wish: Wish) -> list[ParcelPlan]:
    """The parcels, when they hold exactly the pieces the shopper saw."""
    positions = against(lines, rows)
    plans = buyable(positions)
    now_there = {position.variant.pk: position.quantity for plan in plans for position in plan.positions}
    if now_there != wish.shown_lines:
        raise LinesChanged([position for position in positions if position.line.quantity != position.quantity])
    if not plans:
        raise NothingToOrder
    for plan in plans:
        _check_choice(plan, wish)
    return plans


def _check_choice(plan: ParcelPlan, wish: Wish) -> None:
    choice = wish.choices.get(plan.seller.pk)
    if choice is None:
        raise LinesChanged([])
    if choice.method == Method.COLLECTION:
        possible = plan.seller.district.is_deliverable
    else:
        district = _district(wish)
        possible = bool(choice.window and district and not delivery_refusal(plan, district))
    if not possible:
        raise WindowGone(plan.seller.pk)


def _quote_voucher(user: User, plans: Sequence[ParcelPlan], wish: Wish, now: datetime) -> vouchers.Quote | None:
    if not wish.voucher:
        return None
    try:
        return vouchers.quote(code=wish.voucher, user=user, plans=plans, now=now, locked=True)
    except vouchers.VoucherRefused as refused:
        raise VoucherUnusable(refused) from None


def _check_total(sums: Sums, wish: Wish) -> None:
    total = sums.total
    if total > settings.ORDER_LIMIT_WON:
        raise OrderTooLarge
    if total != wish.shown_total:
        raise TotalChanged(shown=wish.shown_total, total=total)


# ---------------------------------------------------------------- rules of the house


def _check_rules(user: User, plans: Sequence[ParcelPlan], now: datetime) -> None:
    positions = [position for plan in plans for position in plan.positions]
    for position in positions:
        if not position.product.minimum_age:
            continue
        if user.birth_year is None:
            raise TooYoung(position, is_known=False)
        if local_day(now).year - user.birth_year < position.product.minimum_age:
            raise TooYoung(position, is_known=True)
    boxes = sum(position.quantity for position in positions if position.product.is_medicine)
    if boxes:
        # One member's orders are placed one after the other: all of them lock the member's one cart.
        left = max(settings.MEDICINE_BOXES_PER_WEEK - _boxes_this_week(user, now), 0)
        if boxes > left:
            raise TooMuchMedicine(left=left)


def _boxes_this_week(user: User, now: datetime) -> int:
    lines = OrderLine.objects.filter(
        parcel__order__user=user,
        parcel__order__placed_at__gt=now - WEEK,
        parcel__order__status__in=[Order.Status.PLACED, Order.Status.PAID, Order.Status.CLOSED],
        variant__product__is_medicine=True,
    ).exclude(parcel__status__in=[Parcel.Status.DECLINED, Parcel.Status.CANCELLED])
    return int(lines.aggregate(boxes=Sum(Coalesce("confirmed_quantity", "quantity")))["boxes"] or 0)


# ---------------------------------------------------------------- places of delivery windows


def _make_slots(wish: Wish) -> None:
    """Slot rows for the chosen windows, of both vehicles: which one is needed is only known under the locks."""
    district = _district(wish)
    windows = {choice.window for choice in wish.choices.values() if choice.window}
    if district is None or district.zone_id is None or not windows:
        return
    slots.ensure(
        zone_id=district.zone_id,
        wanted=[(window, vehicle) for window in windows for vehicle in settings.SLOT_CAPACITY],
    )


def _take_places(plans: Sequence[ParcelPlan], wish: Wish, now: datetime) -> dict[int, DeliverySlot]:
    """One place for each delivered parcel, by seller id."""
    district = _district(wish)
    if district is None or district.zone_id is None:
        return {}
    wanted = {
        plan.seller.pk: (window, str(plan.vehicle_to(district)))
        for plan in plans
        if (window := wish.choices[plan.seller.pk].window) and wish.choices[plan.seller.pk].method == Method.DELIVERY
    }
    if not wanted:
        return {}
    rows = slots.lock(zone_id=district.zone_id, wanted=wanted.values())
    taken: dict[int, DeliverySlot] = {}
    for seller_id, (window, vehicle) in wanted.items():
        slot = rows.get((window.day, window.start_hour, vehicle))
        if window.start <= now:
            raise WindowGone(seller_id)
        if slot is None:
            raise _NoSlotRow(seller_id)
        try:
            slots.take(slot)
        except slots.SlotFull:
            raise WindowGone(seller_id) from None
        taken[seller_id] = slot
    return taken


# ---------------------------------------------------------------- writing it down


def _write_order(user: User, wish: Wish, sums: Sums, now: datetime) -> Order:
    return Order.objects.create(
        user=user,
        checkout_token=wish.checkout_token,
        language=get_language() or settings.LANGUAGE_CODE,
        recipient_name=wish.recipient_name,
        recipient_phone=wish.recipient_phone,
        meets_at_entrance=wish.meets_at_entrance,
        is_gift=wish.is_gift,
        gift_text=wish.gift_text,
        goods_total=sums.goods,
        delivery_total=sums.delivery,
        discount_total=sums.discount,
        total=sums.total,
        placed_at=now,
        hold_until=stock_holds.hold_until(now),
        **(wish.destination.as_fields() if wish.destination else {}),
    )


def _write_parcels(
    order: Order,
    priced: Iterable[tuple[ParcelPlan, int]],
    *,
    wish: Wish,
    places: dict[int, DeliverySlot],
    quoted: vouchers.Quote | None,
) -> list[OrderLine]:
    """Parcels and their lines, the lines in the order of the plans' positions."""
    off = iter(quoted.by_line if quoted else ())
    workdays = cache(partial(read_workdays, first=local_day(order.placed_at)))  # read once, if anything is collected
    written: list[OrderLine] = []
    for number, (plan, fee) in enumerate(priced, start=1):
        choice, slot = wish.choices[plan.seller.pk], places.get(plan.seller.pk)
        parcel = Parcel.objects.create(
            order=order,
            number=number,
            seller=plan.seller,
            method=choice.method,
            slot=slot,
            vehicle=slot.vehicle if slot else Vehicle.MOTORBIKE,
            weight_g=plan.weight_g,
            if_short=choice.if_short,
            fee=fee,
            goods_total=plan.goods_total,
            commission_bp=settings.COMMISSION_BASIS_POINTS[plan.seller.kind],
            **_promise(plan, choice, order.placed_at, workdays),
        )
        written += OrderLine.objects.bulk_create(
            _order_line(parcel, position, discount=next(off, 0)) for position in plan.positions
        )
    return written


def _promise(plan: ParcelPlan, choice: Choice, now: datetime, workdays: Callable[[], Workdays]) -> dict[str, datetime]:
    if choice.window and choice.method == Method.DELIVERY:
        return {"promised_from": choice.window.start, "promised_until": choice.window.end}
    ready, until = promises.collection(plan.seller, now, workdays())
    return {"promised_from": ready, "promised_until": until}


def _order_line(parcel: Parcel, position: Position, *, discount: int) -> OrderLine:
    product, variant = position.product, position.variant
    with override("ko-kp"):
        name_ko_kp = _sold_name(position)
    with override("en"):
        name_en = _sold_name(position)
    return OrderLine(
        parcel=parcel,
        variant=variant,
        name_ko_kp=name_ko_kp,
        # Without an English name pages fall back to the Korean one, and so does the order.
        name_en=name_en if _in("en", product, "name") else "",
        unit_ko_kp=_in("ko_kp", product, "unit"),
        unit_en=_in("en", product, "unit"),
        sku=variant.sku,
        unit_price=position.unit_price,
        quantity=position.quantity,
        line_total=position.line_total,
        packed_apart=position.packed_apart,
        discount=discount,
    )


def _sold_name(position: Position) -> str:
    """In the language in force; whoever packs it reads how."""
    return _("%(name)s, packed apart") % {"name": position.name} if position.packed_apart else position.name


def _in(code: str, thing: object, name: str) -> str:
    """A translated column as it stands, without falling back to the other language."""
    return getattr(thing, f"{name}_{code}") or ""


def _district(wish: Wish) -> District | None:
    return wish.destination.neighbourhood.district if wish.destination else None
