"""The simulated network's verbs, each one durable transaction of its own: lock the card's balance, decide, write.

In READ COMMITTED the balance row is locked alone and everything else is read by the next statements: a joined
row would be read from before the lock was granted. Each verb here locks one balance, first; those about two cards
(sending.py, claims.py) lock both in the order of their ids; so nothing can deadlock.
"""

from __future__ import annotations

import functools
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import Error, IntegrityError, OperationalError, connection
from django.db.models.functions import Now
from django.views.decorators.debug import sensitive_variables

from okryu.calendar import at, local_day
from okryu.money import LIMIT
from payments.gateway import (
    APPROVED,
    CARD_NUMBER_DIGITS,
    PIN_DIGITS,
    WON,
    Answer,
    Ask,
    Presented,
    Verified,
    luhn,
    receipt_number,
)  # fmt: skip
from payments.models import Account, Transfer
from payments.network import digests
from payments.network.acting import as_network
from payments.network.decide import Facts, decide
from payments.network.models import Authorisation, Balance, Card, Chargeback, Release
from payments.rows import read_one

LATE = "68"
NO_ORIGINAL = "25"
BAD_AMOUNT = "13"
BAD_VERB = "12"
BAD_FORMAT = "30"
MISUSED_ID = "94"
NOT_PERMITTED = "57"
UNKNOWN_CARD = "14"
_NUMBER = re.compile(rf"[0-9]{{{CARD_NUMBER_DIGITS}}}")
_PIN = re.compile(rf"[0-9]{{{PIN_DIGITS}}}")
_REFERENCE = re.compile(r"[ -~]{0,32}")
State = Authorisation.State

P = ParamSpec("P")
R = TypeVar("R")
# Serialisation failure, deadlock, lock not available, and two firsts of one id: the whole verb runs again.
_AGAIN = {"40001", "40P01", "55P03", "23505"}
_LOCK_SECONDS = 2  # lock_timeout: a try begun later than this before the asker's patience ends is not heard any more


def retrying(verb: Callable[P, R]) -> Callable[P, R]:
    """Run the verb again when another transaction was in the way: at most three times, and while the asker waits."""

    @functools.wraps(verb)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        last = time.monotonic() + settings.NETWORK_TIMEOUT_SECONDS - _LOCK_SECONDS
        for pause in (0.02, 0.1):
            try:
                return verb(*args, **kwargs)
            except (OperationalError, IntegrityError) as error:
                if _sqlstate(error) not in _AGAIN or time.monotonic() > last:
                    raise
                time.sleep(pause * (1 + random.random()))  # noqa: S311 - jitter, not a secret
        return verb(*args, **kwargs)

    return wrapper


def _sqlstate(error: Error) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


# ---------------------------------------------------------------- verbs


@retrying
def authorise(ask: Ask, card: Presented) -> Answer:
    """Keep `ask.amount` won back on the card, or say why not. The same id gets the same answer for ever."""
    if refusal := refusal_of(ask) or refusal_of_shape(card):
        return Answer(refusal)
    with as_network():
        balance = _lock_balance_of_card(card.number)
        if old := read_one(Authorisation, "WHERE id = %s", [ask.id]):
            return _answer(old) if old.amount in {0, ask.amount} else Answer(MISUSED_ID)
        asked = Authorisation(
            id=ask.id,
            merchant_reference=ask.reference,
            amount=ask.amount,
            code=UNKNOWN_CARD,
            state=State.DECLINED,
            expires_at=Now(),
        )
        if balance is not None:
            asked.account_id = balance.account_id
            asked.code, asked.last4 = _judge(balance, card, ask.amount)
            asked.expires_at = balance.now + timedelta(days=settings.AUTHORISATION_LIFE_DAYS)
        if asked.code == APPROVED:
            asked.state = State.OPEN
        asked.save(force_insert=True)
        return _answer(asked)


