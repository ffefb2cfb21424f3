"""Closing days and settling with the network, the sellers and the couriers, the shop's side.

A day is cut by sequence number, never by the clock: no transfer can ever fall behind its cut. Then, each morning
and for every day that waits, in order: fetch the network's file, keep it, join it with our books, book the money
the file says we got, pay out. Each step can be run again and changes nothing the second time; a step that cannot
be done yet (no file, a difference nobody has explained) leaves the day waiting.

To measure: `close_day(day)` closes and seals; `reconciliation.keep_file(cut, content)` then `reconcile(cut)` join a
file with the books; `settle(cut)` books receipts and pays out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from payments.gateway import NoAnswer, gateway
from payments.models import Account, DayCut, Transfer
from payments.reconciliation import Reconciliation, keep_file, one_at_a_time, reconcile
from payments.settlement_file import FileRefused
from payments.settlement_models import Settlement, SettlementFile

log = logging.getLogger(__name__)
# Ids of payouts are made under this name: uuid5(SETTLEMENT, "day:kind:account").
SETTLEMENT = UUID("6f6b7279-7520-5365-7474-6c656d656e74")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one run moved, in whole won, and what the day still waits for."""

    received: int = 0
    returned: int = 0
    paid_out: int = 0
    sellers: int = 0
    waits_for: str = ""  # "file", "refused file", "earlier day", "explanation", "answer"; "" when the day is finished


class Move(NamedTuple):
    """One payout to be booked."""

    kind: str
    debit: int
    credit: int
    amount: int


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
    """Book what the day's file says the network paid; pay sellers and couriers once nothing is unexplained.

    Repeatable: what was booked stays booked once. Without the day's file nothing is booked.
    """
    with transaction.atomic(durable=True):
        return book(cut)


def waiting_days() -> QuerySet[DayCut]:
    """Closed days that are not finished, in order. Days settled before there were files count as finished."""
    before_files = Settlement.objects.filter(file=None).aggregate(last=Max("cut_id"))["last"] or 0
    return DayCut.objects.filter(settlement=None, id__gt=before_files).order_by("id")


def settle_waiting_days() -> Iterator[tuple[DayCut, Settled]]:
    """The whole morning for every day that waits, in order; one that has to wait on keeps no other from its file."""
    for cut in waiting_days():
        yield cut, settle_with_file(cut)


def settle_with_file(cut: DayCut) -> Settled:
    """Fetch the day's file unless it is kept already, then `settle`."""
    if not SettlementFile.objects.filter(cut=cut).exists():
        try:
            keep_file(cut, gateway().file(cut.day))
        except NoAnswer:
            log.warning("the network has no file of %s yet", cut.day)
            return Settled(waits_for="file")
        except FileRefused as refused:
            log.error("the network's file of %s is refused: %s", cut.day, refused)
            return Settled(waits_for="refused file")
    return settle(cut)


def write_up(day: date) -> DayCut:
    """`close_day` within the caller's transaction."""
    one_at_a_time()
    with connection.cursor() as cursor:
        if not DayCut.objects.filter(day=day).exists():
            cursor.execute("CALL close_day(%s)", [day])
        for cut_id in DayCut.objects.filter(seal=None).order_by("id").values_list("id", flat=True):
            cursor.execute("CALL write_closing(%s)", [cut_id])
            cursor.execute("CALL write_seal(%s)", [cut_id])
    return DayCut.objects.get(day=day)


def book(cut: DayCut, *, at: datetime | None = None) -> Settled:
    """`settle` within the caller's transaction. `at` is kept only while history is written."""
    one_at_a_time()
    kept = SettlementFile.objects.filter(cut=cut).first()
    if kept is None:
        return Settled(waits_for="file")
    if Settlement.objects.filter(cut=cut).exists():
        return Settled()  # finished for ever: what a seller was not owed then is paid with a later day
    found = reconcile(cut)  # first: an answer that comes meanwhile is booked, or makes the day wait; never lost between
    due, received = _book_receipts(cut, at)
    paid: list[Move] = []
    waits_for = _what_holds_payouts(cut, found)
    if not waits_for:
        paid = _book_payouts(cut, at)
        waits_for = "answer" if found.in_flight else ""
    if not waits_for:
        _finish(cut, kept, due, at)
    return Settled(
        received=received.get("receipt", 0),
        returned=received.get("receipt_back", 0),
        paid_out=sum(move.amount for move in paid),
        sellers=sum(move.kind == "payout" for move in paid),
        waits_for=waits_for,
    )


def _what_holds_payouts(cut: DayCut, found: Reconciliation) -> str:
    """Nobody is paid while a difference is unexplained, on this day or one before, or an earlier file is missing."""
    if found.unexplained:
        return "explanation"
    for earlier in waiting_days().filter(id__lt=cut.pk).select_related("settlement_file"):
        if not hasattr(earlier, "settlement_file") or reconcile(earlier).unexplained:
            return "earlier day"
    return ""


