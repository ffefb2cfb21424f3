"""Cards and messages for the ledger's tests. Every call makes fresh rows: the ledger is never emptied."""

from __future__ import annotations

import datetime
import itertools
import random
import uuid
from collections.abc import Callable

from django.db import connection, transaction

from accounts.models import random_code
from payments import pay
from payments.gateway import Answer, Presented, luhn
from payments.models import Account, DayCut, Message, Payment
from payments.network import desk, loads
from payments.network.acts import Clerk
from payments.network.models import Balance, Card, LoadProposal
from payments.settlement import Settled, settle_with_file

PIN = "4831"
HOLDER = "리설희"
FAR = datetime.date(2099, 12, 31)
_numbers = itertools.count(random.SystemRandom().randrange(10**9) * 1_000)


def card_number() -> str:
    """A fresh number whose last digit fits."""
    body = f"9408{next(_numbers) % 10**12:012d}"
    return next(body + str(digit) for digit in range(10) if luhn(body + str(digit)))


def issued(balance: int = 10_000, **facts) -> tuple[Card, Presented]:
    """A card with `balance` won on it, and the card as its holder presents it."""
    number = facts.pop("number", None) or card_number()
    card = desk.issue_card(number=number, pin=PIN, holder=HOLDER, **{"expires_on": FAR, **facts})
    if balance:
        deposited(card, balance)
    return card, Presented(number, PIN, HOLDER)


def deposited(card: Card, amount: int) -> None:
    """Load the card: by one clerk, or by two where the amount asks for it."""
    by, other = Clerk(id=6, phone="1919000006"), Clerk(id=1, phone="1919000001")
    if amount <= loads.alone_limit():
        desk.load(card=card, amount=amount, deposit=uuid.uuid4())
        return
    proposal = loads.load_line(key=uuid.uuid4(), card=card, line=uuid.uuid4().hex, amount=amount, by=by)
    assert isinstance(proposal, LoadProposal)
    loads.agree_load(proposal=proposal, by=other)


def opened(amount: int, key: uuid.UUID | None = None, code: str = "") -> Message:
    with transaction.atomic():
        return pay.open_payment(key=key or uuid.uuid4(), order_code=code or random_code(8), amount=amount)


def asked(question: Callable[..., Message], **about) -> Message:
    with transaction.atomic():
        return question(**about)


def recorded(message: Message, answer: Answer) -> Message:
    with transaction.atomic():
        return pay.record(message_id=message.id, answer=answer)


def told(message: Message, card: Presented | None = None) -> Message:
    """Send the question and record the answer, as the shop does."""
    return recorded(message, pay.send(message, card))


def authorised(card: Presented, amount: int) -> Payment:
    message = told(opened(amount), card)
    assert message.code == "00", message.code
    return message.payment


def captured(card: Presented, amount: int, seller_id: int = 5, commission_bp: int = 300) -> Payment:
    payment = authorised(card, amount)
    question = asked(
        pay.ask_capture, payment=payment, parcel=1, seller_id=seller_id, goods=amount, fare=0,
        commission_bp=commission_bp,
    )  # fmt: skip
    return told(question).payment


def next_day(days: int = 1) -> datetime.date:
    """A day after every closed one: days only grow, and the ledger is never emptied."""
    last = DayCut.objects.order_by("-id").values_list("day", flat=True).first()
    return (last or datetime.date(2001, 1, 1)) + datetime.timedelta(days=days)


def settled(cut: DayCut) -> Settled:
    """The morning of one closed day: the network's file is fetched and kept, the day booked and paid out."""
    return settle_with_file(cut)


def balance(card: Card) -> tuple[int, int]:
    row = Balance.objects.get(pk=card.account_id)
    return row.posted, row.held


def balance_of(account: Account) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance_of(%s)", [account.pk])
        return cursor.fetchone()[0]
