"""What a seller, a courier and the order desk do to a parcel, from the first answer to the hand-over.

Every verb is one commit: it locks the order, its stock rows, its slot, its payment, in this order; checks the state it
comes from; writes the time and the event. A verb repeated after it happened changes nothing and raises nothing; one
that the parcel's state forbids raises Refused with words for the person. Questions to the card network that
a verb wrote are sent after its commit; one the network does not answer is carried on by orders/healing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.guesses import count_guess, forget_guesses
from accounts.models import User
from catalog import stock
from orders import events, slots, stock_holds, vouchers
from orders.models import Order, OrderLine, Parcel
from orders.paying import capture_is_asked, lock_order, paid_payment, settle
from payments import pay as payments
from payments.models import Message

Status = Parcel.Status
# A hold lives seven days: what is promised later than this is paid for when the seller confirms it.
CAPTURE_EARLY = timedelta(days=5)


class Refused(Exception):
    """The deed does not fit what has happened to the order; `reason` says it in plain words."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Reason(models.TextChoices):
    """Why a seller declines; kept in `Parcel.decline_reason`."""

    NOT_IN_STOCK = "not_in_stock", _("it is not in stock")
    CANNOT_MAKE = "cannot_make", _("it cannot be made in time")
    CLOSED = "closed", _("the seller is closed")
    OTHER = "other", _("the seller cannot supply it")
    SHORTAGE = "shortage", _("a part was missing and the shopper wanted all or nothing")
    SILENCE = "silence", _("the seller did not answer in time")
    EXPIRING = "expiring", _("the card holds the money no longer")
    NOT_COLLECTED = "not_collected", _("it was not collected in time")


class Missing(models.TextChoices):
    """Why a seller confirms less than was ordered."""

    NOT_IN_STOCK = "not_in_stock", _("not in stock: the count is corrected")
    OTHER = "other", _("another reason: the rest stays on sale")


def confirm_parcel(
    *,
    order_code: str,
    number: int,
    by: User | None = None,
    quantities: Mapping[UUID, int] | None = None,
    missing: Missing = Missing.NOT_IN_STOCK,
) -> Parcel:
    """The seller will supply the parcel: whole, or `quantities` by the lines' public ids (a line left out is whole).

    What is missing is released at once, in stock and in money. Where the shopper wanted all or nothing, or nothing
    is left, the parcel is declined instead.
    """
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        lines = list(parcel.lines.all())
        wanted = _wanted(lines, quantities)
        if parcel.status != Status.AWAITING:
            if parcel.confirmed_at and all(line.confirmed_quantity == wanted[line.public_id] for line in lines):
                return parcel
            raise Refused(_("This parcel has been answered already."))
        total = sum(line.unit_price * wanted[line.public_id] for line in lines)
        if total == 0:
            asked = _decline(order, parcel, lines, Reason(_DECLINED_FOR[missing]), by)
        elif total < parcel.goods_total and parcel.if_short == Parcel.Shortage.CANCEL:
            asked = _decline(order, parcel, lines, Reason.SHORTAGE, by)
        else:
            asked = _confirm(order, parcel, lines, wanted, missing=missing, by=by)
    settle(asked)
    return _fresh(parcel)


_DECLINED_FOR = {Missing.NOT_IN_STOCK: Reason.NOT_IN_STOCK, Missing.OTHER: Reason.OTHER}


def decline_parcel(*, order_code: str, number: int, reason: Reason, by: User | None = None) -> Parcel:
    """The seller will not supply the parcel: its goods, its place and its part of the money are free at once."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if parcel.status == Status.DECLINED:
            return parcel
        require_not_paid_for(parcel)
        asked = _decline(order, parcel, list(parcel.lines.all()), reason, by)
    settle(asked)
    return _fresh(parcel)


def make_ready(*, order_code: str, number: int, by: User | None = None) -> Parcel:
    """The parcel stands packed. A delivery's money is taken now: nothing leaves without it."""
    asked: list[Message] = []
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if parcel.ready_at is not None and parcel.status not in (Status.DECLINED, Status.CANCELLED):
            return parcel
        require(parcel, Status.CONFIRMED)
        parcel.status, parcel.ready_at = Status.READY, timezone.now()
        parcel.save(update_fields=["status", "ready_at"])
        events.write(order, "ready", parcel=parcel, by=by)
        if parcel.method == Parcel.Method.DELIVERY:
            asked = _ask_capture(order, parcel)
    settle(asked)
    return _fresh(parcel)


