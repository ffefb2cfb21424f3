"""The plastic: issued, lost, replaced, blocked, given a new PIN or other limits. The money stays on the account.

Each verb is one durable transaction under the lock of the card's balance, which every payment takes first: a card
reported lost pays nothing that is not already kept back. Each leaves a line (acts.py), and its form's key makes
a repetition do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from payments.gateway import APPROVED, normalise_card_number
from payments.network import digests
from payments.network.acting import as_bank_desk
from payments.network.acts import Clerk, Refused, done_before, note
from payments.network.desk import check_pin, create_card
from payments.network.models import Act, Balance, Card
from payments.network.verbs import judge, lock_balances, retrying

Status = Card.Status


@dataclass(frozen=True, slots=True)
class Limits:
    """What a card may spend: whole won in one payment and in a day, and payments a day."""

    per_payment: int
    per_day: int
    count_day: int

    @classmethod
    def of(cls, card: Card) -> Limits:
        return cls(card.per_payment, card.per_day, card.count_day)

    def within(self, most: Limits) -> bool:
        return (
            self.per_payment <= most.per_payment and self.per_day <= most.per_day and self.count_day <= most.count_day
        )


def most_for_holder(card: Card) -> Limits:
    """The issuer's maximum, or what the desk has allowed beyond it."""
    most, now = Limits(*settings.CARD_LIMITS), Limits.of(card)
    return Limits(
        max(most.per_payment, now.per_payment), max(most.per_day, now.per_day), max(most.count_day, now.count_day)
    )


def most_at_desk() -> Limits:
    return Limits(*settings.CARD_LIMITS_AT_DESK)


def successor_of(token: UUID) -> Card | None:
    """The card this token stands for: itself, or once it was replaced the one in use on the same account.

    The account has one holder, whose name the desk has compared, so who may see the old card's movements may see
    the new one's; money moves only with number or token and the PIN anyway.
    """
    card = Card.objects.filter(token=token).first()
    if card is not None and card.status == Status.CLOSED:
        in_use = Card.objects.filter(account_id=card.account_id).exclude(status=Status.CLOSED)
        return in_use.order_by("-issued_at").first() or card
    return card


@sensitive_variables("number", "pin", "holder")
@retrying
def issue(*, key: UUID, number: str, pin: str, holder: str, expires_on: date, resident: bool, by: Clerk) -> Card:
    """A new card on a new account. Raises Refused for a number in use, ValueError, WeakPin."""
    number = normalise_card_number(number)
    check_pin(pin)
    with as_bank_desk():
        if act := Act.objects.filter(pk=key).select_related("card").first():
            if act.kind != Act.Kind.ISSUED or not _is_number_of(act.card, number):
                raise Refused("out of date")
            return act.card
        _require_new(number)
        card = create_card(number=number, pin=pin, holder=holder, expires_on=expires_on, resident=resident)
        note(key, Act.Kind.ISSUED, card, by=by)
        return card


@sensitive_variables("number", "pin", "holder")
@retrying
def replace(*, key: UUID, card: Card, number: str, pin: str, holder: str, expires_on: date, by: Clerk) -> Card:
    """Close `card` and open another for the same holder on the same account, with the same limits.

    For lost, stolen, broken and expired cards alike: balance, what is kept back and what may be refunded belong to
    the account. Raises Refused for another name, a number in use or a card replaced before; ValueError, WeakPin.
    """
    number = normalise_card_number(number)
    check_pin(pin)
    with as_bank_desk():
        _lock(card)
        if done_before(key, Act.Kind.REPLACED, card):
            new = Card.objects.filter(account_id=card.account_id).latest("issued_at")
            if not _is_number_of(new, number):
                raise Refused("out of date")  # this form has opened another one
            return new
        if card.status == Status.CLOSED:
            raise Refused("replaced before")
        if not digests.same(card.holder_mac, digests.holder_mac(card.account_id, holder)):
            raise Refused("other holder")
        _require_new(number)
        Card.objects.filter(pk=card.pk).update(status=Status.CLOSED)
        new = create_card(
            number=number, pin=pin, holder=holder, expires_on=expires_on, account=card.account,
            resident=card.resident, currency=card.currency,
            per_payment=card.per_payment, per_day=card.per_day, count_day=card.count_day,
        )  # fmt: skip
        note(key, Act.Kind.REPLACED, card, by=by, detail=f"•••• {new.last4}")
        return new


