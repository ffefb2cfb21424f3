"""What each answer of the network means, in words for the shopper. The raw code stays in logs and receipts.

"Nothing has been taken" is said only after a decline or a finished reversal, never on silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Same words for a wrong number and a wrong PIN: nobody can hunt for cards with them.
_NOT_RIGHT = _("The card number or PIN is not right. Nothing has been taken.")
_CANNOT_BE_USED = _("This card cannot be used. Please ask your bank.")
_OUR_FAULT = _("We made a mistake. Nothing has been taken.")
_BAD_REQUEST = _("Something was wrong with the request. Nothing has been taken.")

UNKNOWN = _("We are waiting for the card network. Do not pay again. This page tells you within a minute.")

_WORDS = {
    "00": _("Paid."),
    "51": _("There is not enough money on this card. Nothing has been taken."),
    "55": _NOT_RIGHT,
    "14": _NOT_RIGHT,
    "75": _("This card is locked after three wrong PINs. Visit your bank's card desk."),
    "54": _("This card has expired. Nothing has been taken."),
    "61": _("This is above your card's limit for one payment or one day. Nothing has been taken."),
    "65": _("This card has reached its number of payments for today. Nothing has been taken."),
    "41": _CANNOT_BE_USED,
    "43": _CANNOT_BE_USED,
    "62": _CANNOT_BE_USED,
    "57": _("This shop takes only won cards in the buyer's own name. Nothing has been taken."),
    "12": _BAD_REQUEST,
    "13": _BAD_REQUEST,
    "25": _BAD_REQUEST,
    "30": _BAD_REQUEST,
    "68": _("The card network did not answer in time. Nothing has been taken. Please pay again."),
    "91": _("The card network cannot be reached. Nothing has been taken."),
    "94": _("This page is out of date. Please look at your order."),
    "96": _OUR_FAULT,
}

# With the same card: after 51, 54, 41, 43, 62 and 57 only another card helps, after 61 and 65 waiting does.
_TRY_AGAIN = {"14", "55", "68", "91", "96"}
_OTHER_CARD = {"51", "54", "57", "41", "43", "62", "75"}


def words_for(code: str | None) -> _StrPromise:
    """What to tell the shopper about `code`; None is "not known yet"."""
    return UNKNOWN if code is None else _WORDS.get(code, _OUR_FAULT)


def may_try_again(code: str | None) -> bool:
    """Whether paying again makes sense, with this card or another."""
    return code in _TRY_AGAIN or code in _OTHER_CARD or code in {"61", "65"}