def _book_receipts(cut: DayCut, at: datetime | None) -> tuple[dict[str, int], dict[str, int]]:
    """Book what the file says, payment by payment, as far as it is not booked; won by kind, of all and of the new.

    All in the database, file and books joined once: a day may have a hundred thousand payments.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (SELECT * FROM due_receipts(%s)),
            booked AS (
                INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference, at)
                SELECT r.id, r.kind, debit.id, credit.id, r.amount, r.about, coalesce(%s, now())
                  FROM due r
                  JOIN payments_transferkind k ON k.kind = r.kind
                  JOIN payments_account debit ON debit.kind = k.debit
                  JOIN payments_account credit ON credit.kind = k.credit
                 WHERE NOT EXISTS (SELECT FROM payments_transfer t WHERE t.id = r.id)
                 ORDER BY r.about RETURNING kind, amount)
            SELECT kind, sum(amount)::bigint,
                   coalesce((SELECT sum(b.amount) FROM booked b WHERE b.kind = due.kind), 0)::bigint
              FROM due GROUP BY kind
            """,
            [cut.pk, at],
        )
        rows = cursor.fetchall()
    return {kind: whole for kind, whole, _ in rows}, {kind: new for kind, _, new in rows}


def _payouts(cut: DayCut) -> Iterator[Move]:
    """To each seller and to delivery what they were owed at the cut and were not paid since: never more than now.

    When days are caught up, what was sold after the cut is not paid with it.
    """
    bank = _only(Account.Kind.BANK)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.id, a.kind, least(c.balance - coalesce(since.paid, 0), balance_of(a.id)) AS due
              FROM payments_account a
              JOIN LATERAL (SELECT balance FROM payments_closing WHERE account_id = a.id AND cut_id <= %(cut)s
                             ORDER BY cut_id DESC LIMIT 1) c ON c.balance > 0
              LEFT JOIN (SELECT debit_account_id, sum(amount)::bigint AS paid FROM payments_transfer
                          WHERE credit_account_id = %(bank)s AND seq > %(seq)s AND kind IN ('payout', 'fare_payout')
                          GROUP BY debit_account_id) since ON since.debit_account_id = a.id
             WHERE a.kind IN ('seller', 'delivery') ORDER BY a.id
            """,
            {"cut": cut.pk, "seq": cut.seq, "bank": bank},
        )
        for account_id, kind, due in cursor.fetchall():
            if due > 0:
                yield Move("payout" if kind == "seller" else "fare_payout", account_id, bank, due)


def _book_payouts(cut: DayCut, at: datetime | None) -> list[Move]:
    """Pay what is not paid yet; the moves that were new."""
    of_id = {settlement_id(cut, move.kind, move.debit): move for move in _payouts(cut)}
    known = set(Transfer.objects.filter(uuid__in=of_id).values_list("uuid", flat=True))
    new = {key: move for key, move in of_id.items() if key not in known}
    rows = [
        Transfer(
            uuid=key, kind=move.kind, debit_account_id=move.debit, credit_account_id=move.credit, amount=move.amount,
            reference=key,
        )
        for key, move in new.items()
    ]  # fmt: skip
    if at is not None:
        for row in rows:
            row.at = at
    Transfer.objects.bulk_create(rows, batch_size=2_000)
    return list(new.values())


def _finish(cut: DayCut, kept: SettlementFile, due: dict[str, int], at: datetime | None) -> None:
    paid = list(payouts_of(cut).values_list("amount", flat=True))
    row = Settlement(
        cut=cut,
        file=kept,
        received=due.get("receipt", 0),
        returned=due.get("receipt_back", 0),
        paid_out=sum(paid),
        payouts=len(paid),
    )
    if at is not None:
        row.created_at = at
    Settlement.objects.bulk_create([row], ignore_conflicts=True)


def payouts_of(cut: DayCut) -> QuerySet[Transfer]:
    """What was paid to sellers and couriers for this day. A payout's id is made from the day and the account."""
    accounts = Account.objects.filter(kind__in=[Account.Kind.SELLER, Account.Kind.DELIVERY]).values_list("id", "kind")
    ids = [settlement_id(cut, "payout" if kind == "seller" else "fare_payout", account) for account, kind in accounts]
    return Transfer.objects.filter(uuid__in=ids).select_related("debit_account").order_by("seq")


def settlement_id(cut: DayCut, kind: str, about: UUID | int | str) -> UUID:
    return uuid5(SETTLEMENT, f"{cut.day}:{kind}:{about}")


def _only(kind: str) -> int:
    return Account.objects.values_list("id", flat=True).get(kind=kind, owner="")
