"""What a seller is owed and was paid, day by day: opening, what moved, closing. Read from closings and transfers.

A statement has no table of its own: between two cuts it is the account's transfers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from payments.models import Account, Closing, DayCut, Transfer
from payments.settlement import settlement_id

# Kind of transfer → column of a statement, and whether it adds to what is owed.
COLUMNS = ("sales", "subsidies", "returns", "commission", "payouts")
_SUMS = """
    sum(x) FILTER (WHERE kind = 'sale') AS sales,
    sum(x) FILTER (WHERE kind IN ('subsidy', 'subsidy_back')) AS subsidies,
    sum(x) FILTER (WHERE kind = 'sale_back') AS returns,
    sum(x) FILTER (WHERE kind IN ('commission', 'commission_back')) AS commission,
    sum(x) FILTER (WHERE kind = 'payout') AS payouts
"""
# One account's transfers in a span, signed: each side by its own index.
_MOVES = """
    SELECT seq, id, kind, amount AS x, reference, at FROM payments_transfer
     WHERE credit_account_id = %(account)s AND seq > %(low)s AND seq <= %(high)s
    UNION ALL
    SELECT seq, id, kind, -amount, reference, at FROM payments_transfer
     WHERE debit_account_id = %(account)s AND seq > %(low)s AND seq <= %(high)s
"""
FOR_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Sums:
    """Won by column, signed as they change what is owed."""

    sales: int = 0
    subsidies: int = 0
    returns: int = 0
    commission: int = 0
    payouts: int = 0

    @property
    def change(self) -> int:
        return self.sales + self.subsidies + self.returns + self.commission + self.payouts


@dataclass(frozen=True, slots=True)
class DayRow:
    day: date
    sums: Sums
    closing: int


@dataclass(slots=True)
class Statement:
    """A seller's days from `first` to `last`, both closed. Days on which nothing moved are left out."""

    first: date
    last: date
    opening: int
    rows: list[DayRow] = field(default_factory=list)

    @property
    def closing(self) -> int:
        return self.rows[-1].closing if self.rows else self.opening

    @property
    def total(self) -> Sums:
        return Sums(*(sum(getattr(row.sums, name) for row in self.rows) for name in COLUMNS))


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer of a seller's account."""

    seq: int
    id: UUID
    kind: str
    amount: int  # negative where it lessens what is owed
    reference: UUID
    at: datetime
    order_code: str
    is_chargeback: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A seller's money at this moment."""

    owed: int  # negative: the seller owes, and it is netted from the next payouts
    today: Sums  # since the last closed day


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout and what it covers: everything since the cut of the payout before, up to its own cut."""

    amount: int
    at: datetime
    day: date  # the closed day it was paid for
    since: date | None  # the day of the payout before
    carried: int  # what was left, or owed by the seller, after the payout before
    moved: int
    low: int  # its transfers have seq > low and <= high
    high: int

    @property
    def kept_back(self) -> int:
        """Never above 0: what was returned after the cut and before the money left was not paid out."""
        return self.amount - self.carried - self.moved


def account_of(seller_id: int) -> int | None:
    """The account's id; None for a seller that has never sold."""
    found = Account.objects.filter(kind=Account.Kind.SELLER, owner=str(seller_id))
    return found.values_list("id", flat=True).first()


def statement(account: int, *, first: date, last: date) -> Statement:
    """The account's statement; three statements whatever the span."""
    low, high = _span(first, last)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT balance FROM payments_closing c JOIN payments_daycut d ON d.id = c.cut_id"
            " WHERE c.account_id = %s AND d.day < %s ORDER BY c.cut_id DESC LIMIT 1), 0)",
            [account, first],
        )
        found = Statement(first, last, opening=cursor.fetchone()[0])
        cursor.execute(
            f"SELECT d.day, {_SUMS} FROM ({_MOVES}) m JOIN payments_daycut d ON d.id ="  # noqa: S608
            " (SELECT id FROM payments_daycut WHERE seq >= m.seq ORDER BY seq, id LIMIT 1)"
            " GROUP BY d.day ORDER BY d.day",
            {"account": account, "low": low, "high": high},
        )
        balance = found.opening
        for day, *won in cursor.fetchall():
            sums = _sums(won)
            balance += sums.change
            found.rows.append(DayRow(day, sums, balance))
    return found


def standing(account: int) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance_of(%s), coalesce((SELECT max(seq) FROM payments_daycut), 0)", [account])
        owed, low = cursor.fetchone()
        cursor.execute(
            f"SELECT {_SUMS} FROM ({_MOVES}) m",  # noqa: S608
            {"account": account, "low": low, "high": FOR_EVER},
        )
        return Standing(owed, _sums(cursor.fetchone()))


