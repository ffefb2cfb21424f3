"""A parcel's way: every step that is allowed moves goods and money exactly; every other is refused in words."""

import uuid

import pytest

from orders.cancelling import cancel_parcel
from orders.models import Parcel
from orders.parcels import (
    Missing,
    Reason,
    Refused,
    confirm_parcel,
    decline_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
)
from orders.refunds import Goods, refund_undelivered
from orders.tasks import write_popularity
from payments.models import Payment
from tests.factories import StaffFactory
from tests.orders.paid import kinds, money, paid, placed, shelf
from tests.orders.parcel_cast import TWO, delivered, earned, line_of, totals

pytestmark = pytest.mark.django_db


def test_from_confirmation_to_the_door():
    staff = StaffFactory()
    order, card = paid()
    where = {"order_code": order.code, "number": 1, "by": staff}
    assert confirm_parcel(**where).confirmed_total == 760
    assert make_ready(**where).captured_at is not None
    assert (money(card), totals(order)) == ((9140, 0), ("done", 860, 0, 0))
    assert dispatch_parcel(**where, courier=staff).courier == staff
    assert shelf(line_of(order)) == (20, 2)
    assert deliver_parcel(**where, code=order.parcels.get().handover_code).status == "delivered"
    assert shelf(line_of(order)) == (18, 0)
    order.refresh_from_db()
    assert order.status == "closed"
    assert order.closed_at
    told = ["placed", "paid", "confirmed", "ready", "captured", "dispatched", "delivered", "closed"]
    assert kinds(order) == told
    assert set(order.events.filter(kind="dispatched").values_list("by", flat=True)) == {staff.pk}
    assert (
        earned(order.parcels.get().seller_id) == 760 - 22
    )  # 3 % commission, rounded down; the fare is not the seller's


@pytest.mark.parametrize("verb", [confirm_parcel, make_ready, dispatch_parcel, deliver_parcel])
def test_every_step_may_be_repeated(verb):
    order, card, where = delivered()
    before = (money(card), shelf(line_of(order)), kinds(order))
    verb(**where)
    assert (money(card), shelf(line_of(order)), kinds(order)) == before


STEPS = {
    "awaiting": [],
    "confirmed": [confirm_parcel],
    "ready": [confirm_parcel, make_ready],
    "dispatched": [confirm_parcel, make_ready, dispatch_parcel],
    "delivered": [confirm_parcel, make_ready, dispatch_parcel, deliver_parcel],
    "declined": [lambda **where: decline_parcel(**where, reason=Reason.CLOSED)],
    "cancelled": [cancel_parcel],
}
VERBS = {
    "confirm": confirm_parcel,
    "decline": lambda **where: decline_parcel(**where, reason=Reason.OTHER),
    "ready": make_ready,
    "dispatch": dispatch_parcel,
    "deliver": deliver_parcel,
    "cancel": cancel_parcel,
    "refund": lambda **where: refund_undelivered(**where, key=uuid.uuid4(), goods=Goods.RESTOCK),
}
# From each state: what moves on, and what is a repetition that changes nothing. All else is refused.
ALLOWED = {
    "awaiting": {"confirm": "confirmed", "decline": "declined", "cancel": "cancelled"},
    "confirmed": {"confirm": "confirmed", "ready": "ready", "decline": "declined", "cancel": "cancelled"},
    "ready": {"confirm": "ready", "ready": "ready", "dispatch": "dispatched", "refund": "undeliverable"},
    "dispatched": {
        "confirm": "dispatched",
        "ready": "dispatched",
        "dispatch": "dispatched",
        "deliver": "delivered",
        "refund": "undeliverable",
    },
    "delivered": {"confirm": "delivered", "ready": "delivered", "dispatch": "delivered", "deliver": "delivered"},
    "declined": {"decline": "declined"},
    "cancelled": {"cancel": "cancelled"},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STEPS)
def test_every_step_from_every_state(state, verb):
    order, _card = paid()
    where = {"order_code": order.code, "number": 1}
    for step in STEPS[state]:
        step(**where)
    before = (totals(order), shelf(line_of(order)))
    if verb in ALLOWED[state]:
        assert VERBS[verb](**where).status == ALLOWED[state][verb]
        return
    with pytest.raises(Refused):
        VERBS[verb](**where)
    assert Parcel.objects.get(order=order).status == state
    assert (totals(order), shelf(line_of(order))) == before


def test_an_unpaid_order_cannot_be_confirmed():
    order = placed()
    with pytest.raises(Refused):
        confirm_parcel(order_code=order.code, number=1)


# ------------------------------------------------------------------ less than ordered


def test_what_is_missing_is_released_at_once():
    order, card = paid(parcels=[{"lines": [(80, 6)], "fee": 100}])
    line = line_of(order)
    confirm_parcel(order_code=order.code, number=1, quantities={line.public_id: 5})
    assert money(card) == (10_000, 500)  # 5 × 80 and the whole fee
    assert totals(order) == ("authorised", 0, 80, 0)
    assert shelf(line) == (19, 5)  # the sixth bottle was not there: the count is corrected
    make_ready(order_code=order.code, number=1)
    assert totals(order) == ("done", 500, 80, 0)
    assert money(card) == (9500, 0)


def test_what_is_missing_for_another_reason_stays_on_sale():
    order, _card = paid(parcels=[{"lines": [(80, 6)], "fee": 100}])
    line = line_of(order)
    confirm_parcel(order_code=order.code, number=1, quantities={line.public_id: 4}, missing=Missing.OTHER)
    assert shelf(line) == (20, 4)


def test_all_or_nothing_is_declined_when_a_part_is_missing():
    order, card = paid(parcels=[{"lines": [(80, 6)], "fee": 100, "if_short": "cancel"}])
    line = line_of(order)
    parcel = confirm_parcel(order_code=order.code, number=1, quantities={line.public_id: 5})
    assert (parcel.status, parcel.decline_reason) == ("declined", "shortage")
    assert (money(card), shelf(line)) == ((10_000, 0), (20, 0))


def test_nothing_left_is_a_decline_with_the_fee():
    order, card = paid()
    line = line_of(order)
    parcel = confirm_parcel(order_code=order.code, number=1, quantities={line.public_id: 0})
    assert (parcel.status, parcel.decline_reason) == ("declined", "not_in_stock")
    assert (money(card), totals(order), shelf(line)) == ((10_000, 0), ("done", 0, 860, 0), (18, 0))
    order.refresh_from_db()
    assert order.status == "cancelled"


@pytest.mark.parametrize("pieces", [-1, 3, 10**9])
def test_no_more_than_ordered_is_confirmed(pieces):
    order, _card = paid()
    with pytest.raises(Refused):
        confirm_parcel(order_code=order.code, number=1, quantities={line_of(order).public_id: pieces})
    with pytest.raises(Refused):
        confirm_parcel(order_code=order.code, number=1, quantities={uuid.uuid4(): 1})


def test_popularity_counts_what_was_sold():
    order, _card = paid(parcels=TWO)
    decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED)
    assert write_popularity() == 1
    assert write_popularity() == 0
    product = line_of(order).variant.product
    product.refresh_from_db()
    assert product.sold_30_days == 2
    assert Payment.objects.count() == 1
