"""A parcel's way as its shopper follows it: what happened and when, out of the order's diary, then what comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from okryu.money import format_won
from orders.models import OrderEvent, OrderLine, Parcel
from orders.parcels import Reason

Status = Parcel.Status


@dataclass(slots=True)
class Step:
    """One dot of a parcel's timeline."""

    name: str
    at: datetime | None = None
    note: str = ""
    state: str = "next"  # done, now, next
    is_new_day: bool = False  # of another day than the step before: its date is shown


def steps_of(
    parcel: Parcel, lines: Sequence[OrderLine], events: Sequence[OrderEvent], *, capture_asked: int = 0
) -> list[Step]:
    """The paid order's parcel: every entry of `events` (the whole order's, oldest first) that is about it.

    `capture_asked` is the won the network was asked for and has not answered about.
    """
    collected = parcel.method == Parcel.Method.COLLECTION
    happened = [
        step
        for event in events
        if event.parcel_id in (parcel.pk, None)
        if (step := _happened(event, parcel, lines, collected=collected))
    ]
    if parcel.status in Parcel.FINAL:
        steps = happened
    else:
        kinds: set[str] = set()
        for event in events:
            if event.parcel_id == parcel.pk:
                kinds = kinds - {"dispatched"} if event.kind == "not_home" else kinds | {event.kind}
        asked = _("%(won)s: waiting for the card network") % {"won": _won(capture_asked)} if capture_asked else ""
        steps = happened + [
            Step(asked if asked and kind == "captured" else name)
            for kind, name in _usual_way(collected=collected)
            if kind not in kinds
        ]
    for before, step in zip([None, *happened], happened, strict=False):
        step.state = "done"
        step.is_new_day = before is None or _day(before) != _day(step)
    if happened and parcel.status != Status.DELIVERED:
        happened[-1].state = "now"
    return steps


def _usual_way(*, collected: bool) -> list[tuple[str, str]]:
    """What follows one after the other when nothing comes between, by the kind of its entry."""
    confirmed = ("confirmed", _("Confirmed by the seller"))
    if collected:
        return [confirmed, ("ready", _("Ready, come and collect it")), ("delivered", _("Handed over"))]
    return [
        confirmed,
        ("ready", _("Packed")),
        ("captured", _("Money taken")),
        ("dispatched", _("The courier has left")),
        ("delivered", _("Handed over")),
    ]


def _happened(event: OrderEvent, parcel: Parcel, lines: Sequence[OrderLine], *, collected: bool) -> Step | None:
    """The entry as a step, or None where it tells the shopper nothing about this parcel."""
    if event.parcel_id is None:
        return _of_the_order(event, parcel)
    usual = dict(_usual_way(collected=collected))
    notes: dict[str, Callable[[], str]] = {
        "confirmed": lambda: _short(lines) if event.data.get("missing_won") else "",
        "captured": lambda: _("with %(fee)s for delivery") % {"fee": _won(parcel.fee)} if parcel.fee else "",
        "dispatched": lambda: str(parcel.get_vehicle_display()),
        "late": lambda: _new_time(event),
        "window_changed": lambda: _new_time(event),
        "declined": lambda: _reason(event),
        "cancelled": lambda: _reason(event),
        "return_accepted": lambda: str(event.data.get("answer", "")),
        "return_refused": lambda: str(event.data.get("answer", "")),
    }
    names = usual | {
        "captured": _("%(won)s paid") % {"won": _won(event.data.get("amount", 0))},
        "capture_refused": _("The card network did not hand the money over; the order desk looks into it"),
        "phoned": _("The courier has phoned"),
        "not_home": _("Nobody was at home"),
        "not_home_again": _("Nobody was at home"),
        "late": _("Late: a new time"),
        "window_changed": _("Another time"),
        "declined": _("Declined by the seller"),
        "cancelled": pgettext("parcel", "Cancelled"),
        "undeliverable": _("Not delivered, back to the seller"),
        "return_asked": _("You asked to send goods back"),
        "return_accepted": _("The goods may come back"),
        "return_refused": _("The return was refused"),
        "refund_asked": _("Refund of %(won)s asked")
        % {"won": _won(event.data.get("goods", 0) + event.data.get("fare", 0))},
        "refunded": _("%(won)s refunded to the card") % {"won": _won(event.data.get("amount", 0))},
        "refund_refused": _("The card network refused the refund; the order desk looks into it"),
    }
    if event.kind not in names:
        return None
    note = notes[event.kind]() if event.kind in notes else ""
    return Step(names[event.kind], event.at, note)


def _of_the_order(event: OrderEvent, parcel: Parcel) -> Step | None:
    if event.kind == "paid":
        return Step(_("Paid by card"), event.at, _("the money is held"))
    if event.kind == "cancelled" and "because" not in event.data and parcel.status == Status.CANCELLED:
        return Step(pgettext("parcel", "Cancelled"), event.at)
    return None


def _short(lines: Sequence[OrderLine]) -> str:
    """What the seller could not supply of a confirmed parcel."""
    english = (get_language() or "").startswith("en")
    told = []
    for line in lines:
        if line.confirmed_quantity is None or line.confirmed_quantity == line.quantity:
            continue
        sentence = _("%(name)s: %(kept)d of %(asked)d. %(won)s is not taken.")
        told.append(
            sentence
            % {
                "name": (line.name_en if english else "") or line.name_ko_kp,
                "kept": line.confirmed_quantity,
                "asked": line.quantity,
                "won": _won(line.paid_for(line.quantity) - line.paid_for(line.confirmed_quantity)),
            }
        )
    return " ".join(told)


def _new_time(event: OrderEvent) -> str:
    """The window the entry names, as the country's clocks show it; "" where it names none."""
    if not (event.data.get("from") and event.data.get("until")):
        return ""
    first = localtime(datetime.fromisoformat(event.data["from"]))
    last = localtime(datetime.fromisoformat(event.data["until"]))
    return f"{first:%Y-%m-%d} {first:%H:%M}–{last:%H:%M}"


def _reason(event: OrderEvent) -> str:
    reason = event.data.get("reason")
    return str(Reason(reason).label) if reason in Reason.values else ""


def _day(step: Step) -> str:
    return f"{localtime(step.at):%Y-%m-%d}" if step.at else ""


def _won(amount: int) -> str:
    return format_won(int(amount), get_language() or "ko-kp")
