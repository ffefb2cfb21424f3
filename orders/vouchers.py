"""Voucher codes: what one is worth for a cart, taking one while an order is placed, giving it back.

The voucher's row is locked last of all (cart, order, stock, slot, payment, voucher): its limits are counted under that
lock, and constraints hold them without it. The discount is split over the order's lines once, at placing; whatever is
later confirmed in part, released or refunded moves its own part (`OrderLine.paid_for`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from orders.models import Order, Voucher, VoucherUse
from orders.positions import ParcelPlan, Position

# A line's card part stays above zero whatever is returned of it: pieces cheaper than this get no discount,
# and of the others a voucher pays nine tenths at most.
CHEAPEST_PIECE = 20
MOST_PERCENT = 90
_NOT_IN_CODES = re.compile(r"[\s\-–]+")


class Reason(Enum):
    UNKNOWN = "unknown"  # no such code, or it is out of use
    NOT_YET = "not yet"
    OVER = "over"
    USED_UP = "used up"
    USED_BY_YOU = "used by you"
    TOO_LITTLE = "too little"  # the goods cost less than it asks
    NOTHING = "nothing"  # no line it could lower


class VoucherRefused(Exception):
    """The voucher cannot be used for this order; `voucher` is None for an unknown code."""

    def __init__(self, reason: Reason, voucher: Voucher | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.voucher = voucher


@dataclass(frozen=True, slots=True)
class Quote:
    """What a voucher takes off: in all, and of each line in the order they were given."""

    voucher: Voucher
    total: int
    by_line: tuple[int, ...]


def normalise_code(text: str) -> str:
    """A code as it is stored: people type small letters, spaces and dashes."""
    return _NOT_IN_CODES.sub("", text).upper()


def is_known(code: str) -> bool:
    """Whether there is such a code, usable or not."""
    return Voucher.objects.filter(code=normalise_code(code), is_active=True).exists()


def quote(*, code: str, user: User, plans: Sequence[ParcelPlan], now: datetime, locked: bool = False) -> Quote:
    """What `code` takes off these parcels for this member. `locked` holds the voucher until the transaction ends.

    Raises VoucherRefused.
    """
    rows = Voucher.objects.select_for_update(no_key=True) if locked else Voucher.objects.all()
    voucher = rows.filter(code=normalise_code(code)).first()
    positions = [position for plan in plans for position in plan.positions]
    goods = sum(position.line_total for position in positions)
    _check(voucher, user, goods, now)
    assert voucher is not None  # noqa: S101  _check refused it otherwise
    by_line = _split(_worth(voucher, goods, positions), positions)
    if not sum(by_line):
        raise VoucherRefused(Reason.NOTHING, voucher)
    return Quote(voucher, sum(by_line), tuple(by_line))


def take(*, quoted: Quote, order: Order) -> VoucherUse:
    """Write down that `order` uses the voucher quoted with `locked`, in the same transaction."""
    used = set(_live_uses(quoted.voucher, order.user).values_list("nth", flat=True))
    nth = next(number for number in range(1, len(used) + 2) if number not in used)
    Voucher.objects.filter(pk=quoted.voucher.pk).update(used=F("used") + 1)
    return VoucherUse.objects.create(
        voucher=quoted.voucher, order=order, user=order.user, nth=nth, discount=quoted.total
    )


def give_back(order: Order) -> None:
    """The order ended with nothing bought: its voucher can be used again. Once, however often it is called.

    Needs an open transaction that holds the order.
    """
    use = VoucherUse.objects.filter(order=order, returned_at=None).first()
    if use is None:
        return
    Voucher.objects.select_for_update(no_key=True).get(pk=use.voucher_id)
    use.returned_at = timezone.now()
    use.save(update_fields=["returned_at"])
    Voucher.objects.filter(pk=use.voucher_id).update(used=F("used") - 1)


def _check(voucher: Voucher | None, user: User, goods: int, now: datetime) -> None:
    if voucher is None or not voucher.is_active:
        raise VoucherRefused(Reason.UNKNOWN)
    if now < voucher.valid_from:
        raise VoucherRefused(Reason.NOT_YET, voucher)
    if now >= voucher.valid_until:
        raise VoucherRefused(Reason.OVER, voucher)
    if _live_uses(voucher, user).count() >= voucher.limit_per_member:
        raise VoucherRefused(Reason.USED_BY_YOU, voucher)
    if voucher.used >= voucher.limit:
        raise VoucherRefused(Reason.USED_UP, voucher)
    if goods < voucher.minimum_goods:
        raise VoucherRefused(Reason.TOO_LITTLE, voucher)


def _live_uses(voucher: Voucher, user: User) -> QuerySet[VoucherUse]:
    return VoucherUse.objects.filter(voucher=voucher, user=user, returned_at=None)


def _worth(voucher: Voucher, goods: int, positions: Sequence[Position]) -> int:
    wanted = goods * voucher.percent // 100 if voucher.percent else voucher.amount or 0
    if voucher.most is not None:
        wanted = min(wanted, voucher.most)
    return min(wanted, sum(map(_base, positions)) * MOST_PERCENT // 100)


def _split(discount: int, positions: Sequence[Position]) -> list[int]:
    """In proportion to the lines, whole won, the largest remainders first: the parts add up to `discount`."""
    bases = [_base(position) for position in positions]
    whole = sum(bases) or 1
    parts = [discount * base // whole for base in bases]
    by_remainder = sorted(range(len(bases)), key=lambda number: -(discount * bases[number] % whole))
    for number in by_remainder[: discount - sum(parts)]:
        parts[number] += 1
    return parts


def _base(position: Position) -> int:
    return position.line_total if position.unit_price >= CHEAPEST_PIECE else 0
