"""Clerks and short words for what is done with cards at the desk and on /card/."""

from __future__ import annotations

import datetime
import uuid

from django.db import connection

from payments import audit
from payments.models import Account
from payments.network import cards, claims, sending
from payments.network.acts import Clerk
from payments.network.models import Card, Claim, Instruction
from tests.payments.cast import HOLDER, PIN, balance_of, card_number

CLERK = Clerk(id=6, phone="1919000006")
SECOND = Clerk(id=1, phone="1919000001")
FEE = 10
NEW_PIN = "7306"
LATER = datetime.date(2101, 1, 31)


def sent(payer: Card, payee: Card, amount: int, *, key: uuid.UUID | None = None, pin: str = PIN) -> Instruction:
    return sending.send(key=key or uuid.uuid4(), payer=payer, payee=payee, amount=amount, fee=FEE, pin=pin)


def claimed(payer: Card, payee: Card, amount: int) -> Claim:
    return claims.make_claim(card=payer, sent=sent(payer, payee, amount), reason="a wrong number")


def replaced(card: Card, *, number: str = "", holder: str = HOLDER, key: uuid.UUID | None = None) -> Card:
    return cards.replace(
        key=key or uuid.uuid4(), card=card, number=number or card_number(), pin=NEW_PIN, holder=holder,
        expires_on=LATER, by=CLERK,
    )  # fmt: skip


def fees() -> int:
    return balance_of(Account.objects.get(kind="fees", owner=""))


def days_pass(table: str, key: uuid.UUID, days: int, *columns: str) -> None:
    """Move moments of a row back in time, behind its guards, as if that many days had gone by."""
    moved = ", ".join(f"{column} = {column} - make_interval(days => %(days)s)" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE {table} SET {moved} WHERE id = %(key)s", {"days": days, "key": key})  # noqa: S608
        cursor.execute("SET LOCAL session_replication_role = origin")


def every_won_is_accounted_for() -> bool:
    """Deposits = cards + fees + what the shop is owed, and every audit view empty."""
    return audit.count().is_whole and not any(finding.rows for finding in audit.audit())
