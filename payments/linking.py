"""Link a member's card: the shop keeps a token of the network and the last four digits, nothing else."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.views.decorators.debug import sensitive_variables

from accounts.guesses import count_guess
from accounts.models import User
from payments.gateway import APPROVED, Presented, gateway
from payments.models import MemberCard

GUESS_KIND = "card-link"


class CardRefused(Exception):
    """The network does not take this card; `code` says why (words.py)."""

    def __init__(self, code: str) -> None:
        super().__init__(f"card refused with {code}")
        self.code = code


def linked_card(user: User) -> MemberCard | None:
    return MemberCard.objects.filter(user=user, unlinked_at=None).first()


@sensitive_variables("number", "pin", "card")
def link_card(*, user: User, number: str, pin: str, address: str) -> MemberCard:
    """Link the card in place of an earlier one, after the network has checked PIN, holder, currency, residency.

    Every try counts, so that nobody hunts for card numbers: not even a right one gives earlier tries back.
    Raises TooManyGuesses, CardRefused, NoAnswer.
    """
    count_guess(kind=GUESS_KIND, name=str(user.pk), address=address)
    card = Presented(number=number, pin=pin, holder=user.name)
    verified = gateway().verify(card)
    if verified.code != APPROVED or verified.token is None:
        raise CardRefused(verified.code)
    with transaction.atomic(durable=True):
        kept = _keep(user, verified.token, verified.last4)
        user.fix_name()
        return kept


def follow_card(*, user: User, token: UUID, last4: str) -> MemberCard:
    """The network has replaced the member's card by another on the same account: keep that one. Safe to repeat."""
    with transaction.atomic(durable=True):
        return _keep(user, token, last4)


def _keep(user: User, token: UUID, last4: str) -> MemberCard:
    """This card in place of any other of the member's, who is locked; the one there is when it is the same."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    linked = MemberCard.objects.filter(user=user, unlinked_at=None)
    if same := linked.filter(token=token).first():
        return same
    linked.update(unlinked_at=Now())
    return MemberCard.objects.create(user=user, token=token, last4=last4)
