"""One parcel and many hands at one moment: real processes; one wins, the others are told, and everything adds up."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from catalog.models import Stock
from orders.cancelling import cancel_order, cancel_parcel
from orders.carrying import miss_parcel, new_try_places
from orders.models import DeliverySlot, Order, OrderLine, Parcel
from orders.parcels import (
    Reason,
    Refused,
    confirm_parcel,
    decline_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
)
from orders.refunds import Goods, refund_lines, refund_undelivered
from payments import audit
from payments.models import Payment
from tests import databases
from tests.orders.paid import money, paid, payment_of
from tests.payments.processes import at_once
from tests.payments.test_cards_at_once import deadlocks

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = float(os.environ.get("RACE_SECONDS", "10"))
Where = dict[str, Any]
Verb = Callable[..., object]
FREED = {"declined", "cancelled", "undeliverable"}


def decline(**where: Any) -> object:
    return decline_parcel(**where, reason=Reason.CLOSED)


def give_up(**where: Any) -> object:
    return refund_undelivered(**where, key=uuid.uuid4(), goods=Goods.RESTOCK)


def cancel_all(*, order_code: str, number: int) -> object:
    return cancel_order(order_code=order_code)


def miss(*, order_code: str, number: int) -> object:
    """Nobody at home on the first try, whatever has happened since; the soonest window that is offered."""
    parcel = Parcel.objects.select_related("seller", "slot").get(order__code=order_code, number=number)
    places = [place.window for place in new_try_places(parcel, timezone.now())]
    return miss_parcel(
        order_code=order_code, number=number, attempt=1, window=places[0] if places else None, goods=Goods.RESTOCK
    )


def refund_two(**where: Any) -> object:
    line = OrderLine.objects.get(parcel__order__code=where["order_code"])
    return refund_lines(**where, key=uuid.uuid4(), quantities={line.public_id: 2}, goods=Goods.RESTOCK)


def told(verb: Verb, where: Where) -> str:
    """ "done", or why not, in the words staff read."""
    try:
        verb(**where)
    except Refused as refused:
        return str(refused.reason)
    return "done"


def on_the_way(*verbs: Verb) -> tuple[Order, Any, Where]:
    order, card = paid()
    where = {"order_code": order.code, "number": 1}
    for verb in verbs:
        verb(**where)
    return order, card, where


PACKED = (confirm_parcel, make_ready)
TWO = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "fee": 100}]
# From where, who comes at once, and how the parcel may stand afterwards.
RACES: dict[str, tuple[tuple[Verb, ...], list[Verb], set[str]]] = {
    "new": ((), [confirm_parcel, decline, cancel_parcel, cancel_all], {"confirmed", "declined", "cancelled"}),
    "confirmed": (
        (confirm_parcel,),
        [make_ready, decline, cancel_parcel, cancel_all],
        {"ready", "declined", "cancelled"},
    ),
    "packed": (PACKED, [dispatch_parcel, give_up, cancel_parcel, decline], {"dispatched", "undeliverable"}),
    "on its way": (
        (*PACKED, dispatch_parcel),
        [deliver_parcel, give_up, miss],
        {"delivered", "undeliverable", "ready"},
    ),
    "brought": ((*PACKED, dispatch_parcel, deliver_parcel), [refund_two], {"returned"}),
}


@pytest.mark.parametrize("name", RACES)
def test_one_wins_and_the_others_are_told(name: str) -> None:
    before, hands, after = RACES[name]
    order, card, where = on_the_way(*before)
    verbs = [hands[number % len(hands)] for number in range(8)]
    random.shuffle(verbs)
    answers = at_once(8, lambda number: told(verbs[number], where))
    parcel = order.parcels.get()
    assert parcel.status in after
    assert answers.count("done") >= 1
    assert all(answer == "done" or str(answer).endswith(".") for answer in answers), answers  # a sentence, no error
    told_of = Counter(parcel.events.values_list("kind", flat=True))
    assert max(told_of.values(), default=1) == 1, told_of  # cancelling all of it is written once, of the order
    assert adds_up([order])
    assert pays_right(order, card)


def test_two_refunds_of_the_same_pieces_are_one() -> None:
    order, card, where = on_the_way(*PACKED, dispatch_parcel, deliver_parcel)
    answers = at_once(6, lambda _number: told(refund_two, where))
    assert answers.count("done") == 1
    assert money(card) == (10_000 - 100, 0)
    assert payment_of(order).refunded == 760
    assert Stock.objects.get().on_hand == 20


def adds_up(orders: list[Order]) -> bool:
    """Stock, places and the ledger are what the parcels' states say, whoever won."""
    for row in Stock.objects.all():
        lines = OrderLine.objects.filter(variant=row.variant_id).select_related("parcel")
        held = sum(line.kept_quantity for line in lines if line.parcel.status not in Parcel.FINAL)
        sold = sum(line.kept_quantity for line in lines if line.parcel.status in {"delivered", "returned"})
        back = sum(line.returned_quantity for line in lines if line.parcel.status in {"delivered", "returned"})
        if (row.on_hand, row.reserved) != (20 - sold + back, held):
            return False
    taken = DeliverySlot.objects.aggregate(taken=Sum("taken"))["taken"] or 0
    placed = Parcel.objects.exclude(slot=None).exclude(status__in=FREED).count()
    return taken == placed and [finding.view for finding in audit.audit() if finding.rows] == []


