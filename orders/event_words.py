"""An order's diary in words, for the people of the bureau."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as _in

from okryu.money import format_won
from orders.models import OrderEvent

KINDS = {
    "placed": _in("order event", "Ordered"),
    "hold_extended": _in("order event", "Kept longer for payment"),
    "paid": _in("order event", "Money held on the card"),
    "payment_declined": _in("order event", "Payment refused"),
    "expired": _in("order event", "Time to pay ran out"),
    "confirmed": _in("order event", "Confirmed by the seller"),
    "ready": _in("order event", "Made ready"),
    "captured": _in("order event", "Money taken"),
    "capture_refused": _in("order event", "Taking the money refused"),
    "dispatched": _in("order event", "Courier left"),
    "delivered": _in("order event", "Handed over"),
    "undeliverable": _in("order event", "Could not be delivered"),
    "returned": _in("order event", "Returned"),
    "declined": _in("order event", "Declined by the seller"),
    "cancelled": _in("order event", "Cancelled"),
    "courier_named": _in("order event", "Courier named"),
    "phoned": _in("order event", "The courier phoned"),
    "not_home": _in("order event", "Nobody at home"),
    "not_home_again": _in("order event", "Nobody at home, back to the seller"),
    "late": _in("order event", "Late, a new time told"),
    "window_changed": _in("order event", "Delivery time changed"),
    "return_asked": _in("order event", "Return asked for"),
    "return_accepted": _in("order event", "Return accepted"),
    "return_refused": _in("order event", "Return refused"),
    "refunded": _in("order event", "Refunded to the card"),
    "refund_asked": _in("order event", "Refund asked for"),
    "refund_asked_anew": _in("order event", "Refund asked for anew"),
    "refund_refused": _in("order event", "Refund refused by the card network"),
    "release_refused": _in("order event", "Letting go of held money refused by the card network"),
    "reversal_asked": _in("order event", "Release of the held money asked for"),
    "closed": _in("order event", "Completed"),
}
SUMS = {
    "total": _("total"),
    "amount": _("amount"),
    "missing_won": _("less by"),
    "goods": _("goods"),
    "fare": _("delivery fee"),
}


def words_for(event: OrderEvent) -> str:
    return str(KINDS.get(event.kind, event.kind))


def details_of(event: OrderEvent) -> str:
    """The sums, the network's code and the reason given; keys and markers are the machine's own."""
    return " · ".join(_details(event))


def _details(event: OrderEvent) -> Iterator[str]:
    for name, label in SUMS.items():
        if event.data.get(name):
            yield f"{label} {format_won(event.data[name], get_language() or 'ko-kp')}"
    if event.data.get("courier"):
        yield str(event.data["courier"])
    if event.data.get("code"):
        yield gettext("code %(code)s") % {"code": event.data["code"]}
    for name in ("reason", "answer"):
        if event.data.get(name):
            yield str(event.data[name])
