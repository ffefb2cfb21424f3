"""Sending goods back: the member asks, the seller or the bureau answers, the goods are inspected, the card is refunded.

asked ─▶ accepted ─▶ closed (inspected: restocked or written off, refunded)
      ╰▶ refused ◀─╯ (also when the inspection finds nothing as it was said to be)

Each verb is one commit under the order's lock, checks the state it comes from, and repeated changes nothing. The
refund's question is named by the return's number: however often it is asked, the network answers one question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from catalog import renditions
from orders import events, return_rules
from orders.models import Order, OrderLine, Parcel, Return, ReturnLine, ReturnPhotograph
from orders.parcels import Refused, Status, open_parcel
from orders.paying import settle
from orders.refunds import Goods, take_back

PHOTOGRAPH_WIDTHS = (960, 640, 320, 160)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the member asks: pieces by the lines' public ids, and why."""

    key: UUID
    reason: str
    quantities: Mapping[UUID, int]
    is_opened: bool = False
    words: str = ""
    photograph: bytes | None = None  # a JPEG of draw_photograph


class LinesRefused(Refused):
    """Some lines cannot come back; `by_line` says why, by their public ids."""

    def __init__(self, by_line: dict[UUID, str]) -> None:
        super().__init__(next(iter(by_line.values())))
        self.by_line = by_line


def draw_photograph(data: bytes) -> bytes:
    """The picture drawn anew as a JPEG at most 960 pixels wide. Raises renditions.PictureRefused."""
    judged = renditions.judge(data)
    width = next(width for width in PHOTOGRAPH_WIDTHS if width <= max(judged.width, PHOTOGRAPH_WIDTHS[-1]))
    name = f"jpeg{width}"
    return renditions.draw(data, [name])[name]


def left_to_return(parcel: Parcel) -> list[tuple[OrderLine, int]]:
    """The delivered parcel's lines of which pieces are neither back nor asked to come back, and how many."""
    lines = parcel.lines.select_related("variant__product__category__parent__parent")
    asked = _asked(parcel)
    left = ((line, (line.confirmed_quantity or 0) - line.returned_quantity - asked[line.pk]) for line in lines)
    return [(line, pieces) for line, pieces in left if pieces > 0]


def ask_return(*, order_code: str, number: int, by: User, wish: Wish) -> Return:
    """Ask for goods of a delivered parcel to come back. The same key again is the same return. Raises Refused."""
    with transaction.atomic(durable=True):
        order, parcel = open_parcel(order_code, number)
        if found := Return.objects.filter(key=wish.key, parcel=parcel).first():
            return found
        if parcel.status != Status.DELIVERED or parcel.delivered_at is None:
            raise Refused(_("Only goods that were handed over can come back."))
        lines = _lines_of(parcel, wish)
        asked = Return.objects.create(
            parcel=parcel,
            number=Return.objects.filter(parcel=parcel).count() + 1,
            key=wish.key,
            reason=wish.reason,
            is_opened=wish.is_opened,
            words=wish.words,
        )
        ReturnLine.objects.bulk_create(
            ReturnLine(goods_return=asked, line=line, quantity=pieces) for line, pieces in lines
        )
        if wish.photograph is not None:
            ReturnPhotograph.objects.create(goods_return=asked, jpeg=wish.photograph)
        events.write(order, "return_asked", parcel=parcel, by=by, number=asked.number, why=wish.reason)
    return asked


def accept_return(*, order_code: str, number: int, turn: int, by: User | None = None, answer: str = "") -> Return:
    """The goods of the parcel's return number `turn` may come back; `answer` says how. Raises Refused, DoesNotExist."""
    with transaction.atomic(durable=True):
        order, found = _open_return(order_code, number, turn)
        if found.status in (Return.Status.ACCEPTED, Return.Status.CLOSED):
            return found
        _require(found, Return.Status.ASKED)
        found.status, found.answer, found.answered_at = Return.Status.ACCEPTED, answer, timezone.now()
        found.save(update_fields=["status", "answer", "answered_at"])
        events.write(order, "return_accepted", parcel=found.parcel, by=by, number=turn, answer=answer)
    return found


