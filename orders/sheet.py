"""Everything the order's page and receipt tell, read in a handful of queries and said in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.models import User
from okryu.money import format_won
from orders import promises
from orders.models import Order, OrderLine, Parcel
from orders.parcels import Reason
from orders.paying import APPROVED, can_be_paid, why_not
from payments.models import Message, Payment

Status = Parcel.Status
Verb = Message.Verb


@dataclass(slots=True)
class Step:
    """One dot of a parcel's timeline."""

    name: str
    at: datetime | None = None
    note: str = ""

    state: str = "next"  # done, now, next


@dataclass(slots=True)
class Amount:
    label: str
    won: int


@dataclass(slots=True)
class ParcelSheet:
    parcel: Parcel
    lines: list[OrderLine]
    tag: str
    tag_kind: str  # good, wait, or "" for what has ended
    steps: list[Step] = field(default_factory=list)
    note: str = ""
    can_be_cancelled: bool = False
    shows_code: bool = False

    @property
    def is_charged(self) -> bool:
        """Whether the receipt lists its goods: declined and cancelled ones cost nothing."""
        return self.parcel.status not in {Status.DECLINED, Status.CANCELLED}

    @property
    def kept_until(self) -> datetime:
        return promises.kept_until(self.parcel)

    @property
    def is_collection(self) -> bool:
        return self.parcel.method == Parcel.Method.COLLECTION


@dataclass(slots=True)
class Sheet:
    """An order as its page shows it. `state` is one word for the whole of it."""

    order: Order
    state: str  # waiting, unpaid, run_out, expired, paid, closed, cancelled
    parcels: list[ParcelSheet]
    payment: Payment | None  # the latest attempt
    refusal: str | Promise = ""  # why the latest attempt took nothing
    money: list[Amount] = field(default_factory=list)
    taken: int = 0  # captured and not given back
    freeing: bool = False  # a cancelled order's money is on its way back
    can_be_cancelled: bool = False
    receipt_number: str = ""

    @property
    def voucher_part(self) -> int:
        """What a voucher pays of the goods that are sold and not returned."""
        lines = (line for each in self.parcels if each.is_charged for line in each.lines)
        return sum(line.discount_of(line.kept_quantity) - line.discount_of(line.returned_quantity) for line in lines)

    @property
    def is_waiting(self) -> bool:
        """Whether the page should look again by itself."""
        return self.state == "waiting" or self.freeing


def read_sheet(*, user: User, code: str) -> Sheet:
    """One member's order. Raises Order.DoesNotExist, for another's order too."""
    order = Order.objects.select_related("neighbourhood__district").get(user=user, code=code)
    messages = _messages(order)
    payment = max((m.payment for m in messages), key=_weight, default=None)
    of_payment = [m for m in messages if payment is not None and m.payment_id == payment.pk]
    parcels = [_parcel_sheet(order, parcel, of_payment) for parcel in _parcels(order)]
    sheet = Sheet(order=order, state=_state(order, payment), parcels=parcels, payment=payment)
    if payment is not None:
        _add_money(sheet, payment, of_payment)
    if payment is not None and payment.state == Payment.State.DECLINED and order.paid_at is None:
        sheet.refusal = why_not(payment.code)
    still_open = [each for each in parcels if each.parcel.status not in Parcel.FINAL]
    sheet.can_be_cancelled = sheet.state in {"unpaid", "waiting"} or (
        order.status == Order.Status.PAID and bool(still_open) and all(each.can_be_cancelled for each in still_open)
    )
    return sheet


def _weight(payment: Payment) -> tuple[bool, datetime]:
    """The attempt the page is about: the one that took hold of money, otherwise the latest refusal."""
    return payment.state != Payment.State.DECLINED, payment.created_at


def _messages(order: Order) -> list[Message]:
    asked = Message.objects.filter(payment__order_code=order.code).select_related("payment")
    return list(asked.order_by("created_at", "pk"))


def _parcels(order: Order) -> QuerySet[Parcel]:
    lines = OrderLine.objects.select_related("variant__product").prefetch_related("variant__product__pictures")
    return (
        order.parcels.select_related("seller__district", "courier")
        .prefetch_related(Prefetch("lines", lines))
        .order_by("number")
    )


def _state(order: Order, payment: Payment | None) -> str:
    under_way = payment is not None and payment.state == Payment.State.PENDING
    if order.status == Order.Status.PLACED:
        if under_way:
            return "waiting"
        return "unpaid" if can_be_paid(order) else "run_out"
    return str(order.status)


