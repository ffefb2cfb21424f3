"""Our books against the network's file of a day: keep the file, join it with the answers, let people explain.

A file is kept whole or not at all. Its chargebacks become answered refunds in the same commit. The join is the
database's (`reconciled` in sql/0004_settlement.sql); here it is counted, paged and explained.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, models, transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from payments.gateway import APPROVED, Answer, gateway, receipt_number
from payments.models import DayCut, Message, Payment
from payments.settlement_file import Fault, FileRefused, Line, Parsed, parse
from payments.settlement_models import Explanation, SettlementFile
from payments.shop_book import post_refund

# Files are named by their bytes: uuid5(FILES, sha256).
FILES = UUID("6f6b7279-7520-4669-6c65-732020202020")


class State(models.TextChoices):
    """What became of a line or an answer."""

    MATCHED = "matched", _("both say the same")
    DIFFERS = "differs", _("amounts differ")
    NETWORK_ONLY = "network_only", _("only in the network's file")
    SHOP_ONLY = "shop_only", _("only in our books")
    IN_FLIGHT = "in_flight", _("not answered yet")
    IN_TRANSIT = "in_transit", _("expected in the next file")


BREAKS = (State.DIFFERS, State.NETWORK_ONLY, State.SHOP_ONLY)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the join; amounts in whole won, None on the side that does not know it."""

    id: UUID
    place: int | None  # the line's number in the file
    state: State
    verb: str
    filed: int | None
    booked: int | None
    payment_id: UUID | None
    network_seq: int | None
    at: datetime
    explained: bool

    @property
    def is_break(self) -> bool:
        return self.state in BREAKS

    @property
    def receipt(self) -> str:
        return receipt_number(self.id)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How a day stands."""

    counts: dict[str, int]  # by State
    unexplained: int  # breaks that nobody has explained

    @property
    def breaks(self) -> int:
        return sum(self.counts.get(state, 0) for state in BREAKS)

    @property
    def in_flight(self) -> int:
        return self.counts.get(State.IN_FLIGHT, 0)


class NotABreak(Exception):
    """There is nothing to explain: it never was, or has cleared itself up."""


# ---------------------------------------------------------------- files


def keep_file(cut: DayCut, content: bytes) -> SettlementFile:
    """Import the network's file of a closed day. Raises FileRefused with nothing taken; the same file twice is one."""
    with transaction.atomic(durable=True):
        return keep(cut, content)


def keep(cut: DayCut, content: bytes, *, at: datetime | None = None) -> SettlementFile:
    """`keep_file` within the caller's transaction. `at` is kept only while history is written."""
    parsed = parse(content, day=cut.day)
    one_at_a_time()
    key = uuid5(FILES, hashlib.sha256(content).hexdigest())
    if old := SettlementFile.objects.filter(cut=cut).first():
        if bytes(old.content) == content:
            return old
        raise FileRefused(Fault.OTHER_FILE)
    moment = at or Now()  # the database's clock: what is written in one commit has one moment
    kept = SettlementFile.objects.create(
        id=key,
        cut=cut,
        content=content,
        lines=len(parsed.lines),
        captured=parsed.captured,
        returned=parsed.returned,
        created_at=moment,
    )
    _keep_lines(kept, parsed)
    for line in parsed.lines:
        if line.verb == "chargeback":
            _charge_back(kept, line, at)
    return kept


