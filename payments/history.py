"""Write past days into an empty ledger: settled, closed and sealed one after another, as if they had been lived.

For the demo shop only. `write_day` writes both sides of each day, the network's and the shop's, in one
transaction of some thirty statements; the database keeps every rule it keeps for a live payment, except that
the owner of the tables may say when it was. Days are written in order, each after the one before; once a live
transfer exists, earlier days are refused. PIN, holder and daily limits are not looked at: nobody is asking.

    write_day(day, loads=[PastLoad(card=card, amount=50_000, at=…)], orders=[PastOrder(…)], refunds=[PastRefund(…)])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from okryu.calendar import at as moment
from payments.gateway import APPROVED, receipt_number
from payments.models import Account, DayCut, Message, Payment, Transfer
from payments.network import settlement_file
from payments.network.desk import book_settlement
from payments.network.models import Authorisation, Card, Chargeback, Release
from payments.pay import message_id
from payments.reconciliation import keep
from payments.settlement import book, write_up
from payments.shop_book import commission_on

SETTLED_AT_HOUR = 6  # the morning after, the network pays and the sellers are paid


class Fate(StrEnum):
    CAPTURED = "captured"  # paid for: the seller had it
    RELEASED = "released"  # declined or cancelled: its part went back to the card
    HELD = "held"  # still kept back on the card: not answered yet


@dataclass(frozen=True, slots=True)
class PastParcel:
    number: int
    seller_id: int
    goods: int  # whole won
    fare: int
    commission_bp: int
    fate: Fate = Fate.CAPTURED
    answered_at: datetime | None = None  # where not all parcels of the order were answered at one moment
    part: str = ""  # of a release: what became of the parcel, or "short" beside a capture of the rest

    @property
    def amount(self) -> int:
        return self.goods + self.fare


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order paid at `at`, whose parcels were captured or released at `answered_at` of the same day.

    A parcel answered on a later day is HELD here, and captured or released there: see `write_day`, `later`.
    """

    key: UUID  # the payment's
    code: str
    card: Card
    at: datetime
    answered_at: datetime
    parcels: Sequence[PastParcel]

    @property
    def amount(self) -> int:
        return sum(parcel.amount for parcel in self.parcels)


@dataclass(frozen=True, slots=True)
class PastRefund:
    """Money of one captured parcel returned on a later day (or later that day): at most one a parcel."""

    order: PastOrder
    parcel: PastParcel
    goods: int
    fare: int
    at: datetime
    part: str = "1"  # the return's number


@dataclass(frozen=True, slots=True)
class PastDispute:
    """Captured goods the network gave back by itself: the shop reads of it in the day's file."""

    order: PastOrder
    parcel: PastParcel
    amount: int
    at: datetime
    reason: str
    case: UUID


@dataclass(frozen=True, slots=True)
class PastLoad:
    card: Card
    amount: int
    at: datetime
    deposit: UUID = field(default_factory=uuid4)


def write_day(
    day: date,
    *,
    loads: Iterable[PastLoad] = (),
    orders: Sequence[PastOrder] = (),
    later: Sequence[PastOrder] = (),
    refunds: Sequence[PastRefund] = (),
    disputes: Sequence[PastDispute] = (),
) -> DayCut:
    """Settle the day before, write this one, close and seal it.

    `orders` were paid on this day; of orders paid earlier, `later` names the parcels answered on this day.

    Raises IntegrityError when the day is not after all that is written, or a card would be overdrawn.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL okryu.history = 'on'")
            cursor.execute("SET LOCAL statement_timeout = '60s'")
        _settle_day_before(day)
        account = _accounts([*orders, *later], refunds)
        _insert(_load(load, account) for load in loads)
        _authorise(orders)
        _capture([*orders, *later], account)
        _release([*orders, *later])
        _refund(refunds, account)
        _dispute(disputes, account)
        return write_up(day)


def _settle_day_before(day: date) -> None:
    if before := DayCut.objects.order_by("-id").first():
        _settle(before, moment(day, SETTLED_AT_HOUR))


def settle_last_day(now: datetime) -> None:
    """Settle the last day written, this very morning: by six o'clock, or now when it is not six yet."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL okryu.history = 'on'")
        if last := DayCut.objects.filter(settlement=None).order_by("-id").first():
            _settle(last, min(moment(last.day + timedelta(days=1), SETTLED_AT_HOUR), now))