@retrying
def verify(card: Presented) -> Verified:
    """Check a card, its PIN and its holder without taking anything. A wrong PIN counts."""
    if refusal := refusal_of_shape(card):
        return Verified(refusal)
    with as_network():
        balance = _lock_balance_of_card(card.number)
        if balance is None:
            return Verified(UNKNOWN_CARD)
        code, last4 = _judge(balance, card, 0)
        if code != APPROVED:
            return Verified(code)
        return Verified(code, token=_plastic(card.number).token, last4=last4)


@retrying
def capture(ask: Ask) -> Answer:
    """Move part of what an authorisation keeps back to the shop."""
    with as_network():
        original = _lock_original(ask)
        if done := _moved_before(ask, "capture"):
            return done
        if original is None or original.state != State.OPEN:
            return Answer(NO_ORIGINAL)
        if ask.amount > original.held:
            return Answer(BAD_AMOUNT)
        return _move(ask, "capture", debit_id=_account_of(original), credit_id=_merchant_id())


@retrying
def refund(ask: Ask) -> Answer:
    """Move captured money back to the card it came from."""
    with as_network():
        original = _lock_original(ask)
        if done := _moved_before(ask, "refund"):
            return done
        if original is None or original.state == State.DECLINED:
            return Answer(NO_ORIGINAL)
        if ask.amount > original.captured - original.refunded:
            return Answer(BAD_AMOUNT)
        return _move(ask, "refund", debit_id=_merchant_id(), credit_id=_account_of(original))


@retrying
def release(ask: Ask) -> Answer:
    """Give part of what an open authorisation keeps back to the card."""
    with as_network():
        original = _lock_original(ask)
        if old := Release.objects.filter(pk=ask.id).first():
            same = (old.authorisation_id, old.amount) == (ask.of, ask.amount)
            return Answer(APPROVED, receipt_number(ask.id)) if same else Answer(MISUSED_ID)
        # What expired is free already; writing its release down lets the asker's book end as ours.
        if original is None or original.state not in (State.OPEN, State.EXPIRED):
            return Answer(NO_ORIGINAL)
        if ask.amount > original.amount - original.captured - original.released:
            return Answer(BAD_AMOUNT)
        Release.objects.create(id=ask.id, authorisation=original, amount=ask.amount)
        return Answer(APPROVED, receipt_number(ask.id))


@retrying
def reverse(ask: Ask) -> Answer:
    """Undo a whole authorisation of which nothing is captured.

    One that was never heard of gets a tombstone: should it arrive later, it is declined as too late.
    """
    with as_network():
        original = _lock_original(ask)
        if original is None:
            Authorisation.objects.create(
                id=ask.of, amount=0, code=LATE, state=State.DECLINED, expires_at=Now(),
                merchant_reference=ask.reference,
            )  # fmt: skip
        elif original.captured:
            return Answer(BAD_VERB)
        elif original.state == State.OPEN:
            original.state = State.REVERSED
            original.save(update_fields=["state"])
        return Answer(APPROVED, receipt_number(ask.id))


class NotDisputable(Exception):
    """No such capture, or more than was captured and not yet returned."""


@retrying
def charge_back(*, case: UUID, capture: UUID, amount: int, reason: str) -> Chargeback:
    """Give `amount` won of a capture in dispute back to its card, once for each `case`; the shop reads of it later.

    Raises NotDisputable with nothing moved; ValueError when the case's number was used for something else.
    """
    with as_network():
        if old := Chargeback.objects.filter(pk=case).first():
            if (old.capture, old.amount) != (capture, amount):
                raise ValueError("this case is about something else")
            return old
        taken = Transfer.objects.filter(uuid=capture, kind="capture").first()
        if taken is None:
            raise NotDisputable
        ask = Ask(id=case, verb="refund", amount=amount, of=taken.reference)
        original = _lock_original(ask)
        again = sum(Chargeback.objects.filter(capture=capture).values_list("amount", flat=True))
        if original is None or not 0 < amount <= min(original.captured - original.refunded, taken.amount - again):
            raise NotDisputable
        disputed = Chargeback.objects.create(id=case, capture=capture, amount=amount, reason=reason)
        _move(ask, "refund", debit_id=_merchant_id(), credit_id=_account_of(original))
        return disputed


