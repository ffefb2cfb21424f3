"""A parcel that ends early, or is collected or left at the counter: goods, places and money are freed exactly."""

from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from accounts.guesses import TooManyGuesses
from catalog.models import Seller
from orders.cancelling import cancel_order, cancel_parcel, end_uncollected
from orders.models import DeliverySlot, Parcel
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
from orders.tasks import cancel_uncollected, decline_unanswered, settle_expiring
from payments.pay import message_id
from tests.orders.paid import kinds, money, paid, payment_of, shelf
from tests.orders.parcel_cast import TWO, line_of, totals
from tests.payments.desk_cast import days_pass, every_won_is_accounted_for

pytestmark = pytest.mark.django_db


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
