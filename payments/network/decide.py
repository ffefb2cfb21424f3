"""The issuer's decision about one presented card: a pure function of what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from payments.gateway import APPROVED, WON

PIN_TRIES = 3
_STATUS_CODES = {"lost": "41", "stolen": "43", "blocked": "62", "closed": "62"}


@dataclass(frozen=True, slots=True)
class Facts:
    """A card and its day, read under the lock of its balance."""

    status: str
    expires_on: date
    today: date
    pin_tries: int
    pin_is_right: bool
    holder_is_right: bool
    is_resident: bool
    currency: str
    per_payment: int
    per_day: int
    count_day: int
    spent_today: int
    count_today: int
    available: int


@dataclass(frozen=True, slots=True)
class Decision:
    code: str
    pin_tries: int  # what the counter stands at afterwards


def decide(facts: Facts, amount: int) -> Decision:
    """The answer to a request for `amount` won (0 only checks the card).

    Nothing about the person is told before the PIN is right, and a locked card does not look at the PIN.
    """
    if facts.status in _STATUS_CODES:
        return Decision(_STATUS_CODES[facts.status], facts.pin_tries)
    if facts.expires_on < facts.today:
        return Decision("54", facts.pin_tries)
    if facts.pin_tries >= PIN_TRIES:
        return Decision("75", facts.pin_tries)
    if not facts.pin_is_right:
        return Decision("55", facts.pin_tries + 1)
    return Decision(_after_pin(facts, amount), 0)


def _after_pin(facts: Facts, amount: int) -> str:
    if facts.currency != WON or not facts.is_resident or not facts.holder_is_right:
        return "57"
    if amount == 0:
        return APPROVED
    if amount > facts.per_payment or facts.spent_today + amount > facts.per_day:
        return "61"
    if facts.count_today >= facts.count_day:
        return "65"
    return APPROVED if amount <= facts.available else "51"
