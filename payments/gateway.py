"""The boundary between the shop and a card network: what is asked, what is answered, by which words.

`settings.PAYMENT_GATEWAY` names the class that answers. The shop never calls it inside a database
transaction, and never concludes anything from silence: `NoAnswer` means "unknown", not "no".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

APPROVED = "00"
WON = "KPW"
CARD_NUMBER_DIGITS = 17
PIN_DIGITS = 4


class NoAnswer(Exception):
    """The outcome is unknown. Ask again with the same id; never guess."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. The same question has the same id for ever, so a repeat moves nothing twice."""

    id: UUID
    verb: str  # authorise, capture, release, refund, reverse
    amount: int  # whole won
    of: UUID  # the authorisation it is about: its own id when it is one
    reference: str = ""  # the order's code, as the card's holder will read it on /card/
    currency: str = WON


@dataclass(frozen=True, slots=True)
class Presented:
    """A card as typed in, and the name it must belong to. Lives for one request; never stored, never logged."""

    number: str = field(repr=False)
    pin: str = field(repr=False)
    holder: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Answer:
    code: str  # ISO 8583 field 39; words.py says them
    ref: str = ""  # the network's own reference, for the receipt
    last4: str = ""  # of the card that was authorised
    expires_at: datetime | None = None  # until when an authorisation keeps the money back


@dataclass(frozen=True, slots=True)
class Verified:
    """A card checked without taking anything. The token stands for the card from now on."""

    code: str
    token: UUID | None = None
    last4: str = ""


class Gateway(Protocol):
    """Every call may raise NoAnswer. All but `verify` answer the same again to the same id."""

    def authorise(self, ask: Ask, card: Presented) -> Answer: ...

    def tell(self, ask: Ask) -> Answer:
        """Capture, release, refund or reverse: repeat until answered."""

    def inquire(self, message_id: UUID) -> Answer | None:
        """What was answered to this question; None when it was never heard."""

    def verify(self, card: Presented) -> Verified: ...


@cache
def _gateway_class(path: str) -> type:
    return cast(type, import_string(path))


def gateway() -> Gateway:
    """The card network this shop talks to."""
    return cast(Gateway, _gateway_class(settings.PAYMENT_GATEWAY)())


_SEPARATORS = re.compile(r"[\s\-‐–.]+")


def normalise_card_number(text: str) -> str:
    """The 17 digits of a card number typed with or without gaps.

    Raises ValueError for another length, other characters, or a wrong last digit: help while typing,
    no proof that the card exists.
    """
    digits = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(rf"[0-9]{{{CARD_NUMBER_DIGITS}}}", digits) or not luhn(digits):
        raise ValueError("not a card number")
    return digits


def luhn(digits: str) -> bool:
    """Whether the last digit fits the ones before it."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def receipt_number(message_id: UUID) -> str:
    """Ten digits people can read out, the same for the same question."""
    return f"{int.from_bytes(hashlib.sha256(message_id.bytes).digest()[:8], 'big') % 10**10:010d}"
