"""What the shop tells a member about an order, step by step: into the inbox, and its title as a short message.

A diary entry asks for it: orders/events.py lets a job call `tell` once the step has committed. The entry is the
inbox message's cause, so any number of workers tell it once; whatever the operator's gateway does, it does to a job.
A title fits one short message: 70 letters in Korean, 160 plain ones in English.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from accounts import inbox, sms
from accounts.models import InboxMessage
from accounts.phone import shown_phone
from okryu.money import format_won
from orders import promises, receipts
from orders.models import Order, OrderEvent, Parcel
from orders.parcels import Reason
from orders.paying import paid_payment, why_not
from payments.models import Message, Payment

NAME_LETTERS = 16  # of a seller's name in a title
# A refusal the shopper saw on the page right away needs no message; one that came later does.
SEEN_AT_ONCE = timedelta(seconds=20)
# What a recipient who is not the member hears of, by short message only, and never with a price.
ARRIVING = frozenset({"ready", "dispatched", "not_home"})


@dataclass(frozen=True, slots=True)
class Told:
    """One diary entry with what its words need."""

    event: OrderEvent
    order: Order
    parcel: Parcel | None

    @property
    def seller(self) -> str:
        """The seller's name, short enough for a title."""
        name = str(self.parcel.seller) if self.parcel else ""
        return name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 2].rstrip() + ".."

    @property
    def names(self) -> dict[str, str]:
        return {"order": self.order.shown_code, "seller": self.seller}

    def won(self, name: str = "amount") -> str:
        return _won(int(self.event.data.get(name, 0)))


def tell(event_id: int) -> InboxMessage | None:
    """Write the message about one diary entry; None when it was told before or there is nothing to tell."""
    event = (
        OrderEvent.objects.select_related("order__user", "parcel__seller__district", "parcel__courier")
        .filter(pk=event_id)
        .first()
    )
    if event is None or event.kind not in WORDS or not _is_news(event):
        return None
    told = Told(event, event.order, event.parcel)
    with transaction.atomic():
        message = inbox.write(
            event.order.user,
            cause=f"order:{event.pk}",
            say=lambda: _say(told),
            path=event.order.get_absolute_url(),
        )
        if message and _concerns_recipient(event):
            app.configure_task("orders.tasks.tell_recipient").defer(event_id=event.pk)
    return message


def tell_recipient(event_id: int) -> None:
    """Tell whoever the parcel is for, in the order's language. Raises what the sender raises."""
    event = OrderEvent.objects.select_related("order__user", "parcel__seller", "parcel__courier").get(pk=event_id)
    with translation.override(event.order.language):
        text = sms.in_one(_recipient_words(Told(event, event.order, event.parcel)))
    sms.sender().send(phone=event.order.recipient_phone, text=text)


def _concerns_recipient(event: OrderEvent) -> bool:
    """Whether somebody else receives it, and it is time that they know: on the day it comes, or when it waits."""
    if event.kind == "ready" and event.parcel and event.parcel.method == Parcel.Method.DELIVERY:
        return False
    return event.kind in ARRIVING and event.order.recipient_phone != event.order.user.phone


def _say(told: Told) -> tuple[str, str]:
    title, text = WORDS[told.event.kind](told)
    return sms.in_one(title), text


def _is_news(event: OrderEvent) -> bool:
    if event.kind == "cancelled":
        return "because" not in event.data  # otherwise each parcel's end was told
    if event.kind == "payment_declined":
        asked = Payment.objects.filter(pk=event.data["payment"]).values_list("created_at", flat=True).first()
        return asked is not None and event.at - asked > SEEN_AT_ONCE
    return True


# ------------------------------------------------------------------ the order


def _placed(told: Told) -> tuple[str, str]:
    values = told.names | {"won": _won(told.order.total)}
    if told.order.hold_until is None:
        return _("Okryu: order %(order)s is placed, %(won)s") % values, ""
    values["clock"] = _clock(told.order.hold_until)
    return (
        _("Okryu: order %(order)s is placed. Pay %(won)s by %(clock)s") % values,
        _("The goods and delivery times are kept for you until then. Nothing has been taken yet."),
    )


def _expired(told: Told) -> tuple[str, str]:
    return (
        _("Okryu: the time to pay for order %(order)s ran out") % told.names,
        _("The goods are on sale again; you are welcome to order them once more."),
    )


def _paid(told: Told) -> tuple[str, str]:
    payment = Payment.objects.get(pk=told.event.data["payment"])
    asked = Message.objects.filter(payment=payment, verb=Message.Verb.AUTHORISE).first()
    return (
        receipts.short_text(told.order, payment, asked.ref if asked else ""),
        _("The amount is only held. When a seller has its part ready, that part is taken. The sellers answer now."),
    )


