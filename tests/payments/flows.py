"""The flows of money whose every crash point is tried, and what must be true after each: figures worked out by hand.

What healing must lead to is told from what stood in the database when the process died: a verb whose question was
committed happens, one without never did; a payment happens when the network approved it and is given up otherwise.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone

from orders.cancelling import cancel_order, cancel_parcel
from orders.healing import heal_once
from orders.models import Order, OrderLine
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.paying import NotPayable, pay
from orders.refunds import Goods, refund_lines
from orders.tasks import settle_expiring
from payments.gateway import Presented, gateway
from payments.models import Closing, DayCut, Message, Payment, Transfer
from payments.network import desk, sending
from payments.network.models import Authorisation, Card, Instruction
from payments.network.settlement_file import hand_out
from payments.pay import message_id
from payments.reconciliation import keep_file
from payments.settlement import close_day, settle, settle_waiting_days
from payments.settlement_models import Settlement, SettlementFile, SettlementLine
from payments.shop_book import seller_account
from tests.orders.paid import an_address, issued, money, paid, placed, shelf
from tests.payments import cast
from tests.payments.desk_cast import CLERK, sent

TWO_PARCELS = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(50, 4)]}]


Moved = tuple[tuple[str, int], ...]


@dataclass
class Scene:
    order: Order
    card: Card
    presented: Presented | None = None
    key: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class Seen:
    """What people and books see of one order, its goods and its card."""

    card: tuple[int, int]  # on it, held of it
    payment: str
    order: str
    parcels: tuple[str, ...]
    shelf: tuple[tuple[int, int], ...]  # pieces on hand, reserved
    moved: Moved = ()  # won by kind of transfer


@dataclass(frozen=True)
class Flow:
    """`run` may be repeated by the person or the job that did it; after one whole run all is `done`."""

    name: str
    prepare: Callable[[], Any]
    run: Callable[[Any], Any]
    done: Any
    expected: Callable[[Any], Any]  # read right after the death: what healing must lead to
    look: Callable[[Any], Any]


def seen(scene: Scene) -> Seen:
    order = Order.objects.get(pk=scene.order.pk)
    parcels = order.parcels.order_by("number")
    lines = OrderLine.objects.filter(parcel__order=order).order_by("parcel__number", "pk")
    payment = Payment.objects.filter(order_code=order.code).order_by("-created_at").first()
    return Seen(
        card=money(scene.card),
        payment=payment.state if payment else "",
        order=order.status,
        parcels=tuple(parcel.status for parcel in parcels),
        shelf=tuple(shelf(line) for line in lines),
        moved=moved(order),
    )


def moved(order: Order) -> Moved:
    """Won by kind of all transfers about this order's payments, in both books."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, sum(amount)::bigint FROM payments_transfer
             WHERE reference IN (SELECT id FROM payments_payment WHERE order_code = %(code)s
                       UNION ALL SELECT id FROM network_authorisation WHERE merchant_reference = %(code)s)
             GROUP BY kind ORDER BY kind
            """,
            {"code": order.code},
        )
        return tuple(cursor.fetchall())


def waiting() -> QuerySet[Message]:
    """Unanswered questions of orders. Tests of the ledger alone ask for orders that do not exist, and leave some."""
    return Message.objects.filter(code=None, payment__order_code__in=Order.objects.values("code"))


def leave_out_the_others() -> None:
    """Questions about no order are not due for a year, so that healing meets only those that can be healed."""
    others = Message.objects.filter(code=None).exclude(payment__order_code__in=Order.objects.values("code"))
    others.update(next_at=timezone.now() + datetime.timedelta(days=365), tried_at=None, tries=0)


def heal() -> None:
    """Let time pass and the healing job run until nothing waits."""
    for _ in range(6):
        if not waiting().update(next_at=timezone.now() - datetime.timedelta(seconds=1)):
            return
        heal_once(limit=1_000)
    raise AssertionError(f"{waiting().count()} questions are not healed")


def asked(scene: Scene, verb: str) -> bool:
    return Message.objects.filter(payment__order_code=scene.order.code, verb=verb).exists()


def of_order(
    name: str, prepare: Callable[[], Scene], run: Callable[[Scene], Any], verb: str, *, untouched: Seen, done: Seen
) -> Flow:
    """A flow that happens when its question is committed."""
    return Flow(name, prepare, run, done, lambda scene: done if asked(scene, verb) else untouched, seen)


def of_payment(
    name: str, prepare: Callable[[], Scene], run: Callable[[Scene], Any], *, untouched: Seen, given_up: Seen, done: Seen
) -> Flow:
    """A flow that happens when the network has heard the card."""

    def expected(scene: Scene) -> Seen:
        if not asked(scene, "authorise"):
            return untouched
        heard = Authorisation.objects.filter(merchant_reference=scene.order.code, account_id__isnull=False)
        return done if heard.exists() else given_up

    return Flow(name, prepare, run, done, expected, seen)


# ---------------------------------------------------------------- scenes


def _to_pay(balance: int = 10_000) -> Scene:
    card, presented = issued(balance)
    return Scene(placed(), card, presented)


def _pay(scene: Scene) -> None:
    scene.order.refresh_from_db()  # the page was opened again: it carries the order's key
    pay(order_code=scene.order.code, key=scene.order.payment_key, card=scene.presented, user=scene.order.user,
        address=an_address())  # fmt: skip


def _paid(**about: Any) -> Scene:
    order, card = paid(**about)
    assert card is not None
    return Scene(order, card)


def _confirmed() -> Scene:
    scene = _paid()
    confirm_parcel(order_code=scene.order.code, number=1)
    return scene


def _two_confirmed() -> Scene:
    scene = _paid(parcels=TWO_PARCELS)
    for number in (1, 2):
        confirm_parcel(order_code=scene.order.code, number=number)
    return scene


def _confirm_one_bowl(scene: Scene) -> None:
    line = OrderLine.objects.get(parcel__order=scene.order)
    confirm_parcel(order_code=scene.order.code, number=1, quantities={line.public_id: 1})


def _delivered() -> Scene:
    scene = _confirmed()
    for step in (make_ready, dispatch_parcel, deliver_parcel):
        step(order_code=scene.order.code, number=1)
    return scene


def _refund_one_bowl(scene: Scene) -> None:
    line = OrderLine.objects.get(parcel__order=scene.order)
    refund_lines(
        order_code=scene.order.code, number=1, key=scene.key, quantities={line.public_id: 1}, goods=Goods.RESTOCK
    )


def _pay_while_cancelling(scene: Scene) -> None:
    """The buyer cancels in another tab while the network is about to hear of the card."""
    network = type(gateway())
    authorise = network.authorise

    def cancel_first(*args: Any) -> Any:
        cancel_order(order_code=scene.order.code)
        return authorise(*args)

    network.authorise = cancel_first
    try:
        _pay(scene)
    except NotPayable:
        assert Order.objects.get(pk=scene.order.pk).status == "cancelled"
    finally:
        network.authorise = authorise


def _cancelled_or_given_up(scene: Scene) -> Seen:
    if Order.objects.get(pk=scene.order.pk).status == "cancelled":
        return CANCELLED
    return GIVEN_UP if asked(scene, "authorise") else TO_PAY


def _expiring() -> Scene:
    """The network holds the money for twelve hours more: one parcel is confirmed, one is not."""
    with override_settings(AUTHORISATION_LIFE_DAYS=0.5):
        scene = _paid(parcels=TWO_PARCELS)
    confirm_parcel(order_code=scene.order.code, number=1)
    return scene


def _as_far_as_asked(scene: Scene) -> Seen:
    """The job declines what nobody confirmed, then takes the money of what is confirmed."""
    if asked(scene, "capture"):
        return EXPIRED
    return HALF_EXPIRED if asked(scene, "release") else EXPIRING


TO_PAY = Seen((10_000, 0), "", "placed", ("awaiting",), ((20, 2),))
GIVEN_UP = Seen((10_000, 0), "declined", "placed", ("awaiting",), ((20, 2),))
CANCELLED = Seen((10_000, 0), "declined", "cancelled", ("cancelled",), ((20, 0),))
PAID = Seen((10_000, 860), "authorised", "paid", ("awaiting",), ((20, 2),))
CONFIRMED = Seen((10_000, 860), "authorised", "paid", ("confirmed",), ((20, 2),))
TAKEN = (("capture", 860), ("commission", 22), ("fare", 100), ("sale", 760))
BOTH = ((20, 2), (20, 4))
EXPIRING = Seen((10_000, 1_060), "authorised", "paid", ("confirmed", "awaiting"), BOTH)
HALF_EXPIRED = Seen((10_000, 860), "authorised", "paid", ("confirmed", "declined"), ((20, 2), (20, 0)))
EXPIRED = Seen((9_140, 0), "done", "paid", ("confirmed", "declined"), ((20, 2), (20, 0)), TAKEN)


# ---------------------------------------------------------------- days and deposits


@dataclass
class Day:
    """A day on which a seller of its own sold for 1,000 won at 3 %."""

    day: datetime.date
    seller: int
    payment: uuid.UUID
    cut: DayCut | None = None


def _open_day() -> Day:
    seller_id = uuid.uuid4().int % 10**12
    _, presented = cast.issued(10_000)
    payment = cast.captured(presented, 1_000, seller_id=seller_id)
    return Day(cast.next_day(), seller_account(seller_id).pk, payment.pk)


def _closed_day() -> Day:
    today = _open_day()
    today.cut = close_day(today.day)
    return today


def _written_up(today: Day) -> tuple[int, int, int | None]:
    """Cuts and seals of the day, and the seller's closing balance."""
    cuts = DayCut.objects.filter(day=today.day)
    closing = Closing.objects.filter(account_id=today.seller, cut__in=cuts).first()
    return cuts.count(), cuts.exclude(seal=None).count(), closing and closing.balance