# ------------------------------------------------------------------ money


def _add_money(sheet: Sheet, payment: Payment, messages: list[Message]) -> None:
    sellers = {each.parcel.number: str(each.parcel.seller) for each in sheet.parcels}
    rows = [Amount(_("Held on the card"), payment.amount)] if payment.state != Payment.State.DECLINED else []
    for message in messages:
        label = _MONEY.get((message.verb, message.code == APPROVED if message.code else None))
        if label is None:
            continue
        seller = sellers.get(message.parcel or 0)
        rows.append(Amount(f"{label()} · {seller}" if seller else label(), message.amount))
    if payment.held:
        rows.append(Amount(_("Still held"), _still_held(payment, messages)))
    sheet.money = rows if payment.state not in (Payment.State.DECLINED, Payment.State.PENDING) else []
    sheet.taken = payment.captured - payment.refunded
    reversing = any(m.verb == Verb.REVERSE and m.code is None for m in messages)
    sheet.freeing = sheet.order.status in (Order.Status.CANCELLED, Order.Status.EXPIRED) and (
        reversing or payment.state == Payment.State.PENDING
    )
    first = next((m for m in messages if m.verb == Verb.AUTHORISE), None)
    sheet.receipt_number = first.ref if first else ""


# What a question means for the shopper's money, by verb and whether it was agreed (None: not answered yet).
_MONEY: dict[tuple[str, bool | None], Callable[[], str]] = {
    (Verb.CAPTURE, True): lambda: pgettext("money", "Paid"),
    (Verb.CAPTURE, None): lambda: _("Being taken"),
    (Verb.RELEASE, True): lambda: pgettext("money", "Released"),
    (Verb.RELEASE, None): lambda: _("Being released"),
    (Verb.REFUND, True): lambda: _("Refunded"),
    (Verb.REFUND, None): lambda: _("Being refunded"),
    (Verb.REVERSE, True): lambda: pgettext("money", "Released"),
    (Verb.REVERSE, None): lambda: _("Being released"),
}


def _still_held(payment: Payment, messages: list[Message]) -> int:
    """What is held and not on its way to the seller or back."""
    moving = sum(m.amount for m in messages if m.code is None and m.verb in (Verb.CAPTURE, Verb.RELEASE))
    return payment.held - moving


# ------------------------------------------------------------------ parcels


def _parcel_sheet(order: Order, parcel: Parcel, messages: list[Message]) -> ParcelSheet:
    mine = [m for m in messages if m.parcel == parcel.number]
    capture = next((m for m in mine if m.verb == Verb.CAPTURE and m.code in (None, APPROVED)), None)
    lines = list(parcel.lines.all())
    for line in lines:
        say(line)
    tag, kind = _tag(order, parcel)
    sheet = ParcelSheet(parcel=parcel, lines=lines, tag=tag, tag_kind=kind, note=_note(order, parcel))
    if order.paid_at is not None:
        sheet.steps = _steps(parcel, lines, capture)
        sheet.can_be_cancelled = (
            parcel.status in (Status.AWAITING, Status.CONFIRMED, Status.READY)
            and capture is None
            and order.status == Order.Status.PAID
        )
        coming = Status.READY if parcel.method == Parcel.Method.COLLECTION else Status.DISPATCHED
        sheet.shows_code = parcel.status in {coming, Status.READY}
    return sheet


def say(line: OrderLine) -> None:
    """The line's name and unit as sold, in the page's language."""
    english = (get_language() or "").startswith("en")
    line.shown_name = (line.name_en if english else "") or line.name_ko_kp  # type: ignore[attr-defined]
    line.shown_unit = (line.unit_en if english else "") or line.unit_ko_kp  # type: ignore[attr-defined]
    kept = line.quantity if line.confirmed_quantity is None else line.confirmed_quantity
    line.kept = kept  # type: ignore[attr-defined]
    line.short = line.quantity - kept  # type: ignore[attr-defined]
    line.kept_total = line.unit_price * kept  # type: ignore[attr-defined]