def refuse_return(*, order_code: str, number: int, turn: int, answer: str, by: User | None = None) -> Return:
    """The goods do not come back, or came and are not as they were said to be: `answer` tells the member why."""
    with transaction.atomic(durable=True):
        order, found = _open_return(order_code, number, turn)
        if found.status == Return.Status.REFUSED:
            return found
        _require(found, *Return.OPEN)
        found.status, found.answer, found.answered_at = Return.Status.REFUSED, answer, timezone.now()
        found.save(update_fields=["status", "answer", "answered_at"])
        events.write(order, "return_refused", parcel=found.parcel, by=by, number=turn, answer=answer)
    return found


def inspect_return(
    *,
    order_code: str,
    number: int,
    turn: int,
    goods: Goods,
    quantities: Mapping[UUID, int] | None = None,
    with_fee: bool = False,
    by: User | None = None,
) -> Return:
    """The goods are back and looked at: the pieces taken (all, or `quantities` by public id) are refunded to the card.

    Restocked or written off as `goods` says. Raises Refused where nothing is taken (refuse it with words instead), and
    for more than was asked, delivered or is left of what the card paid.
    """
    with transaction.atomic(durable=True):
        order, found = _open_return(order_code, number, turn)
        if found.status == Return.Status.CLOSED:
            return found
        _require(found, Return.Status.ACCEPTED)
        taken = _note_taken(found, quantities)
        found.status, found.inspected_at = Return.Status.CLOSED, timezone.now()
        found.save(update_fields=["status", "inspected_at"])
        asked = take_back(
            order,
            found.parcel,
            key=found.key,
            part=f"return{found.number}",
            quantities=taken,
            goods=goods,
            with_fee=with_fee,
            by=by,
        )
    settle([asked])
    return found


# ------------------------------------------------------------------ parts of the verbs


def _lines_of(parcel: Parcel, wish: Wish) -> list[tuple[OrderLine, int]]:
    """The lines wished for with their pieces, when each may come back. Raises Refused, LinesRefused."""
    left = {line.public_id: (line, pieces) for line, pieces in left_to_return(parcel)}
    wanted = {key: pieces for key, pieces in wish.quantities.items() if pieces}
    if not wanted:
        raise Refused(_("Choose at least one piece."))
    refused: dict[UUID, str] = {}
    lines = []
    for key, pieces in wanted.items():
        line, most = left.get(key, (None, 0))
        if line is None or not 0 < pieces <= most:
            raise Refused(_("No more than was delivered and not yet sent back can come back."))
        words = return_rules.refusal(
            line,
            reason=wish.reason,
            is_opened=wish.is_opened,
            has_photograph=wish.photograph is not None,
            delivered_at=parcel.delivered_at or timezone.now(),
            now=timezone.now(),
        )
        if words:
            refused[key] = words
        lines.append((line, pieces))
    if refused:
        raise LinesRefused(refused)
    return lines


def _note_taken(found: Return, quantities: Mapping[UUID, int] | None) -> dict[UUID, int]:
    taken: dict[UUID, int] = {}
    for each in found.lines.select_related("line"):
        pieces = each.quantity if quantities is None else quantities.get(each.line.public_id, 0)
        if not 0 <= pieces <= each.quantity:
            raise Refused(_("No more can be taken back than the member sends."))
        each.taken_quantity = pieces
        each.save(update_fields=["taken_quantity"])
        taken[each.line.public_id] = pieces
    if not any(taken.values()):
        raise Refused(_("Nothing is taken back: refuse the return and say why."))
    return taken


def _asked(parcel: Parcel) -> Counter[int]:
    """Pieces by line that open returns of this parcel ask for."""
    rows = ReturnLine.objects.filter(goods_return__parcel=parcel, goods_return__status__in=Return.OPEN)
    return Counter(dict(rows.values_list("line").annotate(pieces=Sum("quantity"))))


def _open_return(order_code: str, number: int, turn: int) -> tuple[Order, Return]:
    """The order, locked, and one return of a parcel of it, as they are now. Raises DoesNotExist."""
    order, parcel = open_parcel(order_code, number)
    found = Return.objects.get(parcel=parcel, number=turn)
    found.parcel = parcel
    return order, found


def _require(found: Return, *states: str) -> None:
    if found.status not in states:
        raise Refused(_("This return was answered already: %(state)s.") % {"state": found.get_status_display()})
