"""Who may buy: residents only. The one place that decides it.

A resident has a domestic mobile number and a domestic card in won, both in the same name. The number is
checked on joining. The card is checked by the network, which alone knows currency, holder and residency of its cards:
once before the first purchase (`Gateway.verify`), and again within every payment.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.phone import normalise_phone

# Answers of the card network, ISO 8583: 00 agreed; 57 not permitted for this card: another currency than
# won, not a resident's, or held in another name than the member's.
CARD_AGREED = "00"
CARD_NOT_PERMITTED = "57"


class NotResident(Exception):
    """The purchase or the joining is refused; `reason` is in plain words for the person."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = reason


NUMBER_REFUSED = _("Only residents with a domestic mobile number can buy here.")
CARD_REFUSED = _(
    "Only a domestic card in won can be used, and its holder's name must be the same as the member's name."
)


def require_domestic_number(phone: str) -> None:
    """Raises NotResident unless `phone` is a domestic mobile number, in any spelling."""
    try:
        normalise_phone(phone)
    except ValueError:
        raise NotResident(NUMBER_REFUSED) from None


def require_resident(*, user: User, card_code: str) -> None:
    """Before the first purchase: raises NotResident unless number, name and card together show a resident.

    `card_code` is the network's answer when it verified number, PIN and holder's name of the card. An answer
    about something else than residency (a wrong PIN, a lost card) is the payment's to tell and a ValueError here.
    """
    require_domestic_number(user.phone)
    if card_code == CARD_NOT_PERMITTED or not user.name.strip():
        raise NotResident(CARD_REFUSED)
    if card_code != CARD_AGREED:
        raise ValueError(f"code {card_code} says nothing about residency")