def _settle(cut: DayCut, morning: datetime) -> None:
    """The network pays and sends its file; it is kept, booked and paid out, as on any morning."""
    book_settlement(cut, at=morning)
    keep(cut, settlement_file.write(cut), at=morning)
    book(cut, at=morning)


def _accounts(orders: Sequence[PastOrder], refunds: Sequence[PastRefund]) -> dict[str, int]:
    """Ids by kind, and by "seller 5"; opened where missing."""
    parcels = [parcel for order in orders for parcel in order.parcels] + [refund.parcel for refund in refunds]
    owners = sorted({str(parcel.seller_id) for parcel in parcels})
    Account.objects.bulk_create(
        [Account(kind=Account.Kind.SELLER, owner=owner) for owner in owners], ignore_conflicts=True
    )
    known = Account.objects.exclude(kind=Account.Kind.CARD).values_list("kind", "owner", "id")
    return {f"{kind} {owner}".strip(): key for kind, owner, key in known}


def _authorise(orders: Sequence[PastOrder]) -> None:
    Payment.objects.bulk_create(
        Payment(id=order.key, order_code=order.code, amount=order.amount, last4=order.card.last4, created_at=order.at)
        for order in orders
    )
    asked = [_message(order, "authorise", order.amount, order.at) for order in orders]
    Authorisation.objects.bulk_create(
        Authorisation(
            id=message.id,
            account_id=order.card.account_id,
            merchant_reference=order.code,
            last4=order.card.last4,
            amount=order.amount,
            code=APPROVED,
            state=Authorisation.State.OPEN,
            expires_at=order.at + timedelta(days=settings.AUTHORISATION_LIFE_DAYS),
            created_at=order.at,
        )
        for message, order in zip(asked, orders, strict=True)
    )
    _answer(asked)
    Payment.objects.filter(id__in=[order.key for order in orders]).update(
        state=Payment.State.AUTHORISED,
        code=APPROVED,
        expires_at=F("created_at") + timedelta(days=settings.AUTHORISATION_LIFE_DAYS),
    )


def _capture(orders: Sequence[PastOrder], account: dict[str, int]) -> None:
    # In the order of the day, so that statements read like it.
    captured = sorted(_parcels(orders, Fate.CAPTURED), key=lambda pair: pair[1].answered_at or pair[0].answered_at)
    asked = [
        _message(
            order,
            "capture",
            parcel.amount,
            parcel.answered_at or order.answered_at,
            parcel=parcel.number,
            seller_id=parcel.seller_id,
            goods=parcel.goods,
            fare=parcel.fare,
            commission_bp=parcel.commission_bp,
        )
        for order, parcel in captured
    ]
    _insert(
        Transfer(
            uuid=message.id,
            kind="capture",
            debit_account_id=order.card.account_id,
            credit_account_id=account["merchant"],
            amount=message.amount,
            reference=message_id(order.key, "authorise"),
            at=message.created_at,
        )
        for message, (order, _parcel) in zip(asked, captured, strict=True)
    )
    _answer(asked)
    moves = []
    for message in asked:
        seller = account[f"seller {message.seller_id}"]
        moves += [
            _shop_move(message, "sale", account["network"], seller, message.goods),
            _shop_move(message, "fare", account["network"], account["delivery"], message.fare),
            _shop_move(
                message,
                "commission",
                seller,
                account["commission"],
                commission_on(message.goods, message.commission_bp),
            ),
        ]
    _insert(move for move in moves if move.amount)


def _release(orders: Sequence[PastOrder]) -> None:
    released = list(_parcels(orders, Fate.RELEASED))
    asked = [
        _message(
            order,
            "release",
            parcel.amount,
            parcel.answered_at or order.answered_at,
            parcel=parcel.number,
            part=parcel.part,
        )
        for order, parcel in released
    ]
    Release.objects.bulk_create(
        Release(
            id=message.id,
            authorisation_id=message_id(order.key, "authorise"),
            amount=message.amount,
            created_at=message.created_at,
        )
        for message, (order, _parcel) in zip(asked, released, strict=True)
    )
    _answer(asked)