def pays_right(order: Order, card: Any) -> bool:
    """The card has paid for what was kept, and holds what is still open."""
    payment, parcel = payment_of(order), order.parcels.get()
    captured = parcel.captured_at is not None
    given_back = {"undeliverable": 860, "returned": 760}.get(parcel.status, 0)
    paid_for = 860 - given_back if captured else 0
    held = 860 if not captured and parcel.status not in FREED else 0
    return money(card) == (10_000 - paid_for, held) and payment.captured - payment.refunded == paid_for


def test_without_the_orders_lock_the_same_race_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: it shows that the races above would have noticed."""

    def look_without_locking(code: str, number: int) -> tuple[Order, Parcel]:
        order = Order.objects.get(code=code)
        parcel = order.parcels.select_related("seller").get(number=number)
        time.sleep(0.5)  # everybody has looked before anybody writes
        return order, parcel

    with databases.copied("unlocked") as name, databases.using(name):
        order, card, where = on_the_way()
        monkeypatch.setattr("orders.parcels.open_parcel", look_without_locking)
        monkeypatch.setattr("orders.cancelling.open_parcel", look_without_locking)
        verbs = [confirm_parcel, decline, cancel_parcel] * 2
        answers = at_once(6, lambda number: told(verbs[number], where))
        said = Counter(order.parcels.get().events.values_list("kind", flat=True))
        failed = [answer for answer in answers if "rror" in str(answer)]
        assert failed or max(said.values()) > 1 or not adds_up([order]) or not pays_right(order, card)
        connection.close()


@pytest.mark.long
def test_opposite_orders_never_deadlock() -> None:
    """Eight people go through the same orders in opposite directions, each parcel with the same goods and window."""
    orders = [order for order, _card in (paid(parcels=TWO, balance=100_000) for _each in range(6))]
    before, until = deadlocks(), time.monotonic() + SECONDS
    ways: list[Verb] = [confirm_parcel, make_ready, dispatch_parcel, miss, deliver_parcel, decline, cancel_parcel]

    def work(number: int) -> Counter[str]:
        dice, answers = random.Random(number), Counter[str]()
        while time.monotonic() < until:
            for order in orders if number % 2 else reversed(orders):
                where = {"order_code": order.code, "number": dice.choice([1, 2])}
                answers[told(dice.choice(ways[: 5 if dice.random() < 0.97 else None]), where)] += 1
            if number == 0:
                orders[:] = [*orders[1:], paid(parcels=TWO, balance=100_000)[0]]
        return answers

    answers = at_once(8, work)
    wrong = [answer for answer in answers if not isinstance(answer, Counter)]
    assert wrong == []
    assert deadlocks() == before
    assert sum(sum(answer.values()) for answer in answers) > 100
    assert adds_up(orders)
    assert not Payment.objects.filter(state=Payment.State.PENDING).exists()