def _settle(today: Day | None) -> None:
    """The morning: the network's file is fetched and kept, what it says booked, the sellers paid. In order of days."""
    for _cut, _settled_now in settle_waiting_days():
        pass


def _settled(today: Day) -> Moved:
    about = Transfer.objects.filter(reference=today.payment) | Transfer.objects.filter(debit_account_id=today.seller)
    rows = about.filter(kind__in=["receipt", "receipt_back", "payout"])
    return tuple(sorted(rows.values_list("kind", "amount")))


@dataclass
class Filed(Day):
    content: bytes = b""


def _closed_day_with_file() -> Filed:
    """The network has handed the file out; the days before are settled."""
    _settle(None)
    today = _closed_day()
    assert today.cut
    return Filed(**vars(today), content=hand_out(today.day))


def _filed_day() -> Filed:
    today = _closed_day_with_file()
    _import(today)
    return today


def _import(today: Filed) -> None:
    assert today.cut
    keep_file(today.cut, today.content)


def _imported(today: Filed) -> tuple[int, int]:
    return (
        SettlementFile.objects.filter(cut=today.cut).count(),
        SettlementLine.objects.filter(file__cut=today.cut, id=message_id(today.payment, "capture", 1)).count(),
    )


def _book(today: Filed) -> None:
    """Reconcile, book what the file says, pay out, note the day as finished."""
    assert today.cut
    settle(today.cut)


