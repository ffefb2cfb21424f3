"""The money of a planned day in the words of payments/history.py: loads, payments, captures, releases, refunds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from okryu.calendar import at, local_day
from okryu.demo.days import Dispute, PlannedOrder, PlannedParcel, Refund
from okryu.demo.people import Shopper
from orders.models import Parcel
from payments.history import Fate, PastDispute, PastLoad, PastOrder, PastParcel, PastRefund
from payments.network.models import Balance

DEPOSITS = UUID("6f6b7279-7520-4465-6d6f-206465706f73")
# Won: what a member pays in when the card would fall below LOW. Never above what the README promises on one card.
LOAD, LOW = 100_000, 70_000


class Purses:
    """What each card holds while the past is written: filled up in the morning before it runs low."""

    def __init__(self, shoppers: list[Shopper]) -> None:
        self._cards = {shopper.user.pk: shopper.card for shopper in shoppers}
        posted = dict(Balance.objects.values_list("account_id", "posted"))
        self._left = {user: posted.get(card.account_id, 0) for user, card in self._cards.items()}

    def loads(self, day: date, paid: Iterable[PlannedOrder]) -> list[PastLoad]:
        """The day's deposits: enough for everything these members pay on it."""
        loads: list[PastLoad] = []
        for order in paid:
            user = order.row.user_id
            if self._left[user] - order.row.total < LOW:
                deposit = uuid5(DEPOSITS, f"{day} {user} {len(loads)}")
                moment = at(day, 7, 10) + timedelta(minutes=len(loads))
                loads.append(PastLoad(card=self._cards[user], amount=LOAD, at=moment, deposit=deposit))
                self._left[user] += LOAD
            self._left[user] -= order.row.total
        return loads


def paid(order: PlannedOrder, day: date) -> PastOrder:
    """The order on the day it was paid: parcels answered by then, the others held on the card."""
    return _past(order, [part for parcel in order.parcels for part in _parts(parcel, day)])


def answered_later(order: PlannedOrder, day: date) -> PastOrder | None:
    """Of an order paid earlier, what was captured or released on `day`."""
    if local_day(order.row.paid_at or order.row.placed_at) == day:
        return None
    parts = [part for parcel in order.parcels for part in _parts(parcel, day) if part.fate != Fate.HELD]
    return _past(order, parts) if parts else None


def dispute(dispute: Dispute) -> PastDispute:
    parcel = _captured(dispute.parcel.row)
    return PastDispute(
        order=_past(dispute.order, []),
        parcel=parcel,
        amount=parcel.goods,
        at=dispute.at,
        reason="the goods never came",
        case=dispute.case,
    )


def _captured(row: Parcel) -> PastParcel:
    return PastParcel(row.number, row.seller_id, row.confirmed_total or 0, row.fee, row.commission_bp)


def refund(refund: Refund) -> PastRefund:
    return PastRefund(
        order=_past(refund.order, []),
        parcel=_captured(refund.parcel.row),
        goods=refund.goods,
        fare=0,
        at=refund.at,
        part=refund.key.hex[:16],
    )


def _past(order: PlannedOrder, parts: list[PastParcel]) -> PastOrder:
    moment = order.row.paid_at or order.row.placed_at
    return PastOrder(
        key=order.row.payment_key,
        code=order.row.code,
        card=order.shopper.card,
        at=moment,
        answered_at=moment,
        parcels=parts,
    )


def _parts(parcel: PlannedParcel, day: date) -> Iterator[PastParcel]:
    """A parcel's money in its parts: what was answered on `day` with its moment, the rest as held."""
    row = parcel.row
    for goods, fare, fate, moment, name in _fates(row):
        part = PastParcel(row.number, row.seller_id, goods, fare, row.commission_bp, fate, moment, name)
        answered = moment is not None and local_day(moment) == day
        yield part if answered else replace(part, fate=Fate.HELD, answered_at=None)


def _fates(row: Parcel) -> Iterator[tuple[int, int, Fate, datetime | None, str]]:
    """Goods, fare, what became of them, when, and as which part."""
    if row.confirmed_total is None:
        yield row.goods_total, row.fee, Fate.RELEASED, row.ended_at, str(row.status)
        return
    if short := row.goods_total - row.confirmed_total:
        yield short, 0, Fate.RELEASED, row.confirmed_at, "short"
    yield row.confirmed_total, row.fee, Fate.CAPTURED, row.captured_at, ""
