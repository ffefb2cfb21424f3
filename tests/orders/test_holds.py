"""Holds: held longer on request, given back when the time is over, never while a payment is under way."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Neighbourhood, User
from catalog.models import ProductVariant, Stock
from orders.models import DeliverySlot, Order, OrderEvent, Parcel
from orders.stock_holds import expire_due_orders
from payments.models import Payment
from tests.factories import UserFactory
from tests.orders.shopping import checkout_form, put

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def order(shopping: Client, noodles: ProductVariant, home: Neighbourhood) -> Order:
    """Twelve of twenty bowls, brought by van."""
    put(shopping, noodles, 12)
    form = checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3동"}
    assert shopping.post("/checkout/", form).status_code == 302
    return Order.objects.get()


def run_out(order: Order, minutes: float = 1) -> None:
    Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(minutes=minutes))


def left(order: Order) -> timedelta:
    order.refresh_from_db()
    assert order.hold_until is not None
    return order.hold_until - timezone.now()


class TestHoldingLonger:
    def test_works_four_times(self, shopping: Client, order: Order) -> None:
        for extension in (1, 2, 3, 4, 4):
            Order.objects.update(hold_until=timezone.now() + timedelta(minutes=2))
            response = shopping.post(f"/orders/{order.code}/hold/")
            assert response["Location"] == f"/orders/{order.code}/payment/"
            order.refresh_from_db()
            assert order.hold_extensions == extension
        assert left(order) < timedelta(minutes=3)  # the fifth time changed nothing

    def test_gives_fifteen_minutes_from_now(self, shopping: Client, order: Order) -> None:
        Order.objects.update(hold_until=timezone.now() + timedelta(minutes=2))
        shopping.post(f"/orders/{order.code}/hold/")
        assert timedelta(minutes=14, seconds=50) < left(order) <= timedelta(minutes=15)

    def test_wrong_method(self, shopping: Client, order: Order) -> None:
        assert shopping.get(f"/orders/{order.code}/hold/").status_code == 405

    def test_a_stranger_finds_nothing(self, order: Order) -> None:
        stranger = Client()
        assert stranger.post(f"/orders/{order.code}/hold/")["Location"].startswith("/sign-in/")
        stranger.force_login(UserFactory())
        assert stranger.post(f"/orders/{order.code}/hold/").status_code == 404
        order.refresh_from_db()
        assert order.hold_extensions == 0

    def test_repeated_counts_once(self, shopping: Client, order: Order) -> None:
        Order.objects.update(hold_until=timezone.now() + timedelta(minutes=2))
        for _ in range(2):
            shopping.post(f"/orders/{order.code}/hold/")
        order.refresh_from_db()
        assert order.hold_extensions == 1

    def test_not_when_the_time_is_over(self, shopping: Client, order: Order) -> None:
        run_out(order)
        assert shopping.post(f"/orders/{order.code}/hold/")["Location"] == f"/orders/{order.code}/"
        order.refresh_from_db()
        assert order.hold_extensions == 0


class TestExpiring:
    def test_gives_back_goods_and_places_once(self, order: Order) -> None:
        run_out(order)
        assert (expire_due_orders(), expire_due_orders()) == (1, 0)
        order.refresh_from_db()
        assert (order.status, order.hold_until) == ("expired", None)
        assert Stock.objects.get().reserved == 0
        assert DeliverySlot.objects.filter(taken__gt=0).count() == 0
        assert Parcel.objects.get().status == "cancelled"
        assert OrderEvent.objects.filter(kind="expired").count() == 1

    def test_not_before_its_time(self, order: Order) -> None:
        assert expire_due_orders() == 0

    @pytest.mark.parametrize(("state", "expired"), [("pending", 0), ("authorised", 0), ("declined", 1)])
    def test_never_while_a_payment_may_hold_money(self, order: Order, state: str, expired: int) -> None:
        payment = Payment.objects.create(id=uuid4(), order_code=order.code, amount=order.total)
        if state != "pending":
            _set_state(payment, state)
        run_out(order)
        assert expire_due_orders() == expired

    def test_the_next_buyer_gets_what_ran_out(
        self, order: Order, noodles: ProductVariant, home: Neighbourhood, shopper: User
    ) -> None:
        """No job has run; whoever wants the goods releases them."""
        run_out(order)
        other = Client()
        other.force_login(UserFactory())
        put(other, noodles, 8)
        form = checkout_form(other) | {"neighbourhood": str(home.pk), "building": "1동"}
        assert other.post("/checkout/", form).status_code == 302
        order.refresh_from_db()
        assert order.status == "expired"
        assert Stock.objects.get().reserved == 8


def _set_state(payment: Payment, state: str) -> None:
    """The guards of the ledger let states follow only answers; here only the state matters."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE payments_payment SET state = %s WHERE id = %s", [state, payment.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