def _booked(today: Filed) -> tuple[Moved, int]:
    return _settled(today), Settlement.objects.filter(cut=today.cut).count()


# ---------------------------------------------------------------- cards


@dataclass
class Sending:
    payer: Card
    payee: Card
    key: uuid.UUID = field(default_factory=uuid.uuid4)


def _two_cards() -> Sending:
    return Sending(cast.issued(10_000)[0], cast.issued(0)[0])


def _send(told: Sending) -> None:
    assert sent(told.payer, told.payee, 300, key=told.key).code == "00"


def _redeem(told: Sending) -> None:
    assert sending.redeem(key=told.key, card=told.payer, amount=300, pin=cast.PIN, by=CLERK).code == "00"


def _on_both(told: Sending) -> tuple[tuple[int, int], tuple[int, int], int]:
    """What is on both cards, and the instruction that is written down."""
    rows = Instruction.objects.filter(pk=told.key, code="00")
    return money(told.payer), money(told.payee), rows.count()


def _deposit() -> tuple[Card, uuid.UUID]:
    return issued(0)[0], uuid.uuid4()


def _loaded(deposit: tuple[Card, uuid.UUID]) -> int:
    return money(deposit[0])[0]


FLOWS = [
    of_payment("payment", _to_pay, _pay, untouched=TO_PAY, given_up=GIVEN_UP, done=PAID),
    of_payment(
        "payment with too little on the card", lambda: _to_pay(60), _pay,
        untouched=Seen((60, 0), "", "placed", ("awaiting",), ((20, 2),)),
        given_up=Seen((60, 0), "declined", "placed", ("awaiting",), ((20, 2),)),
        done=Seen((60, 0), "declined", "placed", ("awaiting",), ((20, 2),)),
    ),
    Flow(
        "payment of an order being cancelled", _to_pay, _pay_while_cancelling, CANCELLED, _cancelled_or_given_up, seen,
    ),
    of_order(
        "capture", _confirmed, lambda scene: make_ready(order_code=scene.order.code, number=1), "capture",
        untouched=CONFIRMED,
        done=Seen((9_140, 0), "done", "paid", ("ready",), ((20, 2),), TAKEN),
    ),
    of_order(
        "partial capture", _two_confirmed, lambda scene: make_ready(order_code=scene.order.code, number=1), "capture",
        untouched=Seen((10_000, 1_060), "authorised", "paid", ("confirmed", "confirmed"), BOTH),
        done=Seen((9_140, 200), "authorised", "paid", ("ready", "confirmed"), BOTH, TAKEN),
    ),
    of_order(
        "release of what is missing", _paid, _confirm_one_bowl, "release",
        untouched=PAID,
        done=Seen((10_000, 480), "authorised", "paid", ("confirmed",), ((19, 1),)),
    ),
    of_order(
        "release of a declined parcel", _paid,
        lambda scene: decline_parcel(order_code=scene.order.code, number=1, reason=Reason.CLOSED), "release",
        untouched=PAID,
        done=Seen((10_000, 0), "done", "cancelled", ("declined",), ((20, 0),)),
    ),
    of_order(
        "cancelled parcel", lambda: _paid(parcels=TWO_PARCELS),
        lambda scene: cancel_parcel(order_code=scene.order.code, number=2), "release",
        untouched=Seen((10_000, 1_060), "authorised", "paid", ("awaiting", "awaiting"), BOTH),
        done=Seen((10_000, 860), "authorised", "paid", ("awaiting", "cancelled"), ((20, 2), (20, 0))),
    ),
    of_order(
        "reversal", _paid, lambda scene: cancel_order(order_code=scene.order.code), "reverse",
        untouched=PAID,
        done=Seen((10_000, 0), "cancelled", "cancelled", ("cancelled",), ((20, 0),)),
    ),
    of_order(
        "refund", _delivered, _refund_one_bowl, "refund",
        untouched=Seen((9_140, 0), "done", "closed", ("delivered",), ((18, 0),), TAKEN),
        done=Seen(
            (9_520, 0), "done", "closed", ("delivered",), ((19, 0),),
            (("capture", 860), ("commission", 22), ("commission_back", 11), ("fare", 100), ("refund", 380),
             ("sale", 760), ("sale_back", 380)),
        ),
    ),
    Flow("expiry", _expiring, lambda scene: settle_expiring(), EXPIRED, _as_far_as_asked, seen),
    # One commit each: all of it stands, or nothing.
    Flow("closing of a day", _open_day, lambda today: close_day(today.day), (1, 1, 970), _written_up, _written_up),
    Flow("payout", _closed_day, _settle, (("payout", 970), ("receipt", 1_000)), _settled, _settled),
    Flow("import of a file", _closed_day_with_file, _import, (1, 1), _imported, _imported),
    Flow(
        "booking of a day", _filed_day, _book, ((("payout", 970), ("receipt", 1_000)), 1), _booked, _booked,
    ),
    Flow("sending to another card", _two_cards, _send, ((9_690, 0), (300, 0), 1), _on_both, _on_both),
    Flow("cash at the desk", _two_cards, _redeem, ((9_700, 0), (0, 0), 1), _on_both, _on_both),
    Flow(
        "deposit", _deposit, lambda deposit: desk.load(card=deposit[0], amount=500, deposit=deposit[1]),
        500, _loaded, _loaded,
    ),
]  # fmt: skip
