"""Money onto a card, from a deposit at the bank: by one clerk, or above the desk's limit by two.

A deposit line loads once: its uuid is made from the line, and is the load's id. The database refuses a load above
the limit that nobody else has agreed to (sql/0003_card_life.sql: was_decided, load_alone_limit).
"""

from __future__ import annotations

import unicodedata
from uuid import UUID, uuid5

from django.db import connection
from django.utils import timezone

from payments.models import Transfer
from payments.network.acting import as_bank_desk
from payments.network.acts import Clerk, Refused, done_before, note
from payments.network.desk import book_load
from payments.network.models import Act, Card, LoadProposal
from payments.network.verbs import retrying

# The ids of deposits: uuid5(DEPOSITS, the line as the bank writes it).
DEPOSITS = UUID("6f6b7279-7520-6465-706f-736974206c6e")
State = LoadProposal.State


def deposit_id(line: str) -> UUID:
    """The one id of a deposit line, however it was spaced and cased."""
    return uuid5(DEPOSITS, tidy(line))


def tidy(line: str) -> str:
    """The line as it is kept: one form for one line."""
    return "".join(unicodedata.normalize("NFKC", line).split()).upper()


def alone_limit() -> int:
    """What one clerk may load without another, in won."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT load_alone_limit()")
        return int(cursor.fetchone()[0])


@retrying
def load_line(*, key: UUID, card: Card, line: str, amount: int, by: Clerk) -> Transfer | LoadProposal:
    """Load the deposit `line`, or propose it where one clerk is not enough. The same line again changes nothing.

    Raises Refused when the line has another amount or card, or the card is not in use.
    """
    deposit = deposit_id(line)
    with as_bank_desk():
        if old := _loaded(deposit, card, amount):
            return old
        if waiting := LoadProposal.objects.filter(deposit=deposit, state=State.OPEN).first():
            return _the_same(waiting, card, amount)
        if done_before(key, Act.Kind.LOADED, card):
            raise Refused("out of date")  # this form has loaded another line
        _require_in_use(card)
        if amount <= alone_limit():
            note(key, Act.Kind.LOADED, card, by=by, detail=f"{amount} {tidy(line)}")
            return book_load(deposit, card, amount)
        note(key, Act.Kind.PROPOSED, card, by=by, detail=f"{amount} {tidy(line)}")
        return LoadProposal.objects.create(
            id=key, deposit=deposit, line=tidy(line), card=card, account_id=card.account_id, amount=amount,
            proposed_by=by.id, proposed_phone=by.phone,
        )  # fmt: skip


@retrying
def agree_load(*, proposal: LoadProposal, by: Clerk) -> LoadProposal:
    """A second person has compared the deposit: load it, once. Raises Refused for the one who proposed it."""
    with as_bank_desk():
        proposal = _locked(proposal)
        if proposal.state == State.AGREED:
            return proposal
        if proposal.state != State.OPEN:
            raise Refused("load decided")
        if by.id == proposal.proposed_by:
            raise Refused("second person")
        _require_in_use(proposal.card)
        _decide(proposal, State.AGREED, by)
        note(
            uuid5(proposal.pk, "agreed"),
            Act.Kind.AGREED,
            proposal.card,
            by=by,
            detail=f"{proposal.amount} {proposal.line}",
        )
        book_load(proposal.deposit, proposal.card, proposal.amount)
        return proposal


@retrying
def refuse_load(*, proposal: LoadProposal, by: Clerk) -> LoadProposal:
    """Anybody at the desk may refuse, who proposed it included; the line can be proposed again."""
    with as_bank_desk():
        proposal = _locked(proposal)
        if proposal.state == State.AGREED:
            raise Refused("load decided")
        if proposal.state == State.OPEN:
            _decide(proposal, State.REFUSED, by)
            note(
                uuid5(proposal.pk, "refused"),
                Act.Kind.REFUSED,
                proposal.card,
                by=by,
                detail=f"{proposal.amount} {proposal.line}",
            )
        return proposal


def _loaded(deposit: UUID, card: Card, amount: int) -> Transfer | None:
    old = Transfer.objects.filter(uuid=deposit).first()
    if old and (old.kind, old.credit_account_id, old.amount) != ("load", card.account_id, amount):
        raise Refused("deposit used")
    return old


def _the_same(proposal: LoadProposal, card: Card, amount: int) -> LoadProposal:
    if (proposal.account_id, proposal.amount) != (card.account_id, amount):
        raise Refused("deposit used")
    return proposal


def _require_in_use(card: Card) -> None:
    card.refresh_from_db()
    if card.status not in (Card.Status.ACTIVE, Card.Status.BLOCKED):
        raise Refused("not in use")


def _locked(proposal: LoadProposal) -> LoadProposal:
    rows = LoadProposal.objects.select_for_update(no_key=True, of=("self",)).select_related("card")
    return rows.get(pk=proposal.pk)


def _decide(proposal: LoadProposal, state: str, by: Clerk) -> None:
    proposal.state, proposal.decided_by, proposal.decided_phone = state, by.id, by.phone
    proposal.decided_at = timezone.now()
    proposal.save(update_fields=["state", "decided_by", "decided_phone", "decided_at"])