def standings() -> dict[int, tuple[int, int]]:
    """Of every seller's account by seller: what is owed now, and what was paid out on the last settled day."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.owner::bigint, balance_of(a.id), coalesce((
                   SELECT amount FROM payments_transfer t WHERE t.debit_account_id = a.id AND t.kind = 'payout'
                    ORDER BY seq DESC LIMIT 1), 0)
              FROM payments_account a WHERE a.kind = 'seller'
            """
        )
        return {seller: (owed, paid) for seller, owed, paid in cursor.fetchall()}


def moves(account: int, *, first: date, last: date | None, limit: int, before: int | None = None) -> list[Move]:
    """The account's transfers of these days (`last` None: up to now), newest first, older than `before` (a seq)."""
    low, high = _span(first, last)
    values = {"account": account, "low": low, "high": min(high, (before or FOR_EVER) - 1), "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(f"{_WITH_ORDERS} ORDER BY m.seq DESC LIMIT %(limit)s", values)
        return [Move(*row) for row in cursor.fetchall()]


def payout(account: int, key: UUID) -> Payout | None:
    """The payout with this id, if this account got it."""
    paid = Transfer.objects.filter(debit_account_id=account, kind="payout").order_by("-seq")
    row = paid.filter(uuid=key).first()
    cut = _cut_of(row) if row else None
    if row is None or cut is None:
        return None
    earlier = (_cut_of(other) for other in paid.filter(seq__lt=row.seq).iterator(chunk_size=20))
    before = next((found for found in earlier if found and found.pk < cut.pk), None)
    low = before.seq if before else 0
    since = paid.filter(seq__gt=low, seq__lt=row.seq).aggregate(sum=Sum("amount"))["sum"] or 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(x), 0)::bigint FROM ({_MOVES}) m WHERE kind <> 'payout'",  # noqa: S608
            {"account": account, "low": low, "high": cut.seq},
        )
        (moved,) = cursor.fetchone()
    carried = _closing(account, before) - since
    return Payout(row.amount, row.at, cut.day, before.day if before else None, carried, moved, low, cut.seq)


def payout_moves(account: int, covered: Payout, *, limit: int, before: int | None = None) -> list[Move]:
    """The transfers a payout covers, newest first, older than `before` (a seq)."""
    values = {"account": account, "low": covered.low, "high": min(covered.high, (before or FOR_EVER) - 1)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_WITH_ORDERS} WHERE m.kind <> 'payout' ORDER BY m.seq DESC LIMIT %(limit)s", values | {"limit": limit}
        )
        return [Move(*row) for row in cursor.fetchall()]


def _cut_of(paid: Transfer) -> DayCut | None:
    """The closed day a payout was made for: its id says so. Nearly always the last one before it."""
    cuts = DayCut.objects.filter(seq__lt=paid.seq).order_by("-id")
    account = paid.debit_account_id
    return next((cut for cut in cuts.iterator(100) if settlement_id(cut, "payout", account) == paid.uuid), None)


def _closing(account: int, cut: DayCut | None) -> int:
    written = Closing.objects.filter(account_id=account, cut_id__lte=cut.pk) if cut else Closing.objects.none()
    return written.order_by("-cut_id").values_list("balance", flat=True).first() or 0


def every_move(account: int, *, first: date, last: date) -> Iterator[Move]:
    """All of them in order, read in parts: for a download of any length."""
    low, high = _span(first, last)
    while True:
        values = {"account": account, "low": low, "high": high, "limit": 1_000}
        with connection.cursor() as cursor:
            cursor.execute(f"{_WITH_ORDERS} ORDER BY m.seq LIMIT %(limit)s", values)
            part = [Move(*row) for row in cursor.fetchall()]
        yield from part
        if len(part) < 1_000:
            return
        low = part[-1].seq


_WITH_ORDERS = f"""
    SELECT m.seq, m.id, m.kind, m.x, m.reference, m.at, coalesce(p.order_code, ''),
           m.kind = 'sale_back' AND EXISTS (SELECT FROM payments_message q WHERE q.payment_id = m.reference
                                               AND q.file_id IS NOT NULL AND q.answered_at = m.at)
      FROM ({_MOVES}) m LEFT JOIN payments_payment p ON p.id = m.reference
"""  # noqa: S608


def _span(first: date, last: date | None) -> tuple[int, int]:
    """The transfers of these days: after the last cut before `first`, up to the last cut of `last`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT max(seq) FROM payments_daycut WHERE day < %s), 0),"
            " coalesce((SELECT max(seq) FROM payments_daycut WHERE day <= %s), 0)",
            [first, last or first],
        )
        low, high = cursor.fetchone()
    return low, FOR_EVER if last is None else high


def _sums(won: list[int | None] | tuple[int | None, ...]) -> Sums:
    return Sums(*(int(amount or 0) for amount in won))
