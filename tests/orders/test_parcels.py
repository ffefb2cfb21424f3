"""A parcel's way: every step that is allowed moves goods and money exactly; every other is refused in words."""

import uuid
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from accounts.guesses import TooManyGuesses
from catalog.models import Seller
from orders.cancelling import cancel_order, cancel_parcel, end_uncollected
from orders.healing import heal_once
from orders.models import DeliverySlot, Order, OrderLine, Parcel
from orders.parcels import (
    Missing,
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
from orders.tasks import cancel_uncollected, decline_unanswered, settle_expiring, write_popularity
from payments.gateway import Answer, NoAnswer
from payments.models import Account, Message, Payment, Transfer
from payments.network.gateway import SimulatedGateway
from payments.network.verbs import charge_back
from payments.pay import message_id
from tests.factories import StaffFactory
from tests.orders.paid import kinds, money, paid, payment_of, placed, shelf
from tests.payments.desk_cast import days_pass, every_won_is_accounted_for

pytestmark = pytest.mark.django_db
TWO = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "method": "collection"}]


def line_of(order, number=1):
    return OrderLine.objects.get(parcel__order=order, parcel__number=number)


def totals(order):
    payment = payment_of(order)
    return payment.state, payment.captured, payment.released, payment.refunded


def earned(seller_id):
    account = Account.objects.get(kind="seller", owner=str(seller_id))
    inflow = sum(Transfer.objects.filter(credit_account=account).values_list("amount", flat=True))
    return inflow - sum(Transfer.objects.filter(debit_account=account).values_list("amount", flat=True))


def delivered(**about):
    order, card = paid(**about)
    where = {"order_code": order.code, "number": 1}
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(**where)
    order.refresh_from_db()
    return order, card, where


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
    told = ["paid", "confirmed", "ready", "captured", "dispatched", "delivered", "closed"]
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


# ------------------------------------------------------------------ ending early


def test_declining_frees_goods_place_and_money():
    order, card = paid(parcels=TWO)
    slot = DeliverySlot.objects.get(parcels__order=order)
    decline_parcel(order_code=order.code, number=1, reason=Reason.CLOSED)
    assert money(card) == (10_000, 480)
    assert totals(order) == ("authorised", 0, 860, 0)
    assert shelf(line_of(order, 1)) == (20, 0)
    slot.refresh_from_db()
    assert slot.taken == 0
    order.refresh_from_db()
    assert order.status == "paid"


def test_cancelling_the_whole_order_reverses_the_hold():
    order, card = paid(parcels=TWO)
    confirm_parcel(order_code=order.code, number=2)
    cancel_order(order_code=order.code, by=order.user)
    cancel_order(order_code=order.code, by=order.user)
    order.refresh_from_db()
    assert (order.status, money(card), totals(order)[0]) == ("cancelled", (10_000, 0), "cancelled")
    assert [shelf(line_of(order, n)) for n in (1, 2)] == [(20, 0), (20, 0)]


def test_cancelling_after_a_release_releases_the_rest():
    order, card = paid(parcels=TWO)
    decline_parcel(order_code=order.code, number=1, reason=Reason.CLOSED)
    cancel_order(order_code=order.code)
    assert (money(card), totals(order)) == ((10_000, 0), ("done", 0, 1340, 0))


def test_once_the_money_is_asked_nothing_is_cancelled():
    order, card = paid(parcels=TWO)
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    for refused in (
        lambda: cancel_order(order_code=order.code),
        lambda: cancel_parcel(order_code=order.code, number=1),
    ):
        with pytest.raises(Refused):
            refused()
    cancel_parcel(order_code=order.code, number=2)
    assert (money(card), totals(order)) == ((9140, 0), ("done", 860, 480, 0))


def test_silence_is_a_decline():
    _order, card = paid()
    assert decline_unanswered() == 0
    Parcel.objects.update(confirm_by=timezone.now() - timedelta(seconds=1))
    assert decline_unanswered() == 1
    assert decline_unanswered() == 0
    assert Parcel.objects.get().decline_reason == "silence"
    assert money(card) == (10_000, 0)


def test_a_hold_that_ends_soon_is_settled():
    order, card = paid(parcels=TWO)
    confirm_parcel(order_code=order.code, number=2)
    assert settle_expiring() == 0
    with mock.patch("orders.tasks.BEFORE_EXPIRY", timedelta(days=8)):
        assert settle_expiring() == 2
    assert (money(card), totals(order)) == ((9520, 0), ("done", 480, 860, 0))


