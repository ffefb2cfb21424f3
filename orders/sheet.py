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
from orders import promises, rescheduling
from orders.models import Order, OrderEvent, OrderLine, Parcel
from orders.parcels import Reason
from orders.paying import APPROVED, can_be_paid, why_not
from orders.timeline import Step, steps_of
from payments.models import Message, Payment

Status = Parcel.Status
Verb = Message.Verb


@dataclass(slots=True)
class Amount:
    """One row of the money: what became of a part of the hold, or, `is_refund`, what came back of a paid one."""

    label: str
    won: int
    is_refund: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What the shopper of a paid order can do first, or what happens by itself."""

    title: str
    text: str = ""
    number: int = 0  # the parcel it is about, by its number
    code: str = ""  # its hand-over code, where it is time to tell it
    may_review: bool = False


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
    can_change_time: bool = False

    @property
    def is_charged(self) -> bool:
        """Whether the receipt lists its goods: declined and cancelled ones cost nothing."""
        return self.parcel.status not in {Status.DECLINED, Status.CANCELLED}

    @property
    def promise(self) -> str:
        """What became of the promise: "open", "late", "kept" or "missed"; "" for a parcel that never came."""
        parcel = self.parcel
        due, done = (
            (parcel.promised_from, parcel.ready_at)
            if self.is_collection
            else (parcel.promised_until, parcel.delivered_at)
        )
        if parcel.status in (Status.DELIVERED, Status.RETURNED):
            return "kept" if done and done <= due else "missed"
        if parcel.status in Parcel.FINAL or parcel.order.status != Order.Status.PAID:
            return ""
        return "late" if done is None and due < timezone.now() else "open"

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
    freeing: str = ""  # an ended order's money: "asked" of the network, "unknown" whether it holds any
    next: Next | None = None
    can_be_cancelled: bool = False
    receipt_number: str = ""

    @property
    def voucher_part(self) -> int:
        """What a voucher pays of the goods that are sold and not returned."""
        lines = (line for each in self.parcels if each.is_charged for line in each.lines)
        return sum(line.discount_of(line.kept_quantity) - line.discount_of(line.returned_quantity) for line in lines)

    @property
    def has_arrived(self) -> bool:
        """Whether anything of the order stayed with whom it was for."""
        return any(each.parcel.status == Parcel.Status.DELIVERED for each in self.parcels)

    @property
    def is_waiting(self) -> bool:
        """Whether the page should look again by itself."""
        return self.state == "waiting" or bool(self.freeing)


def read_sheet(*, user: User, code: str) -> Sheet:
    """One member's order. Raises Order.DoesNotExist, for another's order too."""
    order = Order.objects.select_related("neighbourhood__district").get(user=user, code=code)
    order.user = user
    messages = _messages(order)
    payment = max((m.payment for m in messages), key=_weight, default=None)
    of_payment = [m for m in messages if payment is not None and m.payment_id == payment.pk]
    diary = list(OrderEvent.objects.filter(order=order).order_by("pk")) if order.paid_at else []
    parcels = [_parcel_sheet(order, parcel, of_payment, diary) for parcel in _parcels(order)]
    sheet = Sheet(order=order, state=_state(order, payment), parcels=parcels, payment=payment)
    if payment is not None:
        _add_money(sheet, payment, of_payment)
    if payment is not None and payment.state == Payment.State.DECLINED and order.paid_at is None:
        sheet.refusal = why_not(payment.code)
    still_open = [each for each in parcels if each.parcel.status not in Parcel.FINAL]
    sheet.can_be_cancelled = sheet.state in {"unpaid", "waiting"} or (
        order.status == Order.Status.PAID and bool(still_open) and all(each.can_be_cancelled for each in still_open)
    )
    sheet.next = next_of(sheet.parcels) if order.paid_at else None
    return sheet


def _weight(payment: Payment) -> tuple[bool, datetime]:
    """The attempt the page is about: the one that took hold of money, otherwise the latest refusal."""
    return payment.state != Payment.State.DECLINED, payment.created_at


def _messages(order: Order) -> list[Message]:
    asked = Message.objects.filter(payment__order_code=order.code).select_related("payment")
    return list(asked.order_by("created_at", "pk"))


def _parcels(order: Order) -> QuerySet[Parcel]:
    product = "variant__product"
    lines = OrderLine.objects.select_related(product).prefetch_related(f"{product}__pictures")
    lines = lines.defer(*(f"{product}__description{language}" for language in ("", "_ko_kp", "_en")))
    return (
        order.parcels.select_related("seller__district", "courier")
        .defer(*(f"seller__introduction{language}" for language in ("", "_ko_kp", "_en")))
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
        if message.verb == Verb.REFUND and _was_asked_anew(message, messages):
            continue
        label = _MONEY.get((message.verb, message.code == APPROVED if message.code else None))
        if label is None:
            continue
        seller = sellers.get(message.parcel or 0)
        words = f"{label()} · {seller}" if seller else label()
        rows.append(Amount(words, message.amount, is_refund=message.verb == Verb.REFUND))
    if _still_held(payment, messages):
        rows.append(Amount(_("Still held"), _still_held(payment, messages)))
    rows.sort(key=lambda row: row.is_refund)
    sheet.money = rows if payment.state not in (Payment.State.DECLINED, Payment.State.PENDING) else []
    sheet.taken = payment.captured - payment.refunded
    if sheet.order.status in (Order.Status.CANCELLED, Order.Status.EXPIRED):
        asked = [m for m in messages if m.code is None and m.verb in (Verb.REVERSE, Verb.RELEASE)]
        sheet.freeing = "asked" if asked else "unknown" if payment.state == Payment.State.PENDING else ""
    first = next((m for m in messages if m.verb == Verb.AUTHORISE), None)
    sheet.receipt_number = first.ref if first else ""


# What a question means for the shopper's money, by verb and whether it was agreed (None: not answered yet).
_MONEY: dict[tuple[str, bool | None], Callable[[], str]] = {
    (Verb.CAPTURE, True): lambda: pgettext("money", "Paid"),
    (Verb.CAPTURE, None): lambda: _("Asked for, no answer yet"),
    (Verb.RELEASE, True): lambda: pgettext("money", "Released"),
    (Verb.RELEASE, None): lambda: _("Release asked, no answer yet"),
    (Verb.REFUND, True): lambda: _("Refunded"),
    (Verb.REFUND, None): lambda: _("Refund asked, no answer yet"),
    (Verb.REFUND, False): lambda: _("Refund refused by the card network"),
    (Verb.REVERSE, True): lambda: pgettext("money", "Released"),
    (Verb.REVERSE, None): lambda: _("Release asked, no answer yet"),
}


def _still_held(payment: Payment, messages: list[Message]) -> int:
    """What is held and not on its way to the seller or back."""
    moving = (Verb.CAPTURE, Verb.RELEASE, Verb.REVERSE)
    return payment.held - sum(m.amount for m in messages if m.code is None and m.verb in moving)


def _was_asked_anew(refused: Message, messages: list[Message]) -> bool:
    """Whether a later question about the same return took this one's place."""
    root = refused.part.partition(".")[0]
    same = [m for m in messages if (m.verb, m.parcel, m.part.partition(".")[0]) == (Verb.REFUND, refused.parcel, root)]
    return bool(same) and same[-1].pk != refused.pk


