"""Money on its way from one card: to another card, or out in cash at the desk.

Each verb is one durable transaction that locks the balances, decides, and writes instruction and transfers. The
instruction's id is the key of the form: the same form again gets the same answer, and a wrong PIN counts once.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from okryu.calendar import local_day
from payments.gateway import APPROVED, WON
from payments.models import Account, Transfer
from payments.network import digests
from payments.network.acting import as_bank_desk, as_network
from payments.network.acts import Clerk, Refused, note
from payments.network.models import Act, Balance, Card, Instruction
from payments.network.verbs import judge, lock_balances, retrying

NOT_ENOUGH = "51"
NO_PAYEE = "78"  # the card it should go to cannot receive money
Kind = Instruction.Kind


def fee_for_sending() -> int:
    """Whole won the network takes for one sending, whatever its amount."""
    return int(settings.CARD_SEND_FEE)


@sensitive_variables("number")
def find_by_number(number: str) -> Card | None:
    """The card with this whole number, in whatever state."""
    return Card.objects.filter(number_mac=digests.number_mac(number)).first()


@sensitive_variables("pin")
@retrying
def send(*, key: UUID, payer: Card, payee: Card, amount: int, fee: int, pin: str) -> Instruction:
    """Send `amount` won to another card and pay `fee` to the network, or say why not in `code`.

    `fee` is what the holder was told: another one by now makes the form out of date. Raises Refused.
    """
    told = Instruction(
        id=key, kind=Kind.SEND, account_id=payer.account_id, payee_id=payee.account_id,
        last4=payer.last4, payee_last4=payee.last4, amount=amount, fee=fee,
    )  # fmt: skip
    if payer.account_id == payee.account_id:
        raise Refused("own card")
    with as_network():
        balances = lock_balances(payer.account_id, payee.account_id)
        if old := _told_before(told):
            return old
        if fee != fee_for_sending():
            raise Refused("out of date")
        balance = balances[payer.account_id]
        payer.refresh_from_db()
        told.code = judge(payer, balance, pin=pin, amount=amount, fee=fee)
        if told.code == APPROVED and not can_receive(payee, balance):
            told.code = NO_PAYEE
        told.save(force_insert=True)
        if told.code == APPROVED:
            _move(key, "send", told.account_id, payee.account_id, amount, about=key)
            if fee:
                _move(uuid5(key, "send_fee"), "send_fee", told.account_id, _only(Account.Kind.FEES), fee, about=key)
        return told


def can_receive(card: Card, balance: Balance) -> bool:
    """Whether money may be sent to this card: in use, a resident's, in won. A locked PIN does not matter."""
    card.refresh_from_db()
    in_use = card.status == Card.Status.ACTIVE and card.expires_on >= local_day(balance.now)
    return in_use and card.resident and card.currency == WON


@sensitive_variables("pin")
@retrying
def redeem(*, key: UUID, card: Card, amount: int, pin: str, by: Clerk) -> Instruction:
    """Take `amount` won off the card, which the clerk pays out in cash; or say why not in `code`.

    The holder is at the desk and has shown who they are, so the limits against thieves do not count here: who
    gives a card back takes all of it along.
    """
    told = Instruction(id=key, kind=Kind.REDEEM, account_id=card.account_id, last4=card.last4, amount=amount)
    with as_bank_desk():
        balance = lock_balances(card.account_id)[card.account_id]
        if old := _told_before(told):
            return old
        card.refresh_from_db()
        told.code = judge(card, balance, pin=pin, amount=0)
        if told.code == APPROVED and amount > balance.posted - balance.held:
            told.code = NOT_ENOUGH
        told.save(force_insert=True)
        note(key, Act.Kind.REDEEMED, card, by=by, code=told.code, detail=str(amount))
        if told.code == APPROVED:
            _move(key, "redeem", card.account_id, _only(Account.Kind.FLOAT), amount, about=key)
        return told


def _told_before(told: Instruction) -> Instruction | None:
    """The answer this very instruction had. Raises Refused when its key was used for another one."""
    old = Instruction.objects.filter(pk=told.pk).first()
    facts = ["kind", "account_id", "payee_id", "amount", "fee"]
    if old and any(getattr(old, name) != getattr(told, name) for name in facts):
        raise Refused("out of date")
    return old


def _move(key: UUID, kind: str, debit: int, credit: int, amount: int, *, about: UUID) -> None:
    Transfer.objects.create(
        uuid=key, kind=kind, debit_account_id=debit, credit_account_id=credit, amount=amount, reference=about
    )


def _only(kind: str) -> int:
    return Account.objects.values_list("id", flat=True).get(kind=kind, owner="")