def _payment_declined(told: Told) -> tuple[str, str]:
    return (
        _("Okryu: order %(order)s is not paid, nothing was taken") % told.names,
        f"{why_not(told.event.data.get('code'))} {_('You can pay for the same order again.')}",
    )


def _cancelled(told: Told) -> tuple[str, str]:
    if told.parcel is not None:
        return _parcel_cancelled(told)
    if told.order.paid_at is None:
        return _("Okryu: order %(order)s is cancelled") % told.names, _("Nothing has been taken.")
    return (
        _("Okryu: order %(order)s is cancelled") % told.names,
        _("The card network is asked to free the %(won)s held on your card.") % {"won": _won(told.order.total)},
    )


# ------------------------------------------------------------------ the seller's answer


def _confirmed(told: Told) -> tuple[str, str]:
    missing = int(told.event.data.get("missing_won", 0))
    if missing:
        title = _("Okryu %(order)s: %(seller)s has only a part, %(won)s is not taken")
        return title % (told.names | {"won": _won(missing)}), f"{_what_is_missing(told)} {_when(told)}"
    return _("Okryu %(order)s: %(seller)s has confirmed") % told.names, _when(told)


def _what_is_missing(told: Told) -> str:
    """Cider: 5 of 6. For each line the seller has less of."""
    english = (get_language() or "").startswith("en")
    sentences = [
        _("%(name)s: %(kept)d of %(asked)d.")
        % {
            "name": (line.name_en if english else "") or line.name_ko_kp,
            "kept": line.kept_quantity,
            "asked": line.quantity,
        }
        for line in (told.parcel.lines.all() if told.parcel else ())
        if line.kept_quantity < line.quantity
    ]
    return " ".join(sentences)


def _when(told: Told) -> str:
    """The promise in a sentence."""
    assert told.parcel is not None  # noqa: S101 - a seller's answer is about a parcel
    if told.parcel.method == Parcel.Method.COLLECTION:
        values = {"time": _moment(told.parcel.due_from), "place": told.parcel.seller.district}
        return _("It can be collected from %(time)s, %(place)s.") % values
    return _("It comes %(window)s.") % {"window": _window(told)}


def _declined(told: Told) -> tuple[str, str]:
    reason = str(told.event.data.get("reason", ""))
    known = Reason(reason).label if reason in Reason.values else Reason.OTHER.label
    text = _("The reason: %(reason)s. The %(won)s for it will not be taken.")
    return (
        _("Okryu %(order)s: %(seller)s will not supply its parcel") % told.names,
        text % {"reason": known, "won": told.won()},
    )


def _parcel_cancelled(told: Told) -> tuple[str, str]:
    text = _("The %(won)s for it will not be taken.") % {"won": told.won()}
    if told.event.data.get("reason") == Reason.NOT_COLLECTED:
        return _("Okryu %(order)s: the parcel of %(seller)s was not collected in time") % told.names, text
    return _("Okryu %(order)s: the parcel of %(seller)s is cancelled") % told.names, text


# ------------------------------------------------------------------ on its way


def _ready(told: Told) -> tuple[str, str]:
    assert told.parcel is not None  # noqa: S101 - only a parcel is made ready
    if told.parcel.method == Parcel.Method.DELIVERY:
        return _("Okryu %(order)s: the parcel of %(seller)s is packed") % told.names, _when(told)
    values = told.names | {"until": _moment(promises.kept_until(told.parcel))}
    return (
        _("Okryu %(order)s: collect it at %(seller)s until %(until)s") % values,
        _("Show the hand-over code at the counter: it stands on the order's page. The money is taken then."),
    )


def _captured(told: Told) -> tuple[str, str]:
    values = told.names | {"won": told.won(), "last4": paid_payment(told.order).last4}
    return (
        _("Okryu %(order)s: %(won)s taken from card %(last4)s for %(seller)s") % values,
        _("The receipt stands on the order's page."),
    )


def _dispatched(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: the parcel of %(seller)s is on its way, %(window)s")
        % (told.names | {"window": _window(told)}),
        _("The courier calls first. Tell the hand-over code: it stands on the order's page.") + f" {_courier(told)}",
    )


def _not_home(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: the courier found nobody at home") % told.names,
        _("The courier comes once more within 24 hours, free of charge. Please answer the telephone.")
        + f" {_courier(told)}",
    )


def _late(told: Told) -> tuple[str, str]:
    if told.parcel is not None and told.parcel.method == Parcel.Method.COLLECTION:
        values = told.names | {"time": _moment(datetime.fromisoformat(told.event.data["from"]))}
        return (
            _("Okryu %(order)s: the parcel of %(seller)s is late. Ready from %(time)s") % values,
            _("We are sorry. You can still cancel it on the order's page."),
        )
    return (
        _("Okryu %(order)s: the parcel of %(seller)s is late. New time: %(window)s")
        % (told.names | {"window": _window(told)}),
        _("We are sorry. You can still cancel what has not been handed to the courier, or choose another time."),
    )


