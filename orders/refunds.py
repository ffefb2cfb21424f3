"""Giving captured money back to the same card: a whole parcel or some of its pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog import stock
from orders import events
from orders.models import Order, OrderEvent, OrderLine, Parcel
from orders.parcels import Refused, Status, cause, close_when_all_final, free_goods, open_parcel
from orders.paying import paid_payment, settle
from payments import pay as payments
from payments.models import Message


class Goods(Enum):
    """What happens to the goods of a refund."""

    RESTOCK = "restock"  # they are sold again
    WRITE_OFF = "write_off"  # spoiled, broken or gone


def refund_lines(
    *,
    order_code: str,
    number: int,
    key: UUID,
    quantities: Mapping[UUID, int],
    goods: Goods,
    with_fee: bool = False,
    by: User | None = None,
) -> Parcel:
    """Refund `quantities` (by the lines' public ids) of a delivered parcel, with its delivery fee if asked.

    `key` is the form's: the same form posted again refunds nothing more. When all has come back the parcel is Returned.
    """
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if _is_done(order, key):
            return parcel
        asked = take_back(
            order, parcel, key=key, part=key.hex[:16], quantities=quantities, goods=goods, with_fee=with_fee, by=by
        )
    settle([asked])
    return Parcel.objects.select_related("order", "seller").get(pk=parcel.pk)


def take_back(
    order: Order,
    parcel: Parcel,
    *,
    key: UUID,
    part: str,
    quantities: Mapping[UUID, int],
    goods: Goods,
    with_fee: bool,
    by: User | None,
) -> Message:
    """The goods come back and their refund is asked, inside the caller's transaction under the order's lock.

    `part` names the question to the network within the parcel: once per return. Send what is returned after the commit.
    """
    if parcel.status not in (Status.DELIVERED, Status.RETURNED):
        raise Refused(_("Only a delivered parcel is refunded by line."))
    lines = [line for line in parcel.lines.all() if quantities.get(line.public_id)]
    back = _part_of(lines, quantities)
    _take_back(lines, quantities, goods, key, by)
    fare = _fee_left(order, parcel) if with_fee else 0
    _end_when_all_back(parcel)
    return _ask(order, parcel, key=key, part=part, back=back, fare=fare, by=by)


def refund_undelivered(
    *, order_code: str, number: int, key: UUID, goods: Goods, with_fee: bool = True, by: User | None = None
) -> Parcel:
    """A parcel whose money is taken did not reach its recipient: all of its goods are refunded, its fee if asked."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        asked = end_undelivered(order, parcel, key=key, goods=goods, with_fee=with_fee, by=by)
    settle(asked)
    return Parcel.objects.select_related("order", "seller").get(pk=parcel.pk)


def end_undelivered(
    order: Order, parcel: Parcel, *, key: UUID, goods: Goods, with_fee: bool, by: User | None
) -> list[Message]:
    """The same inside its caller's transaction; the question to settle after it."""
    if _is_done(order, key) or parcel.status == Status.UNDELIVERABLE:
        return []
    if parcel.captured_at is None or parcel.status not in (Status.CONFIRMED, Status.READY, Status.DISPATCHED):
        raise Refused(_("No money was taken for this parcel: cancel it instead."))
    lines = list(parcel.lines.all())
    back = _part_of(lines, {line.public_id: line.kept_quantity for line in lines})
    free_goods(parcel, lines, by, out_of_stock=goods == Goods.WRITE_OFF)
    for line in lines:
        line.returned_quantity = line.confirmed_quantity or 0
        line.save(update_fields=["returned_quantity"])
    parcel.status, parcel.ended_at = Status.UNDELIVERABLE, timezone.now()
    parcel.save(update_fields=["status", "ended_at"])
    events.write(order, "undeliverable", parcel=parcel, by=by)
    fare = _fee_left(order, parcel) if with_fee else 0
    asked = _ask(order, parcel, key=key, part=key.hex[:16], back=back, fare=fare, by=by)
    close_when_all_final(order)
    return [asked]


@dataclass(frozen=True, slots=True)
class Part:
    """What some pieces cost: the card's part and the voucher's, in whole won."""

    goods: int
    subsidy: int


def _part_of(lines: list[OrderLine], quantities: Mapping[UUID, int]) -> Part:
    """The part of `quantities` pieces beside those already returned: several returns add up to the whole."""
    goods = subsidy = 0
    for line in lines:
        before, after = line.returned_quantity, line.returned_quantity + quantities[line.public_id]
        goods += line.paid_for(after) - line.paid_for(before)
        subsidy += line.discount_of(after) - line.discount_of(before)
    return Part(goods, subsidy)


def _take_back(
    lines: list[OrderLine], quantities: Mapping[UUID, int], goods: Goods, key: UUID, by: User | None
) -> None:
    rows = stock.lock(line.variant_id for line in lines)
    for line in lines:
        count = quantities[line.public_id]
        if not 0 < count <= (line.confirmed_quantity or 0) - line.returned_quantity:
            raise Refused(_("No more than was delivered and not yet refunded can be refunded."))
        line.returned_quantity += count
        line.save(update_fields=["returned_quantity"])
        if goods == Goods.RESTOCK:
            stock.take_back(rows[line.variant_id], count, cause=cause(line, key.hex[:12]), by=by)


def _end_when_all_back(parcel: Parcel) -> None:
    left = any((line.confirmed_quantity or 0) > line.returned_quantity for line in parcel.lines.all())
    if not left and parcel.status == Status.DELIVERED:
        parcel.status, parcel.ended_at = Status.RETURNED, timezone.now()
        parcel.save(update_fields=["status", "ended_at"])


def _ask(order: Order, parcel: Parcel, *, key: UUID, part: str, back: Part, fare: int, by: User | None) -> Message:
    if back.goods + fare == 0:
        raise Refused(_("Choose at least one piece to refund."))
    events.write(order, "refund_asked", parcel=parcel, by=by, key=str(key), goods=back.goods, fare=fare)
    try:
        return payments.ask_refund(
            payment=paid_payment(order),
            parcel=parcel.number,
            part=part,
            seller_id=parcel.seller_id,
            goods=back.goods,
            subsidy=back.subsidy,
            fare=fare,
            commission_bp=parcel.commission_bp,
        )
    except payments.TooMuch:
        raise Refused(_("That is more than was taken and not yet refunded.")) from None


def ask_refund_anew(*, message_id: UUID, by: User | None = None) -> Message:
    """Ask the network anew for a refund it has refused, for what of it is left by now; the question as it stands then.

    Raises Refused when nothing is left, Message.DoesNotExist.
    """
    with transaction.atomic(durable=True):
        refused = Message.objects.select_related("payment").get(pk=message_id, verb=Message.Verb.REFUND)
        order, parcel = open_parcel(refused.payment.order_code, refused.parcel or 0)
        try:
            asked = payments.ask_refund_anew(refused=refused)
        except payments.TooMuch:
            raise Refused(_("Nothing is left to give back: the card's bank has had it returned.")) from None
        if asked.code is None and asked.tries == 0:
            events.write(order, "refund_asked_anew", parcel=parcel, by=by, goods=asked.goods, fare=asked.fare)
    settle([asked])
    return Message.objects.get(pk=asked.pk)


def _is_done(order: Order, key: UUID) -> bool:
    return OrderEvent.objects.filter(order=order, kind="refund_asked", data__key=str(key)).exists()


def _fee_left(order: Order, parcel: Parcel) -> int:
    """The parcel's delivery fee, as long as nothing gave it back or is about to; a refused refund gave nothing."""
    return payments.fare_left(payment=paid_payment(order), parcel=parcel.number)