def inquire(message_id: UUID) -> Answer | None:
    """What was answered to this question; None when it was never heard."""
    if not isinstance(message_id, UUID):
        return None
    if old := Authorisation.objects.filter(pk=message_id).first():
        return replace(_answer(old), about=message_id, amount=old.amount)
    moved = Transfer.objects.filter(uuid=message_id, kind__in=["capture", "refund"]).first()
    done = moved or Release.objects.filter(pk=message_id).first()
    return Answer(APPROVED, receipt_number(message_id), about=message_id, amount=done.amount) if done else None


# ---------------------------------------------------------------- refused unread: no row, no try of a PIN


def refusal_of(ask: Ask) -> str:
    """The code for a question that cannot be one, whoever sent it; "" for any other."""
    if ask.currency != WON:
        return NOT_PERMITTED
    if type(ask.amount) is not int or not 0 < ask.amount <= LIMIT:
        return BAD_AMOUNT
    ids = isinstance(ask.id, UUID) and isinstance(ask.of, UUID)
    return "" if ids and isinstance(ask.reference, str) and _REFERENCE.fullmatch(ask.reference) else BAD_FORMAT


@sensitive_variables("card")
def refusal_of_shape(card: Presented) -> str:
    if not isinstance(card.number, str) or not _NUMBER.fullmatch(card.number) or not luhn(card.number):
        return UNKNOWN_CARD
    if not isinstance(card.pin, str) or not _PIN.fullmatch(card.pin) or not _is_text(card.holder):
        return BAD_FORMAT
    return ""


def _is_text(holder: object) -> bool:
    """Whether it can be written down: half a character cannot."""
    return isinstance(holder, str) and holder.encode(errors="replace").decode() == holder


# ---------------------------------------------------------------- under the lock


def _lock_balance_of_card(number: str) -> Balance | None:
    card = read_one(Card, "WHERE number_mac = %s", [digests.number_mac(number)])
    return None if card is None else lock_balances(card.account_id)[card.account_id]


def lock_balances(*account_ids: int) -> dict[int, Balance]:
    """The balances of these card accounts, locked in the order of their ids: two at once cannot deadlock."""
    return {row.account_id: row for row in _lock_balances("account_id = ANY(%s)", list(account_ids))}


def _lock_balances(condition: str, value: UUID | list[int]) -> list[Balance]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, posted, held, statement_timestamp() FROM network_balance"  # noqa: S608 - from below
            f" WHERE {condition} ORDER BY account_id FOR NO KEY UPDATE",
            [value],
        )
        rows = cursor.fetchall()
    balances = [Balance(account_id=account_id, posted=posted, held=held) for account_id, posted, held, _ in rows]
    for balance, (_, _, _, now) in zip(balances, rows, strict=True):
        balance.now = now
    return balances


def _lock_original(ask: Ask) -> Authorisation | None:
    """The authorisation `ask` is about, read under its card's lock, its expiry taken into account."""
    locked = _lock_balances("account_id = (SELECT account_id FROM network_authorisation WHERE id = %s)", ask.of)
    original = read_one(Authorisation, "WHERE id = %s", [ask.of])
    if locked and original and original.state == State.OPEN and original.expires_at <= locked[0].now:
        expire_due(locked[0].account_id)
        original.refresh_from_db()
    return original


def expire_due(account_id: int) -> int:
    """Free what authorisations past their time keep back; how many. Under the balance's lock.

    Past their time when this transaction began, as the guards see it: waiting for the lock makes nothing older.
    """
    due = Authorisation.objects.filter(account_id=account_id, state=State.OPEN, expires_at__lte=TransactionNow())
    return due.update(state=State.EXPIRED)


def _plastic(number: str) -> Card:
    card = read_one(Card, "WHERE number_mac = %s", [digests.number_mac(number)])
    if card is None:
        raise Card.DoesNotExist
    return card