def take_payment(*, order_code: str, number: int, by: User | None = None) -> Parcel:
    """Ask the network for a confirmed parcel's money before its usual moment. Safe to repeat."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        require(parcel, Status.CONFIRMED, Status.READY)
        asked = _ask_capture(order, parcel)
    settle(asked)
    return _fresh(parcel)


def dispatch_parcel(
    *, order_code: str, number: int, by: User | None = None, courier: User | None = None, attempt: int = 0
) -> Parcel:
    """A courier leaves with the parcel. Only once the network has answered that its money is taken.

    `attempt` says which try it is, 1 or 2; named again when that try is over, nothing happens.
    """
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if 0 < attempt <= parcel.failed_tries:
            return parcel
        if parcel.dispatched_at is not None and parcel.status in (Status.DISPATCHED, Status.DELIVERED):
            return parcel
        if parcel.method == Parcel.Method.COLLECTION:
            raise Refused(_("This parcel is collected: hand it over for the code instead."))
        require(parcel, Status.READY)
        if parcel.captured_at is None:
            raise Refused(_("The card network has not confirmed the money yet. Wait until it has."))
        parcel.status, parcel.dispatched_at = Status.DISPATCHED, timezone.now()
        parcel.courier = courier or parcel.courier
        parcel.save(update_fields=["status", "dispatched_at", "courier"])
        events.write(order, "dispatched", parcel=parcel, by=by)
    return parcel


def deliver_parcel(*, order_code: str, number: int, by: User | None = None, code: str = "") -> Parcel:
    """The parcel is in its recipient's hands; its goods leave the shelf's count.

    A delivery may be handed over without the code, a wrong one is refused. A collection needs the code, and its
    money is taken now: while the network is silent the goods stay, and the same call is made again.
    Raises TooManyGuesses when codes are tried one after another.
    """
    asked: list[Message] = []
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if parcel.status == Status.DELIVERED:
            return parcel
        collected = parcel.method == Parcel.Method.COLLECTION
        require(parcel, Status.READY if collected else Status.DISPATCHED)
    _check_code(parcel, code, by, needed=collected)
    if parcel.captured_at is None:
        with transaction.atomic(durable=True):
            order, parcel = open_parcel(order_code, number)
            require(parcel, Status.READY)
            asked = _ask_capture(order, parcel)
        settle(asked)
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        return _hand_over(order, parcel, by, code)


def _hand_over(order: Order, parcel: Parcel, by: User | None, code: str) -> Parcel:
    if parcel.status == Status.DELIVERED:
        return parcel
    require(parcel, Status.READY, Status.DISPATCHED)
    if parcel.captured_at is None:
        raise Refused(_("The card network has not confirmed the money yet. Keep the parcel and try again."))
    lines = list(parcel.lines.all())
    rows = stock.lock(line.variant_id for line in lines)
    for line in lines:
        stock.sell(rows[line.variant_id], line.confirmed_quantity or 0, cause=cause(line, "sale"), by=by)
    parcel.status, parcel.delivered_at = Status.DELIVERED, timezone.now()
    parcel.save(update_fields=["status", "delivered_at"])
    events.write(order, "delivered", parcel=parcel, by=by, with_code=bool(code))
    close_when_all_final(order)
    return parcel


def _check_code(parcel: Parcel, code: str, by: User | None, *, needed: bool) -> None:
    """Compare the recipient's hand-over code; four digits are few, so tries are counted before each check."""
    if not code:
        if needed:
            raise Refused(_("Enter the hand-over code the recipient shows."))
        return
    person = {"kind": "hand-over", "name": str(parcel.pk), "address": f"staff {by.pk if by else 0}"}
    count_guess(**person)
    if code != parcel.handover_code:
        raise Refused(_("This is not the hand-over code of this parcel."))
    forget_guesses(**person)


# ------------------------------------------------------------------ parts of the verbs


def _confirm(
    order: Order,
    parcel: Parcel,
    lines: list[OrderLine],
    wanted: Mapping[UUID, int],
    *,
    missing: Missing,
    by: User | None,
) -> list[Message]:
    now = timezone.now()
    rows = stock.lock(line.variant_id for line in lines)
    give_back = stock.write_off_missing if missing == Missing.NOT_IN_STOCK else stock.release
    for line in lines:
        line.confirmed_quantity = wanted[line.public_id]
        line.save(update_fields=["confirmed_quantity"])
        short = line.quantity - line.confirmed_quantity
        give_back(rows[line.variant_id], short, cause=cause(line, "short"), by=by)
    parcel.confirmed_total = sum(line.unit_price * (line.confirmed_quantity or 0) for line in lines)
    parcel.status, parcel.confirmed_at = Status.CONFIRMED, now
    parcel.save(update_fields=["confirmed_total", "status", "confirmed_at"])
    short_won = sum(line.paid_for(line.quantity) - line.paid_for(line.kept_quantity) for line in lines)
    events.write(order, "confirmed", parcel=parcel, by=by, missing_won=short_won, missing=missing if short_won else "")
    asked: list[Message] = []
    if short_won:
        payment = paid_payment(order)
        asked.append(payments.ask_release(payment=payment, parcel=parcel.number, part="short", amount=short_won))
    if parcel.promised_from > now + CAPTURE_EARLY:
        asked += _ask_capture(order, parcel)
    return asked


