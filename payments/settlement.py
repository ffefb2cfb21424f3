"""Closing days and settling with the sellers, the shop's side.

A day is cut by sequence number, never by the clock: no transfer can ever fall behind its cut. Everything that
follows hangs on the cut's id, so each step can be run again and changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import connection, transaction

from payments.models import Account, DayCut, Transfer

# Ids of a day's transfers are made under this name: uuid5(SETTLEMENT, "day:kind:about").
SETTLEMENT = UUID("6f6b7279-7520-5365-7474-6c656d656e74")
MOVES = ("receipt", "receipt_back", "payout", "fare_payout")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settlement moved, in whole won."""

    received: int
    returned: int
    paid_out: int
    sellers: int


class Move(NamedTuple):
    """One transfer to be booked."""

    kind: str
    debit: int
    credit: int
    amount: int
    about: UUID | None = None  # the payment; a payout is about itself


def days_to_close(*, until: date) -> list[date]:
    """Every day up to `until` that is not closed yet, in order; on a ledger never closed, `until` alone."""
    last = DayCut.objects.order_by("-id").values_list("day", flat=True).first()
    first = until if last is None else last + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((until - first).days + 1)]


def close_day(day: date) -> DayCut:
    """Cut the ledger at the end of `day`, write its closings and its seal. Repeatable; waits for open writers.

    Earlier cuts that were not written up are written first.
    """
    with transaction.atomic(durable=True):
        return write_up(day)


def settle(cut: DayCut) -> Settled:
    """Book what the network paid for the day's captures and pay out what sellers and couriers are owed.

    Repeatable: what was booked stays booked once.
    """
    with transaction.atomic(durable=True):
        return book(cut)


def write_up(day: date) -> DayCut:
    """`close_day` within the caller's transaction."""
    _wait_for_other_runners()
    with connection.cursor() as cursor:
        if not DayCut.objects.filter(day=day).exists():
            cursor.execute("CALL close_day(%s)", [day])
        for cut_id in DayCut.objects.filter(seal=None).order_by("id").values_list("id", flat=True):
            cursor.execute("CALL write_closing(%s)", [cut_id])
            cursor.execute("CALL write_seal(%s)", [cut_id])
    return DayCut.objects.get(day=day)


def book(cut: DayCut, *, at: datetime | None = None) -> Settled:
    """`settle` within the caller's transaction. `at` is kept only while history is written."""
    _wait_for_other_runners()
    rows = [_transfer(cut, move, at) for move in [*_receipts(cut), *_payouts(cut)]]
    known = set(Transfer.objects.filter(uuid__in=[row.uuid for row in rows]).values_list("uuid", flat=True))
    new = [row for row in rows if row.uuid not in known]
    Transfer.objects.bulk_create(new, batch_size=2_000)
    total = {kind: sum(row.amount for row in new if row.kind == kind) for kind in MOVES}
    return Settled(
        received=total["receipt"],
        returned=total["receipt_back"],
        paid_out=total["payout"] + total["fare_payout"],
        sellers=sum(row.kind == "payout" for row in new),
    )


def _wait_for_other_runners() -> None:
    """One at a time; the next sees what this one has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('settlement', 0))")


def _receipts(cut: DayCut) -> Iterator[Move]:
    """One receipt for each payment whose captures and refunds of the day do not cancel out."""
    bank, network = _only(Account.Kind.BANK), _only(Account.Kind.NETWORK)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT reference, net FROM (
                SELECT reference,
                       sum(CASE WHEN kind IN ('sale', 'fare') THEN amount ELSE -amount END)::bigint AS net
                  FROM payments_transfer t, span_of(%s) WHERE t.seq > low AND t.seq <= high
                   AND kind IN ('sale', 'fare', 'sale_back', 'fare_back')
                 GROUP BY reference) day
             WHERE net <> 0 ORDER BY reference
            """,
            [cut.pk],
        )
        for payment, net in cursor.fetchall():
            yield (
                Move("receipt", bank, network, net, payment)
                if net > 0
                else Move("receipt_back", network, bank, -net, payment)
            )


def _payouts(cut: DayCut) -> Iterator[Move]:
    """To each seller and to delivery what they were owed at the cut, if they still are: never more than now."""
    bank = _only(Account.Kind.BANK)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.id, a.kind, least(c.balance, balance_of(a.id)) AS due FROM payments_account a
              JOIN LATERAL (SELECT balance FROM payments_closing WHERE account_id = a.id AND cut_id <= %s
                             ORDER BY cut_id DESC LIMIT 1) c ON c.balance > 0
             WHERE a.kind IN ('seller', 'delivery') ORDER BY a.id
            """,
            [cut.pk],
        )
        for account_id, kind, due in cursor.fetchall():
            if due > 0:
                yield Move("payout" if kind == "seller" else "fare_payout", account_id, bank, due)


def _transfer(cut: DayCut, move: Move, at: datetime | None) -> Transfer:
    key = settlement_id(cut, move.kind, move.about or move.debit)
    row = Transfer(
        uuid=key,
        kind=move.kind,
        debit_account_id=move.debit,
        credit_account_id=move.credit,
        amount=move.amount,
        reference=move.about or key,
    )
    if at is not None:
        row.at = at
    return row


def settlement_id(cut: DayCut, kind: str, about: UUID | int | str) -> UUID:
    return uuid5(SETTLEMENT, f"{cut.day}:{kind}:{about}")


def _only(kind: str) -> int:
    return Account.objects.values_list("id", flat=True).get(kind=kind, owner="")