def _tag(order: Order, parcel: Parcel) -> tuple[str, str]:
    """The parcel's state in a word or two, and how it is coloured."""
    if order.status == Order.Status.PLACED:
        return (
            (_("not paid yet"), "wait")
            if order.hold_until and order.hold_until > timezone.now()
            else (_("expired"), "")
        )
    if order.status == Order.Status.EXPIRED:
        return _("expired"), ""
    collected = parcel.method == Parcel.Method.COLLECTION
    words = {
        Status.AWAITING: (_("waiting for the seller"), "wait"),
        Status.CONFIRMED: (_("being prepared"), "good"),
        Status.READY: (_("ready to collect") if collected else _("packed"), "good"),
        Status.DISPATCHED: (_("on its way"), "good"),
        Status.DELIVERED: (_("collected") if collected else _("delivered"), "good"),
        Status.RETURNED: (pgettext("parcel", "returned"), ""),
        Status.DECLINED: (_("declined"), ""),
        Status.CANCELLED: (_("cancelled"), ""),
        Status.UNDELIVERABLE: (_("not delivered"), ""),
    }
    return words[Status(parcel.status)]


def _note(order: Order, parcel: Parcel) -> str:
    """What the shopper should know about an ended parcel."""
    if parcel.status == Status.DECLINED and parcel.decline_reason in Reason.values:
        reason = Reason(parcel.decline_reason).label
        return _("The seller will not supply this parcel: %(reason)s. Its money stays yours.") % {"reason": reason}
    if parcel.status == Status.CANCELLED and parcel.decline_reason == Reason.NOT_COLLECTED:
        return _("This parcel was not collected in time and is cancelled. Its money stays yours.")
    if parcel.status == Status.CANCELLED and order.paid_at is not None:
        return _("This parcel was cancelled. Its money stays yours.")
    if parcel.status == Status.UNDELIVERABLE:
        return _("This parcel did not reach its recipient. Its goods are refunded to the card.")
    return ""


def _steps(parcel: Parcel, lines: list[OrderLine], capture: Message | None) -> list[Step]:
    """The parcel's way, told up to where it ended or to its end."""
    collected = parcel.method == Parcel.Method.COLLECTION
    steps = [
        Step(_("Confirmed by the seller"), parcel.confirmed_at, _short_note(parcel, lines)),
        Step(_("Ready, come and collect it") if collected else _("Packed"), parcel.ready_at),
    ]
    paid = _paid_step(parcel, capture)
    if not collected:
        dispatched = Step(_("The courier has left"), parcel.dispatched_at, _vehicle(parcel))
        steps += [paid, dispatched, Step(_("Handed over"), parcel.delivered_at)]
    else:
        steps += [*([paid] if capture is not None else []), Step(_("Handed over"), parcel.delivered_at)]
    if parcel.captured_at and parcel.ready_at and parcel.captured_at < parcel.ready_at:
        steps.sort(key=lambda step: (step.at is None, step.at or timezone.now()))
    if parcel.status in (Status.DECLINED, Status.CANCELLED, Status.RETURNED, Status.UNDELIVERABLE):
        happened = _mark([step for step in steps if step.at is not None])
        last = Step(_tag(parcel.order, parcel)[0].capitalize(), parcel.ended_at, state="now")
        return [*happened, last] if happened else []
    return _mark(steps) if any(step.at for step in steps) else []


def _mark(steps: list[Step]) -> list[Step]:
    happened = [step for step in steps if step.at is not None]
    for step in happened:
        step.state = "done"
    if happened and len(happened) < len(steps):
        happened[-1].state = "now"
    return steps


def _paid_step(parcel: Parcel, capture: Message | None) -> Step:
    if capture is None:
        return Step(_("Money taken"))
    won = format_won(capture.amount, get_language() or "ko-kp")
    note = ""
    if capture.fare:
        note = _("with %(fee)s for delivery") % {"fee": format_won(capture.fare, get_language() or "ko-kp")}
    if capture.code is None:
        return Step(_("%(won)s: waiting for the card network") % {"won": won}, note=note)
    return Step(_("%(won)s paid") % {"won": won}, parcel.captured_at, note)


def _short_note(parcel: Parcel, lines: list[OrderLine]) -> str:
    """What the seller could not supply of a confirmed parcel."""
    if parcel.confirmed_at is None:
        return ""
    told = []
    for line in lines:
        if line.confirmed_quantity is not None and line.confirmed_quantity < line.quantity:
            short = line.quantity - line.confirmed_quantity
            won = format_won(line.unit_price * short, get_language() or "ko-kp")
            told.append(
                _("%(name)s: %(kept)d of %(asked)d. %(won)s is not taken.")
                % {
                    "name": line.shown_name,  # type: ignore[attr-defined]
                    "kept": line.confirmed_quantity,
                    "asked": line.quantity,
                    "won": won,
                }
            )
    return " ".join(told)


def _vehicle(parcel: Parcel) -> str:
    return str(parcel.get_vehicle_display()) if parcel.dispatched_at else ""
