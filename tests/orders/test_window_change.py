"""Choosing another delivery time: free windows, one place for another, until the seller begins to prepare."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from orders.models import DeliverySlot, Order, Parcel
from orders.parcels import Refused, confirm_parcel, make_ready
from orders.rescheduling import change_window
from tests.factories import UserFactory
from tests.orders.paid import kinds, paid
from tests.orders.promised import in_days, promised, taken, window
from tests.payments.processes import at_once

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def order() -> Order:
    """Promised for 18–20 in two days."""
    return promised(in_days(2), 18)[0]


@pytest.fixture
def mine(client: Client, order: Order) -> Client:
    client.force_login(order.user)
    return client


def page(order: Order) -> str:
    return f"/orders/{order.code}/parcels/1/window/"


def test_another_window_takes_the_place_of_the_old_one(mine: Client, order: Order) -> None:
    shown = mine.get(page(order), **EN).content.decode()
    assert "18–20h" in shown and f'value="{window(3, 10).key}"' in shown
    response = mine.post(page(order), {"window": window(3, 10).key}, **EN)
    assert (response.status_code, response["Location"]) == (302, f"/orders/{order.code}/")
    parcel = order.parcels.get()
    assert (parcel.promised_from, parcel.promised_until) == (window(3, 10).start, window(3, 10).end)
    assert (parcel.slot and parcel.slot.start_hour, parcel.fee) == (10, 100)
    assert taken() == {(in_days(3), 10): 1}
    assert "The delivery time is changed" in mine.get(f"/orders/{order.code}/", **EN).content.decode()
    assert kinds(order)[-1] == "window_changed"


def test_the_same_form_twice_is_one_change(mine: Client, order: Order) -> None:
    for _ in range(2):
        assert mine.post(page(order), {"window": window(3, 10).key}).status_code == 302
    assert taken() == {(in_days(3), 10): 1}
    assert kinds(order).count("window_changed") == 1


def test_the_same_change_twice_at_once_is_one_change(order: Order) -> None:
    """The second comes when the page has long been answered: the verb itself sees that nothing is left to do."""
    for _ in range(2):
        changed = change_window(order_code=order.code, number=1, window=window(3, 10))
        assert changed.due_from == window(3, 10).start
    assert (kinds(order).count("window_changed"), taken()) == (1, {(in_days(3), 10): 1})


def test_a_full_window_is_refused_and_the_old_place_kept(mine: Client, order: Order) -> None:
    DeliverySlot.objects.create(
        zone_id="A", day=in_days(3), start_hour=10, end_hour=12, vehicle="motorbike", capacity=8, taken=8
    )
    response = mine.post(page(order), {"window": window(3, 10).key}, **EN)
    assert (response.status_code, "no longer free" in response.content.decode()) == (409, True)
    assert taken() == {(in_days(2), 18): 1, (in_days(3), 10): 8}


def test_the_own_window_stays_open_when_it_is_full(mine: Client, order: Order) -> None:
    DeliverySlot.objects.update(taken=8)
    shown = mine.get(page(order), **EN).content.decode()
    assert f'value="{window(2, 18).key}" checked data' in shown


@pytest.mark.parametrize("key", ["", "x", "2020-01-01T10", "2026-13-40T99", "2026-11-24T18\0"])
def test_what_is_no_window_is_told(mine: Client, order: Order, key: str) -> None:
    response = mine.post(page(order), {"window": key}, **EN)
    assert (response.status_code, "Choose one of these times" in response.content.decode()) == (422, True)
    assert taken() == {(in_days(2), 18): 1}


def test_too_late_once_the_seller_begins_to_prepare(mine: Client, order: Order) -> None:
    """옥류관 needs an hour: its window begins in 59 minutes."""
    soon = timezone.now() + timedelta(minutes=59)
    order.parcels.update(promised_from=soon, promised_until=soon + timedelta(hours=2))
    assert "cannot be changed any more" in mine.get(page(order), **EN).content.decode()
    response = mine.post(page(order), {"window": window(3, 10).key}, **EN)
    assert (response.status_code, "too late" in response.content.decode()) == (409, True)
    order.parcels.update(promised_from=soon + timedelta(minutes=2))
    assert mine.post(page(order), {"window": window(3, 10).key}).status_code == 302


def test_too_late_once_it_is_packed(mine: Client, order: Order) -> None:
    confirm_parcel(order_code=order.code, number=1)
    assert mine.post(page(order), {"window": window(3, 10).key}).status_code == 302
    make_ready(order_code=order.code, number=1)
    assert mine.post(page(order), {"window": window(4, 10).key}).status_code == 409
    assert mine.post(page(order), {"window": window(3, 10).key}).status_code == 302  # sent again
    assert taken() == {(in_days(3), 10): 1}


def test_only_windows_the_seller_can_keep(order: Order) -> None:
    order.parcels.update(confirm_by=timezone.now() + timedelta(days=3))
    with override("en"), pytest.raises(Refused, match="cannot be ready"):
        change_window(order_code=order.code, number=1, window=window(2, 10))


def test_a_time_told_because_it_was_late_is_over(order: Order) -> None:
    later = order.parcels.get().promised_until + timedelta(days=1)
    order.parcels.update(expected_from=later - timedelta(hours=2), expected_until=later)
    changed = change_window(order_code=order.code, number=1, window=window(4, 12))
    assert (changed.expected_from, changed.due_from) == (None, window(4, 12).start)


def test_nobody_elses_parcel_exists(client: Client, order: Order) -> None:
    assert client.get(page(order)).status_code == 302  # to signing in
    client.force_login(UserFactory())
    assert client.get(page(order)).status_code == 404
    assert client.post(page(order), {"window": window(3, 10).key}).status_code == 404
    assert client.put(page(order)).status_code == 405


def test_a_collection_has_no_window(client: Client) -> None:
    order, _ = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
    client.force_login(order.user)
    assert "cannot be changed" in client.get(page(order), **EN).content.decode()
    assert client.post(page(order), {"window": window(3, 10).key}, **EN).status_code == 422


def test_the_order_page_leads_there_while_it_is_possible(mine: Client, order: Order) -> None:
    assert page(order) in mine.get(f"/orders/{order.code}/").content.decode()
    order.parcels.update(promised_from=timezone.now(), promised_until=timezone.now() + timedelta(hours=2))
    assert page(order) not in mine.get(f"/orders/{order.code}/").content.decode()


def test_few_questions(mine: Client, order: Order) -> None:
    with CaptureQueriesContext(connection) as asked:
        mine.get(page(order))
    assert len(asked) <= 7


def test_money_is_not_touched() -> None:
    order, parcel = promised(in_days(2), 18)
    before = Parcel.objects.values_list("fee", "goods_total").get(pk=parcel.pk)
    change_window(order_code=order.code, number=1, window=window(3, 10))
    assert Parcel.objects.values_list("fee", "goods_total").get(pk=parcel.pk) == before
    assert order.total == 860


@pytest.mark.django_db(transaction=True)
def test_places_changed_in_opposite_directions_block_nobody() -> None:
    """Six parcels, half of them in each of two windows, move to and fro at once: no deadlock, no place lost."""
    ways = [(window(3, 10), window(4, 12)), (window(4, 12), window(3, 10))]
    orders = []
    for number in range(6):
        there = ways[number % 2][0]
        orders.append(promised(there.day, there.start_hour)[0].code)

    def to_and_fro(number: int) -> int:
        here, there = ways[number % 2]
        for goal in (there, here, there, here, there):
            change_window(order_code=orders[number], number=1, window=goal)
        return Parcel.objects.get(order__code=orders[number]).slot.start_hour  # type: ignore[union-attr]

    assert at_once(6, to_and_fro) == [12, 10, 12, 10, 12, 10]
    assert taken() == {(in_days(3), 10): 3, (in_days(4), 12): 3}
