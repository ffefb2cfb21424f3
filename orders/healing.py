"""Questions the card network has not answered yet, carried to their end.

Captures, releases, refunds and reversals are repeated with the same id until answered. An authorisation is
never sent again, because the PIN is not kept: the network is asked what it answered, and where it never
heard of the question a reversal leaves a tombstone for a request that may still be on its way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from orders.models import Order
from orders.paying import lock_order, record_answer
from payments import leases
from payments import pay as payments
from payments.gateway import NoAnswer
from payments.models import Message, Payment

log = logging.getLogger(__name__)


PASS = 50  # questions claimed at once: their lease is short


@dataclass(slots=True)
class Healed:
    """What one pass did, or several."""

    answered: int = 0
    waiting: int = 0


class NoOrder(Exception):
    """This question is about an order that does not exist: a person has to look, and no money moves meanwhile."""


def heal(*, stopped: Callable[[], bool] = lambda: False) -> Healed:
    """One tick: pass after pass as long as the network answers, so that an outage's questions are not left in line.

    Ends after a pass once `stopped`: the rest of a long line is for whoever ticks next.
    """
    done = Healed()
    while True:
        last = heal_once(limit=PASS)
        done.answered += last.answered
        done.waiting = last.waiting
        if not last.answered or stopped():
            return done


def heal_once(*, limit: int = PASS) -> Healed:
    """Ask every question that is due once more and record what comes back. Several may run at once."""
    done = Healed()
    back_again = False
    for message in leases.claim_due(limit=limit):
        try:
            _heal(message)
            done.answered += 1
            back_again = back_again or message.tries > 0
        except NoAnswer:
            done.waiting += 1
        except NoOrder:  # left to the waiting desk; what the others' answers say about the line is not about this one
            if message.tries == 0:  # said once: nothing but a person can end it
                log.error("question %s is about order %s, which does not exist", message.pk, message.payment.order_code)
        except Exception:  # one bad question neither stops nor loops the rest: its lease brings it back
            log.exception("question %s was not healed", message.pk)
            done.waiting += 1
    if back_again or (done.answered and done.waiting):
        leases.make_all_due()  # the network answers: nobody waits for a long delay to pass
    return done


def ask_now(message: Message) -> None:
    """Ask one question again whatever its turn, and record what comes back. Raises NoAnswer, NoOrder.

    Does nothing when it is answered already, or is being asked by somebody else this moment.
    """
    claimed = leases.claim(message)
    if claimed is not None:
        _heal(claimed)
        leases.make_all_due()  # the network answers: the others need not wait either


def _heal(message: Message) -> None:
    if not Order.objects.filter(code=message.payment.order_code).exists():
        raise NoOrder  # before anything is asked: an answer could not be recorded
    if message.verb != Message.Verb.AUTHORISE:
        record_answer(message=message, answer=payments.send(message))
        return
    answer = payments.inquire(message)
    if answer is not None:
        record_answer(message=message, answer=answer)
        return
    reversal = _ask_reversal(message)
    if reversal is not None:
        record_answer(message=reversal, answer=payments.send(reversal))


def _ask_reversal(message: Message) -> Message | None:
    """The reversal of a payment the network never heard of; None when it was answered meanwhile."""
    with transaction.atomic(durable=True):
        payment = Payment.objects.get(pk=message.payment_id)
        lock_order(payment.order_code)
        payment.refresh_from_db()
        if payment.state != Payment.State.PENDING:
            return None
        return payments.ask_reverse(payment=payment)
