"""What the network tells a card's holder and the desk, in words: why something is not done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments.network.decide import PIN_TRIES
from payments.network.models import Card

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

OUT_OF_DATE = _("This page is out of date. Please look at the card and open it again.")

# By the answer's code (decide.py).
_CODES = {
    "41": _("This card was reported lost. Nothing has moved."),
    "43": _("This card was reported stolen. Nothing has moved."),
    "62": _("This card is out of use. Nothing has moved."),
    "54": _("This card has expired. Nothing has moved."),
    "75": _("This card is locked after three wrong PINs. Visit your bank's card desk."),
    "57": _("Only a resident's card in won can do this. Nothing has moved."),
    "61": _("This is above the card's limit for one payment or one day. Nothing has moved."),
    "65": _("The card has reached its number of payments for today. Nothing has moved."),
    "51": _("There is not enough money available on the card. Nothing has moved."),
    "78": _("The card it should go to cannot receive money. Nothing has moved."),
}

# By the reason of acts.Refused.
_REASONS = {
    "out of date": OUT_OF_DATE,
    "own card": _("That is the card itself."),
    "no claim": _("This sending can no longer be called a mistake."),
    "claim over": _("This claim has been answered, or its time is over."),
    "deposit used": _("This deposit line was used for another card or another amount."),
    "load decided": _("This top-up has been decided already."),
    "second person": _("You have proposed it yourself: somebody else must agree."),
    "not in use": _("This card is not in use. Replace it first."),
    "replaced before": _("This card has been replaced already."),
    "other holder": _("The name is not the one on the card."),
    "number in use": _("There is a card with this number already."),
    "above maximum": _("This is above the highest limit allowed."),
}
WEAK_PIN = _("Choose another PIN: this is one of the first that anybody tries.")


def words_for_code(code: str, card: Card) -> str | _StrPromise:
    """Why `card` was not obeyed; after a wrong PIN, how often it may still be tried."""
    if code != "55":
        return _CODES.get(code, _("The network did not do this. Nothing has moved."))
    left = PIN_TRIES - card.pin_tries
    if left <= 0:
        return _("The PIN is not right. The card is now locked: visit your bank's card desk.")
    return ngettext(
        "The PIN is not right. One try is left.", "The PIN is not right. %(count)d tries are left.", left
    ) % {"count": left}


def words_for_reason(why: str) -> _StrPromise:
    return _REASONS[why]
