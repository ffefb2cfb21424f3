"""Mistaken sendings: who sent money to the wrong card says so, and who received it agrees or refuses.

Nobody's money moves without the PIN of the card it leaves. Agreed, the whole sum goes back, without a fee and
outside the limits; where it is no longer there, the claim stays open until it is, or until its time is over.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.views.decorators.debug import sensitive_variables

from payments import clock
from payments.gateway import APPROVED
from payments.models import Transfer
from payments.network.acting import as_network
from payments.network.acts import Refused, done_before, note
from payments.network.models import Act, Card, Claim, Instruction
from payments.network.sending import NOT_ENOUGH
from payments.network.verbs import judge, lock_balances, retrying

State = Claim.State


def claims_about(card: Card) -> QuerySet[Claim]:
    """Claims this card's account has made or received, the newest first."""
    account = card.account_id
    mine = Q(instruction__account=account) | Q(instruction__payee=account)
    return Claim.objects.filter(mine).select_related("instruction").order_by("-created_at")


def can_be_claimed(sent: Instruction) -> bool:
    """Whether there is still time to call this sending a mistake, and nobody has yet."""
    since = Now() - timedelta(days=settings.CARD_CLAIM_DAYS)
    is_sent = (sent.kind, sent.code) == (Instruction.Kind.SEND, APPROVED)
    return is_sent and Instruction.objects.filter(pk=sent.pk, created_at__gte=since, claim=None).exists()


@retrying
def make_claim(*, card: Card, sent: Instruction, reason: str) -> Claim:
    """Claim `sent`, which left this card's account, once. Raises Refused when it is too late or not theirs."""
    with as_network():
        if old := Claim.objects.filter(instruction=sent, instruction__account=card.account_id).first():
            return old
        if sent.account_id != card.account_id or not can_be_claimed(sent):
            raise Refused("no claim")
        key = uuid5(sent.pk, "claim")
        note(key, Act.Kind.CLAIMED, card, by=None, detail=str(sent.amount))
        return Claim.objects.create(
            id=key, instruction=sent, reason=reason,
            expires_at=Now() + timedelta(days=settings.CARD_CLAIM_ANSWER_DAYS),
        )  # fmt: skip


@sensitive_variables("pin")
@retrying
def agree(*, key: UUID, claim: Claim, card: Card, pin: str) -> str:
    """Send the money of `claim` back from `card`, which received it: the code; 00 when it is back.

    `key` is the form's: the same form again counts a wrong PIN once. Raises Refused when the claim was refused
    or its time is over.
    """
    with as_network():
        sent = claim.instruction
        balances = lock_balances(sent.account_id, card.account_id)
        claim = Claim.objects.select_for_update(no_key=True).get(pk=claim.pk)
        if claim.state == State.AGREED:
            return APPROVED
        if old := done_before(key, Act.Kind.ANSWERED, card):
            return old.code
        _require_open(claim, sent, card)
        balance = balances[card.account_id]
        card.refresh_from_db()
        code = judge(card, balance, pin=pin, amount=0)
        if code == APPROVED and sent.amount > balance.posted - balance.held:
            code = NOT_ENOUGH
        note(key, Act.Kind.ANSWERED, card, by=None, code=code, detail=f"+{sent.amount}")
        if code == APPROVED:
            _send_back(claim, sent, card)
        return code


@retrying
def refuse(*, claim: Claim, card: Card) -> Claim:
    """Keep the money: the claim is over. Raises Refused when it was agreed to or its time is over."""
    with as_network():
        claim = (
            Claim.objects.select_for_update(no_key=True, of=("self",)).select_related("instruction").get(pk=claim.pk)
        )
        if claim.state == State.REFUSED:
            return claim
        _require_open(claim, claim.instruction, card)
        note(uuid5(claim.pk, "refused"), Act.Kind.ANSWERED, card, by=None, detail=f"-{claim.instruction.amount}")
        return _decide(claim, State.REFUSED)


def expire_claims(*, limit: int = 500) -> int:
    """End the claims nobody answered in time; how many."""
    with as_network():
        due = Claim.objects.filter(state=State.OPEN, expires_at__lte=TransactionNow()).order_by("expires_at")
        keys = [claim.pk for claim in due.select_for_update(no_key=True, skip_locked=True)[:limit]]
        return Claim.objects.filter(pk__in=keys).update(state=State.EXPIRED, decided_at=Now())


def _require_open(claim: Claim, sent: Instruction, card: Card) -> None:
    if claim.state != State.OPEN or claim.expires_at <= clock.now() or sent.payee_id != card.account_id:
        raise Refused("claim over")


def _send_back(claim: Claim, sent: Instruction, card: Card) -> None:
    Transfer.objects.create(
        uuid=claim.pk, kind="send", debit_account_id=card.account_id, credit_account_id=sent.account_id,
        amount=sent.amount, reference=claim.pk,
    )  # fmt: skip
    _decide(claim, State.AGREED)


def _decide(claim: Claim, state: str) -> Claim:
    claim.state, claim.decided_at = state, clock.now()
    claim.save(update_fields=["state", "decided_at"])
    return claim
