"""Paying for an order: the steps of the shop's side around the card network's own.

A  one commit: lock the order, see that it can be paid, write the payment and its question.
N  the network answers, outside any transaction.
B  one commit: the answer, the payment and the order change together.

A crash anywhere between them leaves an unanswered question, which orders/healing.py carries to its end.
Locks are taken in the order order, payment, message. The card's number and PIN live for one request only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from accounts.guesses import TooManyGuesses, count_guess, forget_guesses
from accounts.models import User
from accounts.residency import NotResident, require_resident
from okryu.calendar import local_day
from orders import events, promises
from orders.models import Order, Parcel
from orders.workdays import read_workdays
from payments import pay as payments
from payments.gateway import Answer, NoAnswer, Presented, gateway
from payments.models import MemberCard, Message, Payment
from payments.rows import read_one
from payments.words import words_for

log = logging.getLogger(__name__)
APPROVED = "00"
NOT_PERMITTED = "57"
NOT_ASKED = "Q1"  # ours, never the network's: too many cards were tried, this one was not sent
GUESS_KIND = "card"


class NotPayable(Exception):
    """The order is paid, being paid, cancelled or expired: its page tells which."""


class OutOfDate(Exception):
    """The form carries a key this order does not have any more."""


class Outcome(Enum):
    HELD = "held"  # the amount is held on the card
    WAITING = "waiting"  # the network has not answered: nobody may guess
    DECLINED = "declined"  # nothing is taken; the order can be paid again
    TOO_MANY = "too many"  # not asked at all: too many cards were tried


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one posted payment."""

    outcome: Outcome
    code: str | None = None
    retry_at: datetime | None = None


@sensitive_variables("card")
def pay(*, order_code: str, key: UUID, card: Presented, user: User, address: str) -> Attempt:
    """Hold the order's total on `card`. The same key posted again asks nothing and tells the same outcome.

    Raises NotPayable or OutOfDate with nothing changed, Order.DoesNotExist for another member's order.
    """
    message = _open(order_code=order_code, key=key, user=user)
    if message is None:
        return _outcome(Payment.objects.get(pk=key))
    try:
        # Counted before the network sees the card, so that nobody hunts for card numbers here.
        count_guess(kind=GUESS_KIND, name=str(user.pk), address=address)
    except TooManyGuesses as refused:
        record_answer(message=message, answer=Answer(NOT_ASKED))
        return Attempt(Outcome.TOO_MANY, code=NOT_ASKED, retry_at=refused.retry_at)
    answer = _ask(message=message, card=card, user=user)
    if answer is None:
        return Attempt(Outcome.WAITING)
    payment = record_answer(message=message, answer=answer)
    if answer.code == APPROVED:
        forget_guesses(kind=GUESS_KIND, name=str(user.pk), address=address)
    return _outcome(payment)


def _open(*, order_code: str, key: UUID, user: User) -> Message | None:
    """Step A. The new question, or None when this key has asked its question before."""
    with transaction.atomic(durable=True):
        order = lock_order(order_code)
        if order.user_id != user.pk:
            raise Order.DoesNotExist
        if Payment.objects.filter(pk=key, order_code=order.code).exists():
            return None
        if not can_be_paid(order):
            raise NotPayable
        if order.payment_key != key:
            raise OutOfDate
        try:
            return payments.open_payment(key=key, order_code=order.code, amount=order.total)
        except payments.LivePayment:
            raise NotPayable from None
        except payments.StaleKey:
            raise OutOfDate from None


@sensitive_variables("card")
def _ask(*, message: Message, card: Presented, user: User) -> Answer | None:
    """The network's answer, or None while the outcome is unknown. Never inside a transaction."""
    try:
        if refusal := _first_purchase_refusal(card=card, user=user):
            return refusal
        return payments.send(message, card)
    except NoAnswer:
        try:
            return payments.inquire(message)
        except NoAnswer:
            return None


@sensitive_variables("card")
def _first_purchase_refusal(*, card: Presented, user: User) -> Answer | None:
    """A member's first card is verified (a resident's, in won, in the member's name) and linked."""
    if MemberCard.objects.filter(user=user, unlinked_at=None).exists():
        return None
    verified = gateway().verify(card)
    if verified.code not in (APPROVED, NOT_PERMITTED):
        return Answer(verified.code)
    try:
        require_resident(user=user, card_code=verified.code)
    except NotResident:
        return Answer(NOT_PERMITTED)
    if verified.token is None:
        raise NoAnswer  # an approval without a token is no answer this shop understands
    link = MemberCard(user=user, token=verified.token, last4=verified.last4)
    MemberCard.objects.bulk_create([link], ignore_conflicts=True)  # of two first purchases at once, one card is linked
    user.fix_name()
    return None


def _outcome(payment: Payment) -> Attempt:
    if payment.state == Payment.State.PENDING:
        return Attempt(Outcome.WAITING)
    if payment.state == Payment.State.DECLINED:
        return Attempt(Outcome.DECLINED, code=payment.code)
    return Attempt(Outcome.HELD, code=payment.code)


# ------------------------------------------------------------------ recording


def settle(messages: Iterable[Message]) -> None:
    """Send freshly committed questions at once; one without an answer is left to healing. No open transaction.

    A question that has its answer is never sent again: what the network did then could not be recorded.
    """
    for message in messages:
        if message.code is not None:
            continue
        try:
            answer = payments.send(message)
        except NoAnswer:
            return
        record_answer(message=message, answer=answer)