def _window_changed(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: the parcel of %(seller)s comes %(window)s") % (told.names | {"window": _window(told)}),
        _("The delivery time was changed."),
    )


def _delivered(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: the parcel of %(seller)s is handed over") % told.names,
        _("You can say what it was like, or send goods back, on the order's page."),
    )


def _undeliverable(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: the parcel of %(seller)s could not be delivered") % told.names,
        _("It went back to the seller. The card network is asked to refund its goods."),
    )


def _refunded(told: Told) -> tuple[str, str]:
    values = told.names | {"won": told.won(), "last4": paid_payment(told.order).last4}
    return (
        _("Okryu %(order)s: %(won)s is back on card %(last4)s") % values,
        _("Refunded for the parcel of %(seller)s.") % {"seller": str(told.parcel.seller) if told.parcel else ""},
    )


def _return_accepted(told: Told) -> tuple[str, str]:
    text = _(
        "Give the goods to the seller or to the courier who calls. The money is refunded once they were looked at."
    )
    return (
        _("Okryu %(order)s: %(seller)s takes the goods back") % told.names,
        f"{text} {told.event.data.get('answer', '')}".strip(),
    )


def _return_refused(told: Told) -> tuple[str, str]:
    return (
        _("Okryu %(order)s: %(seller)s does not take the goods back") % told.names,
        _("The reason: %(reason)s") % {"reason": told.event.data.get("answer", "")},
    )


WORDS: dict[str, Callable[[Told], tuple[str, str]]] = {
    "placed": _placed,
    "expired": _expired,
    "paid": _paid,
    "payment_declined": _payment_declined,
    "confirmed": _confirmed,
    "declined": _declined,
    "ready": _ready,
    "captured": _captured,
    "dispatched": _dispatched,
    "not_home": _not_home,
    "late": _late,
    "window_changed": _window_changed,
    "delivered": _delivered,
    "undeliverable": _undeliverable,
    "cancelled": _cancelled,
    "refunded": _refunded,
    "return_accepted": _return_accepted,
    "return_refused": _return_refused,
}


def _recipient_words(told: Told) -> str:
    """For the recipient of somebody else's order: who sent it, when it comes, the code to tell. No price, no goods."""
    parcel = told.parcel
    values = {
        "giver": told.order.user.name[:NAME_LETTERS],
        "window": _window(told),
        "code": parcel.handover_code if parcel else "",
    }
    # The code stands first and the giver last: a Korean name in an English text leaves 70 letters, the rest is cut.
    if told.event.kind == "not_home":
        return _("Okryu code %(code)s: nobody was at home, the courier comes once more") % values
    if told.event.kind == "ready" and parcel is not None:
        values |= {"seller": told.seller, "until": _moment(promises.kept_until(parcel))}
        return _("Okryu code %(code)s: collect it at %(seller)s until %(until)s. From %(giver)s") % values
    if told.order.is_gift:
        return _("Okryu code %(code)s for the courier: a gift comes %(window)s, from %(giver)s") % values
    return _("Okryu code %(code)s for the courier: a parcel comes %(window)s, from %(giver)s") % values


# ------------------------------------------------------------------ words of time and money


def _window(told: Told) -> str:
    """11월 30일 18~20시, 30 November 18-20h: the time told with the entry, otherwise the parcel's as it stands."""
    data = told.event.data
    if data.get("from") and data.get("until"):
        first, last = datetime.fromisoformat(data["from"]), datetime.fromisoformat(data["until"])
    elif told.parcel is not None:
        first, last = told.parcel.due_from, told.parcel.due_until
    else:
        return ""
    first, last = localtime(first), localtime(last)
    hours = {"day": _day(first), "first": f"{first:%H}", "last": f"{last:%H}" if last.hour else "24"}
    return _("%(day)s, %(first)s-%(last)sh") % hours


def _day(local: datetime) -> str:
    if (get_language() or "").startswith("en"):
        return f"{local.day} {local:%B}"
    return f"{local.month}월 {local.day}일"


def _moment(moment: datetime) -> str:
    local = localtime(moment)
    return f"{_day(local)} {local:%H:%M}"


def _clock(moment: datetime) -> str:
    return date_format(localtime(moment), "TIME_FORMAT")


def _courier(told: Told) -> str:
    if told.parcel is None or told.parcel.courier is None:
        return ""
    courier = told.parcel.courier
    return _("Courier: %(name)s, %(phone)s.") % {"name": courier.name, "phone": shown_phone(courier.phone)}


def _won(amount: int) -> str:
    return format_won(amount, get_language() or "ko-kp")
