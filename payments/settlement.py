"""Closing days and settling with the sellers, the shop's side.

A day is cut by sequence number, never by the clock: no transfer can ever fall behind its cut. Everything that
follows hangs on the cut's id, so each step can be run again and changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from django.db import connection, transaction

from payments.models import Account, DayCut, Transfer

# Ids of a day's transfers are made under this name: uuid5(SETTLEMENT, "cut:kind:what").
SETTLEMENT = UUID("6f6b7279-7520-5365-7474-6c656d656e74")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settlement moved, in whole won."""

    received: int
    returned: int
    paid_out: int
    sellers: int


class DayNotOver(Exception):
    """Only a day that has ended can be closed."""


def close_day(day: date) -> DayCut:
    """Cut the ledger at the end of `day`, write its closings and its seal. Repeatable; waits for open writers.

    Earlier cuts that were not written up are written first.
    """
    with transaction.atomic(durable=True), _one_closer(), connection.cursor() as cursor:
        if not DayCut.objects.filter(day=day).exists():
            cursor.execute("CALL close_day(%s)", [day])
        for cut_id in DayCut.objects.filter(seal=None).order_by("id").values_list("id", flat=True):
            cursor.execute("CALL write_closing(%s)", [cut_id])
            cursor.execute("CALL write_seal(%s)", [cut_id])
    return DayCut.objects.get(day=day)


def settle(cut: DayCut, *, at: datetime | None = None) -> Settled:
    """Book what the network paid for the day's captures and pay out what sellers and couriers are owed.

    `at` is kept only while history is written. Repeatable: what was booked stays booked once.
    """
    with transaction.atomic(durable=True), _one_closer():
        receipts = _receipts(cut, at)
        payouts = _payouts(cut, at)
        Transfer.objects.bulk_create([*receipts, *payouts], batch_size=2_000)
    return Settled(
        received=sum(row.amount for row in receipts if row.kind == "receipt"),
        returned=sum(row.amount for row in receipts if row.kind == "receipt_back"),
        paid_out=sum(row.amount for row in payouts),
        sellers=sum(row.kind == "payout" for row in payouts),
    )


@contextmanager
def _one_closer() -> Iterator[None]:
    """One runner at a time; the next sees what this one has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('settlement', 0))")
    yield


def _receipts(cut: DayCut, at: datetime | None) -> list[Transfer]:
    """One receipt for each payment whose captures and refunds of the day do not cancel out."""
    bank, network = _only(Account.Kind.BANK), _only(Account.Kind.NETWORK)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.reference, sum(CASE WHEN t.kind IN ('sale', 'fare') THEN t.amount ELSE -t.amount END)::bigint AS net
              FROM payments_transfer t, span_of(%s) WHERE t.seq > low AND t.seq <= high
               AND t.kind IN ('sale', 'fare', 'sale_back', 'fare_back')
             GROUP BY t.reference HAVING sum(CASE WHEN t.kind IN ('sale', 'fare') THEN t.amount ELSE -t.amount END) <> 0
             ORDER BY t.reference
            """,
            [cut.pk],
        )
        rows = [
            _transfer(cut, "receipt", bank, network, net, payment, at)
            if net > 0
            else _transfer(cut, "receipt_back", network, bank, -net, payment, at)
            for payment, net in cursor.fetchall()
        ]
    return _new(rows)


def _payouts(cut: DayCut, at: datetime | None) -> list[Transfer]:
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
        rows = [
            _transfer(cut, "payout" if kind == "seller" else "fare_payout", account_id, bank, due, None, at)
            for account_id, kind, due in cursor.fetchall()
            if due > 0
        ]
    return _new(rows)


def _transfer(
    cut: DayCut, kind: str, debit: int, credit: int, amount: int, about: UUID | None, at: datetime | None
) -> Transfer:
    key = uuid5(SETTLEMENT, f"{cut.pk}:{kind}:{about or debit}")
    row = Transfer(
        uuid=key, kind=kind, debit_account_id=debit, credit_account_id=credit, amount=amount, reference=about or key
    )
    if at is not None:
        row.at = at
    return row


def _new(rows: list[Transfer]) -> list[Transfer]:
    """Those not booked by an earlier run."""
    known = set(Transfer.objects.filter(uuid__in=[row.uuid for row in rows]).values_list("uuid", flat=True))
    return [row for row in rows if row.uuid not in known]


def _only(kind: str) -> int:
    return Account.objects.values_list("id", flat=True).get(kind=kind, owner="")
