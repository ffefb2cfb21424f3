"""The boundary between the shop and a card network: what is asked, what is answered, by which words.

`settings.PAYMENT_GATEWAY` names the class that answers; `gateway()` puts it behind a `Line`, which bounds each
call's time and takes what it does not understand for no answer. The shop never calls it inside a database
transaction, and never concludes anything from silence: `NoAnswer` means "unknown", not "no".
"""

from __future__ import annotations

import functools
import hashlib
import logging
import queue
import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import NoReturn, Protocol, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

logger = logging.getLogger(__name__)
R = TypeVar("R")

APPROVED = "00"
WON = "KPW"
# Field 39 as far as it says what became of a question. 91 and 96 only say that the network is in trouble.
CODES = frozenset(
    ["00", "12", "13", "14", "25", "30", "41", "43", "51", "54", "55", "57", "61", "62", "65", "68", "75", "94"]
)
SHOP = "okryu"  # how the network names this shop in its files
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
    # Said back, so that an answer to another question is not taken for this one's.
    about: UUID | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A card checked without taking anything. The token stands for the card from now on."""

    code: str
    token: UUID | None = None
    last4: str = ""


class Gateway(Protocol):
    """Every call may raise NoAnswer. All but `verify` answer the same again to the same id or day."""

    def authorise(self, ask: Ask, card: Presented) -> Answer: ...

    def tell(self, ask: Ask) -> Answer:
        """Capture, release, refund or reverse: repeat until answered."""

    def inquire(self, message_id: UUID) -> Answer | None:
        """What was answered to this question; None when it was never heard."""

    def verify(self, card: Presented) -> Verified: ...

    def file(self, day: date) -> bytes:
        """The settlement file of a closed day, always the same bytes. Raises NoAnswer while there is none."""


# ---------------------------------------------------------------- the line


def gateway() -> Gateway:
    """The card network this shop talks to."""
    path = "payments.faults.FaultyGateway" if settings.PAYMENT_FAULTS else settings.PAYMENT_GATEWAY
    return Line(_gateway_class(path)())


@cache
def _gateway_class(path: str) -> type:
    return cast(type, import_string(path))


class Line:
    """A gateway whose every call ends in time, with an answer that can be one or with NoAnswer."""

    def __init__(self, inner: Gateway) -> None:
        self._inner = inner

    @sensitive_variables("card")
    def authorise(self, ask: Ask, card: Presented) -> Answer:
        return understood(self._call(lambda: self._inner.authorise(ask, card)), ask)

    def tell(self, ask: Ask) -> Answer:
        return understood(self._call(lambda: self._inner.tell(ask)), ask)

    def inquire(self, message_id: UUID) -> Answer | None:
        answer = self._call(lambda: self._inner.inquire(message_id))
        if answer is None or _is_answer(answer, message_id):
            return answer
        return _not_understood(message_id)

    @sensitive_variables("card")
    def verify(self, card: Presented) -> Verified:
        verified = self._call(lambda: self._inner.verify(card))
        return verified if _is_verified(verified) else _not_understood("verify")

    def file(self, day: date) -> bytes:
        content = self._call(lambda: self._inner.file(day))
        return content if isinstance(content, bytes) else _not_understood(f"the file of {day}")

    def _call(self, call: Callable[[], R]) -> R:
        try:
            # A network in this process uses the thread's own connection to the database, whose limits bound it.
            return call() if getattr(self._inner, "in_process", False) else _within_budget(call)
        except OSError as error:  # refused, reset, timed out
            logger.warning("the line to the network failed: %s", type(error).__name__)
            raise NoAnswer from error


def understood(answer: Answer, ask: Ask) -> Answer:
    """The answer, if it can be one to this very question. Raises NoAnswer."""
    fits = _is_answer(answer, ask.id)
    if fits and answer.code == APPROVED:
        fits = answer.amount == ask.amount and (ask.verb != "authorise" or _is_hold(answer))
    return answer if fits else _not_understood(ask.id)


def _is_answer(answer: object, about: UUID) -> bool:
    return (
        isinstance(answer, Answer)
        and isinstance(answer.code, str)
        and answer.code in CODES
        and answer.about == about
        and isinstance(answer.ref, str)
        and re.fullmatch(r"[ -~]{0,32}", answer.ref) is not None
        and (answer.code != APPROVED or isinstance(answer.amount, int))
    )


def _is_hold(answer: Answer) -> bool:
    moment = answer.expires_at
    return _is_last4(answer.last4) and isinstance(moment, datetime) and moment.tzinfo is not None


def _is_verified(verified: object) -> bool:
    if not isinstance(verified, Verified) or not isinstance(verified.code, str) or verified.code not in CODES:
        return False
    if verified.code != APPROVED:
        return verified.token is None
    return isinstance(verified.token, UUID) and _is_last4(verified.last4)


def _is_last4(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9]{4}", text) is not None


def _not_understood(about: UUID | str) -> NoReturn:
    logger.warning("what the network answered to %s is no answer to it", about)
    raise NoAnswer


# Calls that may hang at once: beyond them the network is taken for silent, and no more threads are spent on it.
_lines = threading.BoundedSemaphore(16)


def _within_budget(call: Callable[[], R]) -> R:
    """What `call` returns or raises within NETWORK_TIMEOUT_SECONDS. One given up goes on: its outcome is unknown."""
    if not _lines.acquire(blocking=False):
        raise NoAnswer
    ended: queue.SimpleQueue[Callable[[], R]] = queue.SimpleQueue()

    def work() -> None:
        try:
            result = call()
            ended.put(lambda: result)
        except BaseException as error:
            ended.put(functools.partial(_raise, error))
        finally:
            _lines.release()

    threading.Thread(target=work, daemon=True).start()
    try:
        outcome = ended.get(timeout=settings.NETWORK_TIMEOUT_SECONDS)
    except queue.Empty:
        logger.warning("the network did not answer within %s s", settings.NETWORK_TIMEOUT_SECONDS)
        raise NoAnswer from None
    return outcome()


def _raise(error: BaseException) -> NoReturn:
    raise error


# ---------------------------------------------------------------- numbers


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