def record_answer(*, message: Message, answer: Answer) -> Payment:
    """Step B and step D: the answer and all that follows for the order, in one commit. Safe to repeat."""
    with transaction.atomic(durable=True):
        order = lock_order(message.payment.order_code)
        if message.verb == Message.Verb.AUTHORISE and answer.code == APPROVED:
            _reverse_if_too_late(order, message)
        recorded = payments.record(message_id=message.pk, answer=answer)
        payment = recorded.payment
        if recorded.verb == Message.Verb.CAPTURE:
            _note_capture(order, recorded)
        elif recorded.verb == Message.Verb.REFUND and recorded.code is not None:
            _note_refund(order, recorded)
        elif recorded.verb == Message.Verb.RELEASE and recorded.code not in (None, APPROVED):
            _note_once(order, recorded, "release_refused")  # the card still holds what nobody will take
        elif payment.state == Payment.State.AUTHORISED and order.status == Order.Status.PLACED:
            _note_paid(order, payment)
        elif payment.state == Payment.State.DECLINED:
            _offer_again(order, payment)
    return payment


def _reverse_if_too_late(order: Order, message: Message) -> None:
    """Cancelled or expired while the network was thinking: the approval is reversed in the same commit."""
    if order.status == Order.Status.PLACED:
        return
    payment = Payment.objects.get(pk=message.payment_id)
    if payment.state == Payment.State.PENDING:
        payments.ask_reverse(payment=payment)
        events.write(order, "reversal_asked", payment=str(payment.pk))


def _note_paid(order: Order, payment: Payment) -> None:
    now = timezone.now()
    order.status, order.paid_at, order.hold_until = Order.Status.PAID, now, None
    order.save(update_fields=["status", "paid_at", "hold_until"])
    workdays = read_workdays(first=local_day(order.placed_at))
    for parcel in order.parcels.select_related("seller"):
        parcel.confirm_by = promises.answer_by(
            parcel.seller, order.placed_at, workdays, paid_at=now, promised_from=parcel.promised_from
        )
        parcel.save(update_fields=["confirm_by"])
    events.write(order, "paid", payment=str(payment.pk), amount=payment.amount)


def _note_capture(order: Order, message: Message) -> None:
    parcel = order.parcels.get(number=message.parcel or 0)
    if message.code == APPROVED and parcel.captured_at is None:
        parcel.captured_at = message.answered_at
        parcel.save(update_fields=["captured_at"])
        events.write(order, "captured", parcel=parcel, amount=message.amount)
    elif message.code != APPROVED:
        events.write(order, "capture_refused", parcel=parcel, code=message.code)  # the order desk sees it and calls


def _note_refund(order: Order, message: Message) -> None:
    """The money is back on the card, or it is not and the order desk must see it: a chargeback came before."""
    _note_once(order, message, "refunded" if message.code == APPROVED else "refund_refused")


def _note_once(order: Order, message: Message, kind: str) -> None:
    """The answer to a question about a parcel in the order's diary; a refusal in the log as well."""
    if order.events.filter(kind=kind, data__message=str(message.pk)).exists():
        return
    parcel = order.parcels.get(number=message.parcel or 0)
    events.write(order, kind, parcel=parcel, amount=message.amount, code=message.code, message=str(message.pk))
    if message.code != APPROVED:
        log.error("the network refused %s %s of order %s: %s", message.verb, message.pk, order.code, message.code)


def _offer_again(order: Order, payment: Payment) -> None:
    """A payment that took nothing: a new key, and time to try again."""
    if order.status != Order.Status.PLACED or order.payment_key != payment.pk:
        return
    again = timezone.now() + timedelta(minutes=settings.ORDER_HOLD_MINUTES)
    order.payment_key = uuid4()
    order.hold_until = max(order.hold_until or again, again)
    order.save(update_fields=["payment_key", "hold_until"])
    events.write(order, "payment_declined", payment=str(payment.pk), code=payment.code)


# ------------------------------------------------------------------ shared by every step


def lock_order(code: str) -> Order:
    """The order's row, locked first of all. Raises Order.DoesNotExist."""
    order = read_one(Order, "WHERE code = %s FOR NO KEY UPDATE", [code])
    if order is None:
        raise Order.DoesNotExist
    return order


def why_not(code: str | None) -> str | Promise:
    """What to tell the shopper about a payment's code."""
    if code == NOT_ASKED:
        return _("Too many cards were tried. This one was not asked and nothing has been taken.")
    return words_for(code)


def can_be_paid(order: Order) -> bool:
    """Whether the order waits for its money and its hold still runs; a payment under way does not matter here."""
    return order.status == Order.Status.PLACED and order.hold_until is not None and order.hold_until > timezone.now()


def paid_payment(order: Order) -> Payment:
    """The one payment that holds this order's money, or has taken or released all of it."""
    return Payment.objects.get(order_code=order.code, state__in=[Payment.State.AUTHORISED, Payment.State.DONE])


def capture_is_asked(payment: Payment, parcel: Parcel) -> bool:
    """Whether the network was asked to take this parcel's money and has not refused."""
    asked = Message.objects.filter(payment=payment, verb=Message.Verb.CAPTURE, parcel=parcel.number)
    return any(message.code in (None, APPROVED) for message in asked)
