"""When a parcel's money is taken, and given back: once, and never before the network has answered."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from orders.cancelling import cancel_parcel
from orders.healing import heal_once
from orders.models import Order, Parcel
from orders.parcels import (
    Reason,
    Refused,
    confirm_parcel,
    decline_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
    take_payment,
)
from orders.paying import record_answer
from orders.refunds import Goods, refund_lines, refund_undelivered
from orders.tasks import cancel_uncollected
from payments.gateway import Answer, NoAnswer
from payments.models import Message
from payments.network.gateway import SimulatedGateway
from payments.network.verbs import charge_back
from payments.pay import message_id
from tests.orders.paid import money, paid, payment_of, shelf
from tests.orders.parcel_cast import TWO, delivered, earned, line_of, totals

pytestmark = pytest.mark.django_db


class Mute(SimulatedGateway):
    """Takes the money and loses the answer."""

    mute = True

    def tell(self, ask):
        answer = super().tell(ask)
        if self.mute:
            raise NoAnswer
        return answer


@pytest.fixture
def mute(settings):
    settings.PAYMENT_GATEWAY = f"{__name__}.Mute"
    Mute.mute = True
    return Mute


def test_nothing_leaves_before_the_network_answered(mute):
    order, card = paid()
    where = {"order_code": order.code, "number": 1}
    confirm_parcel(**where)
    assert make_ready(**where).captured_at is None
    with pytest.raises(Refused):
        dispatch_parcel(**where)
    with pytest.raises(Refused):
        cancel_parcel(**where)
    mute.mute = False
    Message.objects.filter(code=None).update(next_at=timezone.now() - timedelta(seconds=1))
    assert heal_once().answered == 1
    assert dispatch_parcel(**where).status == "dispatched"
    assert (money(card), totals(order)) == ((9140, 0), ("done", 860, 0, 0))


def test_a_collection_waits_at_the_counter_for_the_network(mute):
    order, card = paid(parcels=[{"lines": [(80, 6)], "method": "collection"}])
    where = {"order_code": order.code, "number": 1}
    confirm_parcel(**where)
    make_ready(**where)
    code = order.parcels.get().handover_code
    with pytest.raises(Refused):
        deliver_parcel(**where, code=code)
    mute.mute = False
    deliver_parcel(**where, code=code)
    assert money(card) == (9520, 0)


def test_a_promise_far_ahead_is_paid_for_at_confirmation():
    order, card = paid(parcels=[{"lines": [(380, 2)], "fee": 100, "days": 6}])
    assert confirm_parcel(order_code=order.code, number=1).captured_at is not None
    assert money(card) == (9140, 0)
    assert make_ready(order_code=order.code, number=1).status == "ready"


def test_money_may_be_asked_for_again():
    order, card = paid()
    where = {"order_code": order.code, "number": 1}
    confirm_parcel(**where)
    assert take_payment(**where).captured_at == take_payment(**where).captured_at is not None
    assert money(card) == (9140, 0)


def test_a_collection_that_is_being_paid_for_is_not_cancelled(mute):
    order, _card = paid(parcels=[{"lines": [(80, 1)], "method": "collection"}])
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    long_ago = timezone.now() - timedelta(days=3)
    Parcel.objects.update(ready_at=long_ago, promised_from=long_ago)
    with pytest.raises(Refused):
        deliver_parcel(order_code=order.code, number=1, code=Parcel.objects.get().handover_code)
    assert cancel_uncollected() == 0


# ------------------------------------------------------------------ refunds


def test_a_piece_is_refunded_with_its_commission():
    order, card, where = delivered()
    line = line_of(order)
    key = uuid.uuid4()
    for _ in range(2):  # the same form twice
        refund_lines(**where, key=key, quantities={line.public_id: 1}, goods=Goods.RESTOCK)
    line.refresh_from_db()
    assert (line.returned_quantity, shelf(line), money(card)) == (1, (19, 0), (9520, 0))
    assert totals(order) == ("done", 860, 0, 380)
    assert earned(order.parcels.get().seller_id) == 380 - 11
    assert order.parcels.get().status == "delivered"


def test_all_pieces_refunded_is_returned():
    order, card, where = delivered()
    line = line_of(order)
    refund_lines(**where, key=uuid.uuid4(), quantities={line.public_id: 2}, goods=Goods.WRITE_OFF, with_fee=True)
    assert (money(card), shelf(line)) == ((10_000, 0), (18, 0))
    assert order.parcels.get().status == "returned"
    assert earned(order.parcels.get().seller_id) == 0
    for again in ({line.public_id: 1}, {}):
        with pytest.raises(Refused):
            refund_lines(**where, key=uuid.uuid4(), quantities=again, goods=Goods.RESTOCK, with_fee=True)
    assert money(card) == (10_000, 0)


def test_a_refund_the_network_refuses_is_in_the_orders_diary_once():
    """A chargeback has taken a part at the network; its file, with which we hear of it, comes in the morning."""
    order, card, where = delivered()
    capture = message_id(payment_of(order).pk, "capture", 1)
    charge_back(case=uuid.uuid4(), capture=capture, amount=380, reason="never ordered")
    refund_lines(**where, key=uuid.uuid4(), quantities={line_of(order).public_id: 2}, goods=Goods.RESTOCK)
    refused = Message.objects.get(payment__order_code=order.code, verb="refund")
    for _ in range(2):
        record_answer(message=refused, answer=Answer(refused.code))
    event = order.events.get(kind="refund_refused")
    assert (event.data["code"], event.data["amount"], event.parcel.number) == ("13", 760, 1)
    assert money(card) == (9140 + 380, 0)


class Refusing(SimulatedGateway):
    """Refuses what it is asked, as long as it says so."""

    refuses = True

    def tell(self, ask):
        return Answer("13", about=ask.id) if self.refuses else super().tell(ask)


def test_a_fee_whose_refund_was_refused_can_still_be_refunded(settings, monkeypatch):
    order, card, where = delivered()
    piece = {"quantities": {line_of(order).public_id: 1}, "goods": Goods.RESTOCK, "with_fee": True}
    settings.PAYMENT_GATEWAY = f"{__name__}.Refusing"
    refund_lines(**where, key=uuid.uuid4(), **piece)
    assert (money(card), totals(order)) == ((9140, 0), ("done", 860, 0, 0))
    monkeypatch.setattr(Refusing, "refuses", False)
    refund_lines(**where, key=uuid.uuid4(), **piece)
    assert (money(card), totals(order)) == ((9140 + 380 + 100, 0), ("done", 860, 0, 480))


def test_a_release_the_network_refuses_is_in_the_orders_diary_once(settings):
    """The money stays held until the hold ends by itself; the shopper asks where it is."""
    order, card = paid(parcels=TWO)
    settings.PAYMENT_GATEWAY = f"{__name__}.Refusing"
    decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED)
    refused = Message.objects.get(payment__order_code=order.code, verb="release")
    for _ in range(2):
        record_answer(message=refused, answer=Answer("13"))
    event = order.events.get(kind="release_refused")
    assert (event.data["code"], event.data["amount"], event.parcel.number) == ("13", 480, 2)
    assert money(card) == (10_000, 1_340)


@pytest.mark.parametrize("pieces", [0, -1, 3])
def test_no_more_than_delivered_is_refunded(pieces):
    order, card, where = delivered()
    with pytest.raises(Refused):
        refund_lines(**where, key=uuid.uuid4(), quantities={line_of(order).public_id: pieces}, goods=Goods.RESTOCK)
    assert money(card) == (9140, 0)


def test_a_parcel_that_did_not_arrive_is_refunded_whole():
    order, card = paid()
    where = {"order_code": order.code, "number": 1}
    for verb in (confirm_parcel, make_ready, dispatch_parcel):
        verb(**where)
    key = uuid.uuid4()
    for _ in range(2):
        parcel = refund_undelivered(**where, key=key, goods=Goods.RESTOCK, with_fee=False)
    assert (parcel.status, money(card), shelf(line_of(order))) == ("undeliverable", (9900, 0), (20, 0))
    order.refresh_from_db()
    assert order.status == Order.Status.CLOSED