def _judge(balance: Balance, presented: Presented, amount: int) -> tuple[str, str]:
    """The code for this card and amount, and the card's last four digits; keeps the PIN counter."""
    card = _plastic(presented.number)
    holder_is_right = digests.same(card.holder_mac, digests.holder_mac(card.account_id, presented.holder))
    code = judge(card, balance, pin=presented.pin, amount=amount, holder_is_right=holder_is_right)
    return code, card.last4


@sensitive_variables("pin")
def judge(card: Card, balance: Balance, *, pin: str, amount: int, fee: int = 0, holder_is_right: bool = True) -> str:
    """The code for `amount` won from this card under its balance's lock; 0 only checks it. Keeps the PIN counter.

    `fee` must be there as well, but no limit counts it.
    """
    if expire_due(balance.account_id):
        balance.refresh_from_db(fields=["held"])
    spent, count = today_of(card.account_id, balance.now)
    facts = Facts(
        status=card.status,
        expires_on=card.expires_on,
        today=local_day(balance.now),
        pin_tries=card.pin_tries,
        pin_is_right=digests.same(card.pin_mac, digests.pin_mac(card.account_id, pin)),
        holder_is_right=holder_is_right,
        is_resident=card.resident,
        currency=card.currency,
        per_payment=card.per_payment,
        per_day=card.per_day,
        count_day=card.count_day,
        spent_today=spent,
        count_today=count,
        available=balance.posted - balance.held - fee,
    )
    decision = decide(facts, amount)
    if decision.pin_tries != card.pin_tries:
        card.pin_tries = decision.pin_tries
        card.save(update_fields=["pin_tries"])
    return decision.code


_TODAY = """
SELECT coalesce(sum(spent), 0)::bigint, count(*) FILTER (WHERE counts) FROM (
    SELECT CASE WHEN state IN ('open', 'done') THEN amount - released WHEN state = 'expired' THEN captured ELSE 0 END
           AS spent, state <> 'reversed' AS counts
      FROM network_authorisation WHERE account_id = %(account)s AND created_at >= %(midnight)s AND code = '00'
    UNION ALL
    SELECT amount, true FROM network_instruction
     WHERE account_id = %(account)s AND created_at >= %(midnight)s AND code = '00' AND kind = 'send') today
"""


def today_of(account_id: int, now: datetime) -> tuple[int, int]:
    """Won held, taken or sent on, and how often, since midnight in Pyongyang. What came back does not count."""
    with connection.cursor() as cursor:
        cursor.execute(_TODAY, {"account": account_id, "midnight": at(local_day(now), 0)})
        spent, count = cursor.fetchone()
    return spent, count


# ---------------------------------------------------------------- movements


def _move(ask: Ask, kind: str, *, debit_id: int, credit_id: int) -> Answer:
    Transfer.objects.create(
        uuid=ask.id, kind=kind, debit_account_id=debit_id, credit_account_id=credit_id,
        amount=ask.amount, reference=ask.of,
    )  # fmt: skip
    return Answer(APPROVED, receipt_number(ask.id))


def _moved_before(ask: Ask, kind: str) -> Answer | None:
    old = read_one(Transfer, "WHERE id = %s", [ask.id])
    if old is None:
        return None
    same = (old.kind, old.amount, old.reference) == (kind, ask.amount, ask.of)
    return Answer(APPROVED, receipt_number(ask.id)) if same else Answer(MISUSED_ID)


def _account_of(authorisation: Authorisation) -> int:
    if authorisation.account_id is None:
        raise ValueError("a declined authorisation moves nothing")
    return authorisation.account_id


@functools.cache  # opened by a migration, never changed
def _merchant_id() -> int:
    return Account.objects.values_list("id", flat=True).get(kind=Account.Kind.MERCHANT, owner="")


def _answer(authorisation: Authorisation) -> Answer:
    if authorisation.code != APPROVED:
        return Answer(authorisation.code, receipt_number(authorisation.id))
    return Answer(
        APPROVED,
        receipt_number(authorisation.id),
        last4=authorisation.last4,
        expires_at=authorisation.expires_at,
    )