def _decline(order: Order, parcel: Parcel, lines: list[OrderLine], reason: Reason, by: User | None) -> list[Message]:
    parcel.decline_reason = reason
    parcel.save(update_fields=["decline_reason"])
    return end_unpaid(order, parcel, lines, Status.DECLINED, by, out_of_stock=reason == Reason.NOT_IN_STOCK)


def end_unpaid(
    order: Order,
    parcel: Parcel,
    lines: list[OrderLine],
    status: str,
    by: User | None,
    *,
    out_of_stock: bool = False,
) -> list[Message]:
    """End a parcel whose money is only held: goods, place and its part of the hold, its fee included, are freed.

    Goods said to be out of stock lower the count instead of going back on sale.
    """
    amount = sum(line.paid_for(line.kept_quantity) for line in lines) + parcel.fee
    free_goods(parcel, lines, by, out_of_stock=out_of_stock)
    parcel.status, parcel.ended_at = status, timezone.now()
    parcel.save(update_fields=["status", "ended_at"])
    events.write(order, str(status), parcel=parcel, by=by, amount=amount, reason=parcel.decline_reason)
    payment = paid_payment(order)
    asked = payments.ask_release(payment=payment, parcel=parcel.number, part=str(status), amount=amount)
    close_when_all_final(order)
    return [asked]


def free_goods(parcel: Parcel, lines: list[OrderLine], by: User | None, *, out_of_stock: bool = False) -> None:
    """Give back what is still promised of a parcel, and its place in the delivery window."""
    rows = stock.lock(line.variant_id for line in lines)
    give_back = stock.write_off_missing if out_of_stock else stock.release
    for line in lines:
        give_back(rows[line.variant_id], line.kept_quantity, cause=cause(line, "end"), by=by)
    if parcel.slot_id is not None:
        slots.release([parcel.slot_id])


def _ask_capture(order: Order, parcel: Parcel) -> list[Message]:
    lines = list(parcel.lines.all())
    return [
        payments.ask_capture(
            payment=paid_payment(order),
            parcel=parcel.number,
            seller_id=parcel.seller_id,
            goods=sum(line.paid_for(line.kept_quantity) for line in lines),
            subsidy=sum(line.discount_of(line.kept_quantity) for line in lines),
            fare=parcel.fee,
            commission_bp=parcel.commission_bp,
        )
    ]


def cause(line: OrderLine, what: str) -> str:
    """The name of a stock movement's cause: the same step of the same line never counts twice."""
    return f"{stock_holds.cause(line)}:{what}"


def close_when_all_final(order: Order) -> None:
    """The order has ended when every parcel has: completed, or cancelled when nothing of it arrived."""
    states = set(order.parcels.values_list("status", flat=True))
    if order.status != Order.Status.PAID or not states <= set(Parcel.FINAL):
        return
    now = timezone.now()
    if states & {Status.DELIVERED, Status.RETURNED, Status.UNDELIVERABLE}:
        order.status, order.closed_at = Order.Status.CLOSED, now
        order.save(update_fields=["status", "closed_at"])
        events.write(order, "closed")
    else:
        order.status, order.cancelled_at = Order.Status.CANCELLED, now
        order.save(update_fields=["status", "cancelled_at"])
        vouchers.give_back(order)
        events.write(order, "cancelled", because="parcels")  # the member was told of each


def open_parcel(order_code: str, number: int) -> tuple[Order, Parcel]:
    """The order, locked, and one parcel of it, as they are now. Raises DoesNotExist."""
    order = lock_order(order_code)
    parcel = order.parcels.select_related("seller").get(number=number)
    if order.paid_at is None:
        raise Refused(_("This order is not paid."))
    return order, parcel


def require(parcel: Parcel, *states: str) -> None:
    if parcel.status not in states:
        raise Refused(_("This does not fit the parcel's state: %(state)s.") % {"state": parcel.get_status_display()})


def require_not_paid_for(parcel: Parcel) -> None:
    """Raises Refused once the network was asked to take the parcel's money, and for a parcel at its end."""
    require(parcel, Status.AWAITING, Status.CONFIRMED, Status.READY)
    if capture_is_asked(paid_payment(parcel.order), parcel):
        raise Refused(_("It is being handed over and its money is taken: it can only be refunded."))


def _wanted(lines: list[OrderLine], quantities: Mapping[UUID, int] | None) -> dict[UUID, int]:
    wanted = {line.public_id: line.quantity for line in lines} | dict(quantities or {})
    for line in lines:
        if not 0 <= wanted[line.public_id] <= line.quantity:
            raise Refused(_("No more than was ordered can be confirmed."))
    if len(wanted) != len(lines):
        raise Refused(_("This line is not part of the parcel."))
    return wanted


def _fresh(parcel: Parcel) -> Parcel:
    return Parcel.objects.select_related("order", "seller").get(pk=parcel.pk)