# ------------------------------------------------------------------ parcels


def _parcel_sheet(order: Order, parcel: Parcel, messages: list[Message], diary: list[OrderEvent]) -> ParcelSheet:
    mine = [m for m in messages if m.parcel == parcel.number]
    capture = next((m for m in mine if m.verb == Verb.CAPTURE and m.code in (None, APPROVED)), None)
    lines = list(parcel.lines.all())
    for line in lines:
        say(line)
    tag, kind = _tag(order, parcel)
    sheet = ParcelSheet(parcel=parcel, lines=lines, tag=tag, tag_kind=kind, note=_note(order, parcel, mine))
    if order.paid_at is not None:
        asked = capture.amount if capture is not None and capture.code is None else 0
        sheet.steps = steps_of(parcel, lines, diary, capture_asked=asked)
        sheet.can_be_cancelled = (
            parcel.status in (Status.AWAITING, Status.CONFIRMED, Status.READY)
            and capture is None
            and order.status == Order.Status.PAID
        )
        sheet.can_change_time = rescheduling.can_be_changed(order, parcel, timezone.now())
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


def _note(order: Order, parcel: Parcel, messages: list[Message]) -> str:
    """What the shopper should know about an ended parcel."""
    if parcel.status == Status.DECLINED and parcel.decline_reason in Reason.values:
        words = _("The seller will not supply this parcel: %(reason)s.") % {
            "reason": Reason(parcel.decline_reason).label
        }
        return f"{words} {_its_money(messages)}"
    if parcel.status == Status.CANCELLED and parcel.decline_reason == Reason.NOT_COLLECTED:
        return f"{_('This parcel was not collected in time and is cancelled.')} {_its_money(messages)}"
    if parcel.status == Status.CANCELLED and order.paid_at is not None:
        return f"{_('This parcel was cancelled.')} {_its_money(messages)}"
    if parcel.status == Status.UNDELIVERABLE:
        return _("This parcel did not reach its recipient. Its goods are refunded to the card.")
    return ""


def _its_money(messages: list[Message]) -> str:
    """What became of an ended parcel's part of the hold: free again is only said once the network has said so."""
    released = [m for m in messages if m.verb == Verb.RELEASE]
    if not released:
        return _("Its money is not taken.")
    values = {"won": format_won(sum(m.amount for m in released), get_language() or "ko-kp")}
    if any(m.code is None for m in released):
        return _("The card network is asked to free the %(won)s for it; it has not answered yet.") % values
    return _("The %(won)s for it is free again on your card.") % values


# ------------------------------------------------------------------ what comes first


def next_of(parcels: list[ParcelSheet]) -> Next | None:
    """The one thing to know first: what waits for the shopper, then what is on its way, then what others do."""
    for each in parcels:
        if each.parcel.status == Status.READY and each.is_collection:
            return Next(
                _("Come and collect it"), str(each.parcel.seller), each.parcel.number, each.parcel.handover_code
            )
    for each in parcels:
        if each.parcel.status == Status.DISPATCHED:
            return Next(
                _("The courier is on the way"), str(each.parcel.seller), each.parcel.number, each.parcel.handover_code
            )
    for each in parcels:
        if each.parcel.status == Status.READY and each.parcel.failed_tries:
            words = _("Nobody was at home: the courier comes once more")
            return Next(words, str(each.parcel.seller), each.parcel.number, each.parcel.handover_code)
    for each in parcels:
        if each.parcel.status in (Status.CONFIRMED, Status.READY):
            return Next(_("Nothing to do now: it is being prepared"), str(each.parcel.seller), each.parcel.number)
    for each in parcels:
        if each.parcel.status == Status.DELIVERED:
            return Next(_("Say what it was like"), str(each.parcel.seller), each.parcel.number, may_review=True)
    return None