def test_a_hold_that_ended_unused_ends_the_order_too():
    """The network was down for days: nothing can be taken any more, and both books say so."""
    order, card = paid(parcels=TWO)
    confirm_parcel(order_code=order.code, number=2)
    payment = payment_of(order)
    days_pass("payments_payment", payment.pk, 8, "expires_at")
    days_pass("network_authorisation", message_id(payment.pk, "authorise"), 8, "created_at", "expires_at")
    assert take_payment(order_code=order.code, number=2).captured_at is None
    assert "capture_refused" in kinds(order), "the order desk sees it"
    for _ in range(2):
        settle_expiring()
    assert set(order.parcels.values_list("status", "decline_reason")) == {("declined", "expiring")}
    assert (money(card), totals(order)) == ((10_000, 0), ("done", 0, 1340, 0))
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert every_won_is_accounted_for()


# ------------------------------------------------------------------ collection


def test_a_collection_is_paid_for_at_the_hand_over():
    order, card = paid(parcels=[{"lines": [(80, 6)], "method": "collection"}])
    where = {"order_code": order.code, "number": 1}
    confirm_parcel(**where)
    assert make_ready(**where).captured_at is None
    code = order.parcels.get().handover_code
    with pytest.raises(Refused):
        deliver_parcel(**where)
    with pytest.raises(Refused):
        deliver_parcel(**where, code=f"{(int(code) + 1) % 10_000:04d}")
    with pytest.raises(Refused):
        dispatch_parcel(**where)
    assert money(card) == (10_000, 480)
    assert deliver_parcel(**where, code=code).status == "delivered"
    assert (money(card), totals(order), shelf(line_of(order))) == ((9520, 0), ("done", 480, 0, 0), (14, 0))


@pytest.mark.parametrize(("kind", "hours", "left"), [("restaurant", 1, (19, 0)), ("shop", 24, (20, 0))])
def test_what_nobody_collects_is_cancelled(kind, hours, left):
    """A dish is kept an hour and not sold again, other goods a day."""
    order, card = paid(parcels=[{"lines": [(80, 1)], "method": "collection"}])
    Seller.objects.update(kind=kind)
    about = {"order_code": order.code, "number": 1}
    confirm_parcel(**about)
    make_ready(**about)
    soon = timezone.now() - timedelta(hours=hours) + timedelta(minutes=5)
    Parcel.objects.update(ready_at=soon, promised_from=soon)
    assert cancel_uncollected() == 0
    with pytest.raises(Refused):
        end_uncollected(**about)
    Parcel.objects.update(ready_at=soon - timedelta(minutes=6), promised_from=soon - timedelta(minutes=6))
    assert (cancel_uncollected(), cancel_uncollected()) == (1, 0)
    parcel = Parcel.objects.get()
    assert (parcel.status, parcel.decline_reason) == ("cancelled", "not_collected")
    assert (money(card), shelf(line_of(order))) == ((10_000, 0), left)


def test_a_collection_that_is_being_paid_for_is_not_cancelled(mute):
    order, _card = paid(parcels=[{"lines": [(80, 1)], "method": "collection"}])
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    long_ago = timezone.now() - timedelta(days=3)
    Parcel.objects.update(ready_at=long_ago, promised_from=long_ago)
    with pytest.raises(Refused):
        deliver_parcel(order_code=order.code, number=1, code=Parcel.objects.get().handover_code)
    assert cancel_uncollected() == 0


def test_hand_over_codes_are_not_guessed():
    order, _card = paid(parcels=[{"lines": [(80, 6)], "method": "collection"}])
    where = {"order_code": order.code, "number": 1}
    confirm_parcel(**where)
    make_ready(**where)
    right = order.parcels.get().handover_code
    wrong = f"{(int(right) + 1) % 10_000:04d}"
    for _ in range(10):
        with pytest.raises(Refused):
            deliver_parcel(**where, code=wrong)
    with pytest.raises(TooManyGuesses):
        deliver_parcel(**where, code=right)


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


def test_popularity_counts_what_was_sold():
    order, _card = paid(parcels=TWO)
    decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED)
    assert write_popularity() == 1
    assert write_popularity() == 0
    product = line_of(order).variant.product
    product.refresh_from_db()
    assert product.sold_30_days == 2
    assert Payment.objects.count() == 1
