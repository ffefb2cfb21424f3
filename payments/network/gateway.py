"""The gateway to the simulated network in this very process: same boundary, own transactions, its own crashes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, transaction
from django.views.decorators.debug import sensitive_variables

from payments.gateway import Answer, Ask, NoAnswer, Presented, Verified
from payments.network import settlement_file, verbs

logger = logging.getLogger(__name__)
R = TypeVar("R")
_TELLS: dict[str, Callable[[Ask], Answer]] = {
    "capture": verbs.capture,
    "release": verbs.release,
    "refund": verbs.refund,
    "reverse": verbs.reverse,
}


class SimulatedGateway:
    """Answers at once or not at all. A lost connection, a full disk or a lock held too long is no answer."""

    in_process = True  # on the caller's own connection, whose time limits bound it

    @sensitive_variables("card")
    def authorise(self, ask: Ask, card: Presented) -> Answer:
        return _said_back(ask, _answered(lambda: verbs.authorise(ask, card), ask.id))

    def tell(self, ask: Ask) -> Answer:
        return _said_back(ask, _answered(lambda: _tell(ask), ask.id))

    def inquire(self, message_id: UUID) -> Answer | None:
        return _answered(lambda: verbs.inquire(message_id), message_id)

    @sensitive_variables("card")
    def verify(self, card: Presented) -> Verified:
        return _answered(lambda: verbs.verify(card), "verify")

    def file(self, day: date) -> bytes:
        return _answered(lambda: settlement_file.hand_out(day), f"the file of {day}")


def _tell(ask: Ask) -> Answer:
    if ask.verb not in _TELLS:
        return Answer(verbs.BAD_VERB)
    if refusal := verbs.refusal_of(ask):
        return Answer(refusal)
    return _TELLS[ask.verb](ask)


def _said_back(ask: Ask, answer: Answer) -> Answer:
    return replace(answer, about=ask.id, amount=ask.amount)


def _answered(call: Callable[[], R], about: UUID | str) -> R:
    try:
        return call()
    except transaction.TransactionManagementError:
        raise  # called inside a transaction: a mistake of ours, not of the network
    except (DatabaseError, InterfaceError) as error:
        # The class alone: a database error's text may quote the row.
        logger.warning("the network gave no answer to %s: %s", about, type(error).__name__)
        raise NoAnswer from error