def one_at_a_time() -> None:
    """Closing, importing and settling wait for each other; the next sees what this one has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('settlement', 0))")


def _keep_lines(kept: SettlementFile, parsed: Parsed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM payments_settlementline WHERE id = ANY(%s) LIMIT 1", [[x.id for x in parsed.lines]]
        )
        if cursor.fetchone():
            raise FileRefused(Fault.KNOWN_ID)
        columns = "id, file_id, position, verb, amount, network_seq, at, capture"
        with cursor.copy(f"COPY payments_settlementline ({columns}) FROM STDIN") as copy:
            for place, line in enumerate(parsed.lines, start=1):
                copy.write_row(
                    (line.id, kept.id, place, line.verb, line.amount, line.network_seq, line.at, line.capture)
                )


def _charge_back(kept: SettlementFile, line: Line, at: datetime | None) -> None:
    """A chargeback is a refund born answered. One our books cannot bear is left to be explained as a break."""
    capture = Message.objects.filter(pk__in=[line.capture], verb=Message.Verb.CAPTURE, code=APPROVED).first()
    if capture is None:
        return
    payment = Payment.objects.select_for_update(no_key=True).get(pk=capture.payment_id)
    moment = at or Now()
    back, goods, fare = _disputed_part(capture, line.amount)
    if fare > capture.fare - back["fare"] or line.amount > payment.captured - payment.refunded:
        return
    subsidy = capture.subsidy * (back["goods"] + goods) // capture.goods - back["subsidy"] if capture.goods else 0
    message = Message.objects.create(
        id=line.id,
        payment=payment,
        verb=Message.Verb.REFUND,
        parcel=capture.parcel,
        part=f"chargeback {receipt_number(line.id)}",
        seller_id=capture.seller_id,
        amount=line.amount,
        goods=goods,
        fare=fare,
        subsidy=max(subsidy, 0),
        commission_bp=capture.commission_bp,
        code=APPROVED,
        ref=receipt_number(line.id),
        file_id=kept.id,
        tries=1,
        next_at=moment,
        created_at=moment,
        answered_at=moment,
    )
    post_refund(message, at=at)


def _disputed_part(capture: Message, amount: int) -> tuple[dict[str, int], int, int]:
    """What was returned of the capture before, and the goods and the fare that a chargeback takes back: goods first.

    A refund nobody has answered yet counts as done, unless both would be too much: then the network has refused it.
    """
    refunds = Message.objects.filter(payment_id=capture.payment_id, verb=Message.Verb.REFUND, parcel=capture.parcel)
    for done in (refunds.filter(Q(code=APPROVED) | Q(code=None)), refunds.filter(code=APPROVED)):
        sums = done.aggregate(goods=Sum("goods"), fare=Sum("fare"), subsidy=Sum("subsidy"))
        back = {name: won or 0 for name, won in sums.items()}
        goods = min(amount, max(capture.goods - back["goods"], 0))
        if amount - goods <= capture.fare - back["fare"]:
            break
    return back, goods, amount - goods


# ---------------------------------------------------------------- the join


def reconcile(cut: DayCut) -> Reconciliation:
    """How the day's file and our books stand against each other, counted now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*), count(*) FILTER (WHERE state = ANY(%s) AND NOT explained)"
            " FROM reconciled(%s) GROUP BY state",
            [list(BREAKS), cut.pk],
        )
        rows = cursor.fetchall()
    return Reconciliation({state: count for state, count, _open in rows}, sum(open_ for _s, _c, open_ in rows))


def items(cut: DayCut, *, states: tuple[str, ...], limit: int, offset: int = 0) -> list[Item]:
    """Rows of the join in the file's order, those that are in no file last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM reconciled(%s) WHERE state = ANY(%s) ORDER BY place NULLS LAST, at, id LIMIT %s OFFSET %s",
            [cut.pk, list(states), limit, offset],
        )
        return [_item(row) for row in cursor.fetchall()]


def _item(row: tuple[Any, ...]) -> Item:
    key, place, state, *rest = row
    return Item(key, place, State(state), *rest)


# ---------------------------------------------------------------- people


def explain(*, cut: DayCut, about: UUID, state: str, reason: str, by: Any) -> Explanation:
    """Say why this break may stand; the day can be paid out once all are explained. The first word stands.

    Raises NotABreak when it is none (any more).
    """
    with transaction.atomic(durable=True):
        one_at_a_time()
        if old := Explanation.objects.filter(cut=cut, about=about, state=state).first():
            return old
        with connection.cursor() as cursor:
            cursor.execute("SELECT state FROM reconciled(%s) WHERE id = %s", [cut.pk, about])
            found = cursor.fetchone()
        if found is None or found[0] != state or state not in BREAKS:
            raise NotABreak
        return Explanation.objects.create(cut=cut, about=about, state=state, reason=reason, by=by)


def ask_again(about: UUID) -> Answer | None:
    """What the network says to this question now; None when it never heard of it. Raises NoAnswer.

    A question of ours that is not answered yet is made due at once: healing records what comes back.
    """
    Message.objects.filter(pk=about, code=None).update(next_at=Now())
    return gateway().inquire(about)