def _refund(refunds: Sequence[PastRefund], account: dict[str, int]) -> None:
    asked = [
        _message(
            refund.order,
            "refund",
            refund.goods + refund.fare,
            refund.at,
            parcel=refund.parcel.number,
            part=refund.part,
            seller_id=refund.parcel.seller_id,
            goods=refund.goods,
            fare=refund.fare,
            commission_bp=refund.parcel.commission_bp,
        )
        for refund in refunds
    ]
    _insert(
        Transfer(
            uuid=message.id,
            kind="refund",
            debit_account_id=account["merchant"],
            credit_account_id=refund.order.card.account_id,
            amount=message.amount,
            reference=message_id(refund.order.key, "authorise"),
            at=refund.at,
        )
        for message, refund in zip(asked, refunds, strict=True)
    )
    _answer(asked)
    moves = []
    for message, refund in zip(asked, refunds, strict=True):
        seller, rate = account[f"seller {message.seller_id}"], message.commission_bp
        fee_back = commission_on(refund.parcel.goods, rate) - commission_on(refund.parcel.goods - refund.goods, rate)
        moves += [
            _shop_move(message, "sale_back", seller, account["network"], message.goods),
            _shop_move(message, "fare_back", account["delivery"], account["network"], message.fare),
            _shop_move(message, "commission_back", account["commission"], seller, fee_back),
        ]
    _insert(move for move in moves if move.amount)


def _dispute(disputes: Sequence[PastDispute], account: dict[str, int]) -> None:
    """The network's side alone: the shop's comes with the file."""
    Chargeback.objects.bulk_create(
        Chargeback(
            id=one.case,
            capture=message_id(one.order.key, "capture", one.parcel.number),
            amount=one.amount,
            reason=one.reason,
            created_at=one.at,
        )
        for one in disputes
    )
    _insert(
        Transfer(
            uuid=one.case,
            kind="refund",
            debit_account_id=account["merchant"],
            credit_account_id=one.order.card.account_id,
            amount=one.amount,
            reference=message_id(one.order.key, "authorise"),
            at=one.at,
        )
        for one in disputes
    )


def _parcels(orders: Sequence[PastOrder], fate: Fate) -> Iterator[tuple[PastOrder, PastParcel]]:
    return ((order, parcel) for order in orders for parcel in order.parcels if parcel.fate == fate)


def _message(
    order: PastOrder,
    verb: str,
    amount: int,
    at: datetime,
    *,
    parcel: int | None = None,
    part: str = "",
    seller_id: int | None = None,
    goods: int = 0,
    fare: int = 0,
    commission_bp: int = 0,
) -> Message:
    key = message_id(order.key, verb, parcel, part)
    return Message(
        id=key,
        payment_id=order.key,
        verb=verb,
        parcel=parcel,
        part=part,
        seller_id=seller_id,
        amount=amount,
        goods=goods,
        fare=fare,
        commission_bp=commission_bp,
        ref=receipt_number(key),
        next_at=at,
        created_at=at,
    )


def _answer(asked: list[Message]) -> None:
    """Write the questions and, in the next statement, their answers: nothing is born answered."""
    Message.objects.bulk_create(asked)
    Message.objects.filter(id__in=[message.id for message in asked]).update(
        code=APPROVED, tries=1, answered_at=F("created_at")
    )


def _load(load: PastLoad, account: dict[str, int]) -> Transfer:
    return Transfer(
        uuid=load.deposit,
        kind="load",
        debit_account_id=account["float"],
        credit_account_id=load.card.account_id,
        amount=load.amount,
        reference=load.deposit,
        at=load.at,
    )


def _shop_move(message: Message, kind: str, debit: int, credit: int, amount: int) -> Transfer:
    return Transfer(
        uuid=uuid5(message.id, kind),
        kind=kind,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        reference=message.payment_id,
        at=message.created_at,
    )


def _insert(transfers: Iterable[Transfer]) -> None:
    Transfer.objects.bulk_create(transfers)
