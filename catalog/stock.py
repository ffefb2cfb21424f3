"""Stock: every change of a shelf, each told by one movement that counts once per cause.

The database applies a movement to its stock row (migration 0002_guards) and refuses any other change, so the
sums of the movements are the stock row, always. Every verb here needs an open transaction and a stock row
from `lock`. A verb repeated with the same cause changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.transaction import TransactionManagementError

from accounts.models import User
from catalog.models import ProductVariant, Stock, StockMovement

Kind = StockMovement.Kind


class SoldOut(Exception):
    """Fewer pieces are available than asked for."""

    def __init__(self, *, stock: Stock, asked: int) -> None:
        super().__init__(f"variant {stock.pk}: {asked} asked, {stock.available} available")
        self.stock = stock
        self.asked = asked
        self.available = stock.available


class CountBelowReserved(Exception):
    """A count would leave fewer pieces on the shelf than are promised to orders."""

    def __init__(self, *, stock: Stock, counted: int) -> None:
        super().__init__(f"variant {stock.pk}: {counted} counted, {stock.reserved} reserved")
        self.stock = stock
        self.counted = counted


def lock(variant_ids: Iterable[int]) -> dict[int, Stock]:
    """The stock rows of these variants by variant id, locked in one order (by pk) so that carts never deadlock.

    A variant without a stock row is left out of the answer: it has nothing to sell.
    """
    _needs_transaction()
    rows = Stock.objects.filter(pk__in=list(variant_ids)).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def open_stock(variant: ProductVariant) -> Stock:
    """The variant's stock row, locked; created empty where there is none yet."""
    _needs_transaction()
    Stock.objects.get_or_create(variant=variant)
    return lock([variant.pk])[variant.pk]


def hold(stock: Stock, quantity: int, *, cause: str) -> None:
    """Promise `quantity` pieces to an order. Raises SoldOut when fewer are available."""
    if stock.available < quantity:
        if _already(stock, Kind.HOLD, cause):
            return
        raise SoldOut(stock=stock, asked=quantity)
    _move(stock, Kind.HOLD, cause=cause, reserved=quantity)


def release(stock: Stock, quantity: int, *, cause: str, by: User | None = None) -> None:
    """Give promised pieces back to the shelf: expired, cancelled, or declined for another reason than stock."""
    _move(stock, Kind.RELEASE, cause=cause, reserved=-quantity, by=by)


def sell(stock: Stock, quantity: int, *, cause: str, by: User | None = None) -> None:
    """Promised pieces leave the shelf for good: handed to the courier or over the counter."""
    _move(stock, Kind.SALE, cause=cause, on_hand=-quantity, reserved=-quantity, by=by)


def write_off_missing(stock: Stock, quantity: int, *, cause: str, by: User | None = None) -> None:
    """Promised pieces turn out not to be there: the count falls and so does the promise."""
    _move(stock, Kind.COUNT, cause=cause, on_hand=-quantity, reserved=-quantity, by=by)


def take_back(stock: Stock, quantity: int, *, cause: str, by: User | None = None, note: str = "") -> None:
    """Returned pieces fit to be sold again go back on the shelf."""
    _move(stock, Kind.RETURN, cause=cause, on_hand=quantity, by=by, note=note)


def receive(stock: Stock, quantity: int, *, cause: str, by: User | None = None, note: str = "") -> None:
    """New pieces arrive."""
    _move(stock, Kind.RECEIPT, cause=cause, on_hand=quantity, by=by, note=note)


def write_off_loss(stock: Stock, quantity: int, *, cause: str, note: str, by: User | None = None) -> None:
    """Broken or spoiled pieces leave the shelf; `note` says how.

    Raises CountBelowReserved when promised pieces would be among them.
    """
    if stock.available < quantity and not _already(stock, Kind.LOSS, cause):
        raise CountBelowReserved(stock=stock, counted=stock.on_hand - quantity)
    _move(stock, Kind.LOSS, cause=cause, on_hand=-quantity, by=by, note=note)


def correct_count(stock: Stock, counted: int, *, cause: str, by: User | None = None, note: str = "") -> None:
    """Somebody counted the shelf: `counted` pieces stand there, promised ones included.

    Raises CountBelowReserved when that is fewer than are promised: decline those orders first.
    """
    if _already(stock, Kind.COUNT, cause):
        return
    if counted < stock.reserved:
        raise CountBelowReserved(stock=stock, counted=counted)
    _move(stock, Kind.COUNT, cause=cause, on_hand=counted - stock.on_hand, by=by, note=note)


def open_stocks(thresholds: dict[int, int]) -> None:
    """Empty stock rows for these variants (variant id → low from), where there are none yet. One statement."""
    _needs_transaction()
    rows = sorted(thresholds.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_stock (variant_id, on_hand, reserved, low_threshold)"
            " SELECT variant, 0, 0, low FROM unnest(%s::bigint[], %s::int[]) AS n (variant, low)"
            " ON CONFLICT (variant_id) DO NOTHING",
            [[row[place] for row in rows] for place in range(2)],
        )


def record_many(kind: str, pieces: dict[int, tuple[int, str]], *, by: User | None, note: str) -> None:
    """`receive` or `correct_count` for many shelves in one statement: variant id → (pieces more or less, cause).

    The rows are locked by `lock`, and counts were compared with what was promised.
    """
    _needs_transaction()
    moves = sorted((stock, change, cause) for stock, (change, cause) in pieces.items() if change)
    columns = [[move[place] for move in moves] for place in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_stockmovement (stock_id, kind, on_hand_change, reserved_change, cause, note, by_id)"
            " SELECT stock, %s, change, 0, cause, %s, %s"
            " FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS moves (stock, change, cause)"
            " ON CONFLICT (stock_id, kind, cause) DO NOTHING",
            [str(kind), note, by.pk if by else None, *columns],
        )


def _already(stock: Stock, kind: str, cause: str) -> bool:
    return StockMovement.objects.filter(stock=stock, kind=kind, cause=cause).exists()


def _move(
    stock: Stock,
    kind: str,
    *,
    cause: str,
    on_hand: int = 0,
    reserved: int = 0,
    by: User | None = None,
    note: str = "",
) -> None:
    """Write the movement, once per cause; the database's trigger applies it to the row, and `stock` follows."""
    _needs_transaction()
    if on_hand == 0 and reserved == 0:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_stockmovement (stock_id, kind, on_hand_change, reserved_change, cause, note, by_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (stock_id, kind, cause) DO NOTHING RETURNING id",
            [stock.pk, str(kind), on_hand, reserved, cause, note, by.pk if by else None],
        )
        if cursor.fetchone() is None:
            return
    stock.on_hand += on_hand
    stock.reserved += reserved


def _needs_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("stock changes only inside the transaction of its cause")
