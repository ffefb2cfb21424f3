"""What the benchmark pays with: cards with money on them and open sellers, the same in every scratch database."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass

from django.db import connection

from payments.gateway import Presented, luhn
from payments.models import Account, Transfer
from payments.network import digests
from payments.network.models import Card

SELLERS = 1_000
CARDS = 2_000
PIN, HOLDER = "4831", "리설희"
FUNDS = 1_000_000  # as much as one clerk may load alone
NO_LIMIT = 10**12  # a card pays more often here than any holder does
FAR = datetime.date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Accounts by number: card `n` of 1 … CARDS is the account `first_card + n - 1`, sellers likewise."""

    first_seller: int
    first_card: int


def stock_up() -> Shelf:
    """Open SELLERS and CARDS on the current database and load the cards, through the ledger's guards."""
    sellers = Account.objects.bulk_create(
        Account(kind=Account.Kind.SELLER, owner=str(number)) for number in range(1, SELLERS + 1)
    )
    accounts = Account.objects.bulk_create(
        Account(kind=Account.Kind.CARD, owner=f"bench-{number}") for number in range(1, CARDS + 1)
    )
    Card.objects.bulk_create(_plastic(number, account) for number, account in enumerate(accounts, start=1))
    deposits = Account.objects.get(kind=Account.Kind.FLOAT)
    Transfer.objects.bulk_create(
        Transfer(
            uuid=uuid.uuid4(),
            kind="load",
            debit_account=deposits,
            credit_account=account,
            amount=FUNDS,
            reference=uuid.uuid4(),
        )
        for account in accounts
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert [account.pk for account in sellers] == list(range(sellers[0].pk, sellers[0].pk + SELLERS))
    assert [account.pk for account in accounts] == list(range(accounts[0].pk, accounts[0].pk + CARDS))
    return Shelf(first_seller=sellers[0].pk, first_card=accounts[0].pk)


def presented(number: int) -> Presented:
    """The card `number` as its holder types it."""
    return Presented(_digits(number), PIN, HOLDER)


def _plastic(number: int, account: Account) -> Card:
    digits = _digits(number)
    return Card(
        account=account,
        number_mac=digests.number_mac(digits),
        holder_mac=digests.holder_mac(account.pk, HOLDER),
        pin_mac=digests.pin_mac(account.pk, PIN),
        last4=digits[-4:],
        expires_on=FAR,
        per_payment=NO_LIMIT,
        per_day=NO_LIMIT,
        count_day=2_000_000_000,
    )


def _digits(number: int) -> str:
    body = f"9408{number:012d}"
    return next(body + str(digit) for digit in range(10) if luhn(body + str(digit)))
