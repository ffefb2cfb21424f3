"""The order's page as a story: real times from the diary, the promise, the money to the last won, what comes first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import events
from orders.cancelling import cancel_order, cancel_parcel
from orders.models import Order, OrderEvent, OrderLine, Parcel
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.refunds import Goods, refund_lines
from orders.sheet import read_sheet
from payments.gateway import NoAnswer
from payments.network.gateway import SimulatedGateway
from tests.orders.paid import paid, payment_of

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
TWO = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "method": "collection"}]


class Silent(SimulatedGateway):
    """Takes holds and hears nothing else."""

    def tell(self, ask):
        raise NoAnswer


def page(client, order):
    client.force_login(order.user)
    return " ".join(client.get(f"/orders/{order.code}/", **ENGLISH).content.decode().split())


def sheet(order):
    return read_sheet(user=order.user, code=order.code)


def way(order, number, *verbs):
    for verb in verbs:
        verb(order_code=order.code, number=number)


def test_each_step_stands_with_the_time_it_happened(client):
    order, _card = paid(parcels=TWO)
    way(order, 1, confirm_parcel, make_ready, dispatch_parcel)
    parcel = order.parcels.get(number=1)
    start = timezone.now() + timedelta(hours=1)
    events.write(order, "not_home", parcel=parcel)
    about = {"from": start.isoformat(), "until": (start + timedelta(hours=2)).isoformat()}
    events.write(order, "late", parcel=parcel, **about)
    steps = sheet(order).parcels[0].steps
    assert [step.at for step in steps[:-2]] == list(
        OrderEvent.objects.filter(order=order).exclude(kind="placed").order_by("pk").values_list("at", flat=True)
    )
    shown = page(client, order)
    for words in (
        "Paid by card",
        "Packed",
        "The courier has left",
        "Nobody was at home",
        "Late: a new time",
    ):
        assert words in shown, words
    # Nobody was at home: the courier sets out once more.
    assert [step.state for step in steps] == ["done"] * 6 + ["now", "next", "next"]
    assert steps[-1].at is None


def test_a_later_day_is_named():
    order, _card = paid()
    way(order, 1, confirm_parcel)
    steps = sheet(order).parcels[0].steps
    assert [step.is_new_day for step in steps[:2]] == [True, False]


@pytest.mark.parametrize(("hours", "words"), [(3, "promise kept"), (-30, "promise not kept")])
def test_whether_the_promise_was_kept(client, hours, words):
    order, _card = paid()
    way(order, 1, confirm_parcel, make_ready, dispatch_parcel, deliver_parcel)
    until = timezone.now() + timedelta(hours=hours)
    Parcel.objects.filter(order=order).update(promised_from=until - timedelta(hours=2), promised_until=until)
    assert words in page(client, order)


def test_a_late_parcel_says_so_before_anybody_asks(client):
    order, _card = paid()
    assert "Later than promised" not in page(client, order)
    until = timezone.now() - timedelta(minutes=5)
    Parcel.objects.filter(order=order).update(promised_from=until - timedelta(hours=2), promised_until=until)
    assert "Later than promised" in page(client, order)


def _short(order):
    line = OrderLine.objects.get(parcel__order=order, parcel__number=2)
    confirm_parcel(order_code=order.code, number=2, quantities={line.public_id: 4})


def _refund_one(order):
    line = OrderLine.objects.get(parcel__order=order, parcel__number=1)
    given = {"quantities": {line.public_id: 1}, "goods": Goods.RESTOCK, "key": order.checkout_token}
    refund_lines(order_code=order.code, number=1, **given)


STEPS = [
    lambda order: confirm_parcel(order_code=order.code, number=1),
    _short,
    lambda order: make_ready(order_code=order.code, number=1),
    lambda order: way(order, 1, dispatch_parcel, deliver_parcel),
    _refund_one,
    lambda order: decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED),
]


@pytest.mark.parametrize("gateway", ["payments.network.gateway.SimulatedGateway", f"{__name__}.Silent"])
def test_the_money_adds_up_after_every_step(gateway, settings):
    order, _card = paid(parcels=TWO)
    settings.PAYMENT_GATEWAY = gateway
    for step in STEPS if "Silent" not in gateway else STEPS[:3]:
        step(order)
        told = sheet(order)
        held, *rest = [row for row in told.money if not row.is_refund]
        assert held.won == order.total == sum(row.won for row in rest), [(row.label, row.won) for row in told.money]
        payment = payment_of(order)
        assert told.taken == payment.captured - payment.refunded


def test_cancelling_while_the_network_is_silent_says_that_it_is_asked(client, settings):
    order, _card = paid()
    settings.PAYMENT_GATEWAY = f"{__name__}.Silent"
    shown = page(client, order)
    assert "the card network is asked to free the 860 won" in shown
    assert "free again" not in shown
    cancel_order(order_code=order.code, by=order.user)
    shown = page(client, order)
    assert "It has not answered yet" in shown
    for claim in ("free again", "is being freed", "Still held"):
        assert claim not in shown, claim
    assert 'http-equiv="refresh"' in shown


def test_one_parcel_cancelled_while_the_network_is_silent(client, settings):
    order, _card = paid(parcels=TWO)
    settings.PAYMENT_GATEWAY = f"{__name__}.Silent"
    cancel_parcel(order_code=order.code, number=2, by=order.user)
    shown = page(client, order)
    assert "asked to free the 480 won for it; it has not answered yet" in shown
    assert "free again" not in shown


def test_what_the_shopper_can_do_first(client):
    order, _card = paid(parcels=TWO)
    assert "<h2>Payment received</h2>" in page(client, order)
    way(order, 1, confirm_parcel)
    assert "<h2>Nothing to do now: it is being prepared</h2>" in page(client, order)
    way(order, 1, make_ready, dispatch_parcel)
    assert "<h2>The courier is on the way</h2>" in page(client, order)
    way(order, 2, confirm_parcel, make_ready)
    assert "<h2>Come and collect it</h2>" in page(client, order)
    assert f'<b class="digits">{order.parcels.get(number=2).handover_code}</b>' in page(client, order)
    way(order, 1, deliver_parcel)
    cancel_parcel(order_code=order.code, number=2)
    assert Order.objects.get(pk=order.pk).status == "closed"
    shown = page(client, order)
    assert f'<a class="button" href="/orders/{order.code}/parcels/1/review/">' in shown