@retrying
def report_lost(*, key: UUID, card: Card, by: Clerk | None = None) -> None:
    """From this moment the card pays nothing more. Only another card on the account ends it."""
    _withdraw(key, card, Status.LOST, Act.Kind.LOST, by)


@retrying
def report_stolen(*, key: UUID, card: Card, by: Clerk) -> None:
    _withdraw(key, card, Status.STOLEN, Act.Kind.STOLEN, by)


def _withdraw(key: UUID, card: Card, status: str, kind: str, by: Clerk | None) -> None:
    with as_bank_desk():
        _lock(card)
        if card.status in (status, Status.CLOSED) or done_before(key, kind, card):
            return
        _set(card, status=status)
        note(key, kind, card, by=by)


@retrying
def block(*, key: UUID, card: Card, by: Clerk) -> None:
    """Out of use for now; `unblock` brings it back."""
    _switch(card, Status.ACTIVE, Status.BLOCKED, note_of=(key, Act.Kind.BLOCKED, by))


@retrying
def unblock(*, key: UUID, card: Card, by: Clerk) -> None:
    _switch(card, Status.BLOCKED, Status.ACTIVE, note_of=(key, Act.Kind.UNBLOCKED, by))


def _switch(card: Card, before: str, after: str, *, note_of: tuple[UUID, str, Clerk]) -> None:
    key, kind, by = note_of
    with as_bank_desk():
        _lock(card)
        if card.status == after or done_before(key, kind, card):
            return
        if card.status != before:
            raise Refused("not in use")
        _set(card, status=after)
        note(key, kind, card, by=by)


@sensitive_variables("pin", "mac")
@retrying
def new_pin(*, key: UUID, card: Card, pin: str, by: Clerk) -> None:
    """Set the PIN the holder has typed at the desk, forgotten or locked before. Raises Refused, WeakPin."""
    check_pin(pin)
    with as_bank_desk():
        _lock(card)
        mac = digests.pin_mac(card.account_id, pin)
        if done_before(key, Act.Kind.PIN, card):
            if not digests.same(card.pin_mac, mac):
                raise Refused("out of date")  # this form has set another one
            return
        if card.status not in (Status.ACTIVE, Status.BLOCKED):
            raise Refused("not in use")
        _set(card, pin_mac=mac, pin_tries=0)
        note(key, Act.Kind.PIN, card, by=by)


@sensitive_variables("pin")
@retrying
def change_my_limits(*, key: UUID, card: Card, limits: Limits, pin: str) -> str:
    """The holder's own limits, up to the issuer's maximum, with the PIN: its code. Raises Refused above it."""
    with as_bank_desk():
        balance = _lock(card)
        if old := done_before(key, Act.Kind.LIMITS, card, detail=_said(limits)):
            return old.code
        if not limits.within(most_for_holder(card)):
            raise Refused("above maximum")
        code = judge(card, balance, pin=pin, amount=0)
        _write_limits(key, card, limits, code, by=None)
        return code


@retrying
def change_limits(*, key: UUID, card: Card, limits: Limits, by: Clerk) -> None:
    """The desk's word, up to its own maximum. Raises Refused above it."""
    with as_bank_desk():
        _lock(card)
        if done_before(key, Act.Kind.LIMITS, card, detail=_said(limits)):
            return
        if not limits.within(most_at_desk()):
            raise Refused("above maximum")
        _write_limits(key, card, limits, APPROVED, by=by)


def _write_limits(key: UUID, card: Card, limits: Limits, code: str, *, by: Clerk | None) -> None:
    if code == APPROVED:
        _set(card, per_payment=limits.per_payment, per_day=limits.per_day, count_day=limits.count_day)
    note(key, Act.Kind.LIMITS, card, by=by, code=code, detail=_said(limits))


def _said(limits: Limits) -> str:
    return f"{limits.per_payment} / {limits.per_day} / {limits.count_day}"


def _lock(card: Card) -> Balance:
    """The balance's lock, then the card as it is under it."""
    balance = lock_balances(card.account_id)[card.account_id]
    card.refresh_from_db()
    return balance


def _set(card: Card, **facts: object) -> None:
    for name, value in facts.items():
        setattr(card, name, value)
    card.save(update_fields=list(facts))


@sensitive_variables("number")
def _is_number_of(card: Card, number: str) -> bool:
    return digests.same(card.number_mac, digests.number_mac(number))


@sensitive_variables("number")
def _require_new(number: str) -> None:
    if Card.objects.filter(number_mac=digests.number_mac(number)).exists():
        raise Refused("number in use")
