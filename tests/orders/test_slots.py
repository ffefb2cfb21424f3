"""What the bureau does to delivery windows: fewer or more places, closing, opening again. Promises stay promises."""

from datetime import date

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Neighbourhood
from catalog.models import ProductVariant
from okryu.calendar import at
from orders import slots
from orders.models import DeliverySlot, Order
from orders.reach import read_reach
from tests.factories import StaffFactory
from tests.orders.shopping import checkout_form, put

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}
LIST = "/admin/orders/deliveryslot/"


@pytest.fixture
def bureau(client: Client) -> Client:
    client.force_login(StaffFactory())
    return client


@pytest.fixture
def window(home: Neighbourhood) -> DeliverySlot:
    """Monday 18–20 to zone A, five of eight places promised."""
    return DeliverySlot.objects.create(
        zone_id="A", day=DAY, start_hour=18, end_hour=20, vehicle="motorbike", capacity=8, taken=5
    )


def test_places_never_go_below_what_is_promised(bureau: Client, window: DeliverySlot) -> None:
    refused = bureau.post(f"{LIST}{window.pk}/change/", {"capacity": 4}, **EN)
    assert "5 parcels are promised for this window" in refused.content.decode()
    with pytest.raises(slots.FewerThanTaken):
        slots.set_capacity(window.pk, 4)
    assert bureau.post(f"{LIST}{window.pk}/change/", {"capacity": 5}).status_code == 302
    window.refresh_from_db()
    assert (window.capacity, window.taken, window.left) == (5, 5, 0)


def test_a_form_that_stood_open_gives_no_place_twice(
    bureau: Client, window: DeliverySlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody orders between the reading of the form's row and its writing."""
    set_capacity = slots.set_capacity

    def after_an_order(slot_id: int, capacity: int) -> DeliverySlot:
        DeliverySlot.objects.filter(pk=slot_id).update(taken=7)
        return set_capacity(slot_id, capacity)

    monkeypatch.setattr(slots, "set_capacity", after_an_order)
    bureau.post(f"{LIST}{window.pk}/change/", {"capacity": 6}, **EN)
    window.refresh_from_db()
    assert (window.capacity, window.taken) == (8, 7)
    assert "7 parcels are promised" in bureau.get(LIST, **EN).content.decode()


def test_closed_windows_promise_nothing_more_and_open_again(bureau: Client, window: DeliverySlot) -> None:
    act = {"_selected_action": [window.pk], "action": "close_windows"}
    assert "1 window was changed" in bureau.post(LIST, act, follow=True, **EN).content.decode()
    key = (DAY, 18, "motorbike")
    assert slots.places_left(zone_id="A", first=DAY, last=DAY) == {key: 0}
    assert read_reach(at(DAY, 9)).full == {("A", key)}
    assert "0 windows" in bureau.post(LIST, act, follow=True, **EN).content.decode()
    bureau.post(LIST, {**act, "action": "reopen_windows"})
    assert slots.places_left(zone_id="A", first=DAY, last=DAY) == {key: 3}


def test_a_window_nobody_asked_for_is_closed_by_adding_it(bureau: Client, home: Neighbourhood) -> None:
    typed = {"zone": "A", "day": DAY, "start_hour": 10, "vehicle": "van", "capacity": 0, "is_closed": "on"}
    assert bureau.post(f"{LIST}add/", typed).status_code == 302
    slot = DeliverySlot.objects.get()
    assert (slot.start_hour, slot.end_hour, slot.left) == (10, 12, 0)
    assert bureau.post(f"{LIST}add/", typed).status_code == 200  # there already


def test_who_had_the_page_open_is_told_and_a_promised_place_stays(
    shopping: Client,
    home: Neighbourhood,
    noodles: ProductVariant,
    window: DeliverySlot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: at(DAY, 12))
    put(shopping, noodles)
    seller = noodles.product.seller_id
    form = checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3", f"when-{seller}": "2026-11-23T18"}
    slots.set_closed([window.pk], is_closed=True)
    refused = shopping.post("/checkout/", form, **EN)
    assert (refused.status_code, Order.objects.count()) == (422, 0)
    assert "no longer free" in refused.content.decode()
    slots.set_closed([window.pk], is_closed=False)
    assert shopping.post("/checkout/", form, **EN).status_code == 302
    slots.set_closed([window.pk], is_closed=True)
    window.refresh_from_db()
    assert (window.taken, Order.objects.get().parcels.get().slot) == (6, window)
