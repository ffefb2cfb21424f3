"""On the way: phoned, nobody at home, one new try, back to the seller. Every verb may arrive twice, or too late."""

from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from okryu.calendar import at, local_day
from orders.carrying import assign_courier, miss_parcel, new_try_places, note_call
from orders.models import DeliverySlot, Order, OrderLine, Parcel
from orders.parcels import Refused, confirm_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.promises import Window
from orders.refunds import Goods
from tests.factories import StaffFactory
from tests.orders.paid import kinds, money, paid, payment_of, shelf

pytestmark = pytest.mark.django_db
NOON = at(local_day(timezone.now()) + timedelta(days=2), 12, 30)


@pytest.fixture(autouse=True)
def _at_noon():
    """Half past twelve: windows of this day and of the next are left."""
    with mock.patch("orders.carrying.timezone.now", return_value=NOON):
        yield


def where(order: Order) -> dict[str, object]:
    return {"order_code": order.code, "number": 1}


def on_its_way(kind: str = "shop") -> tuple[Order, Parcel, object]:
    """Two bowls for 380 won each and 100 won of delivery, with a courier on the way; the card it was paid with."""
    order, card = paid(parcels=[{"lines": [(380, 2)], "fee": 100}])
    seller = order.parcels.get().seller
    seller.kind = kind
    seller.save(update_fields=["kind"])
    for verb in (confirm_parcel, make_ready, dispatch_parcel):
        verb(**where(order))
    return order, order.parcels.select_related("seller", "slot").get(), card


def first_window(parcel: Parcel) -> Window:
    return new_try_places(parcel, NOON)[0].window


def taken() -> int:
    return sum(DeliverySlot.objects.values_list("taken", flat=True))


def snapshot(order: Order) -> tuple[object, ...]:
    parcel = order.parcels.get()
    line = OrderLine.objects.get(parcel=parcel)
    fields = (parcel.status, parcel.failed_tries, parcel.slot_id, parcel.promised_from, parcel.phoned_at)
    return *fields, shelf(line), taken(), kinds(order), payment_of(order).refunded


class TestPhoning:
    def test_is_noted_once_a_try(self) -> None:
        order, _parcel, _card = on_its_way()
        courier = StaffFactory()
        for _again in range(2):
            assert note_call(**where(order), attempt=1, by=courier).phoned_at == NOON
        assert order.events.get(kind="phoned").by == courier

    def test_that_arrives_after_its_try_is_forgotten(self) -> None:
        order, parcel, _card = on_its_way()
        miss_parcel(**where(order), attempt=1, window=first_window(parcel))
        assert note_call(**where(order), attempt=1).phoned_at is None
        assert note_call(**where(order), attempt=2).phoned_at == NOON


class TestNobodyAtHome:
    def test_one_new_try_in_a_new_window_for_its_old_place(self) -> None:
        order, parcel, card = on_its_way()
        window, before = first_window(parcel), taken()
        missed = miss_parcel(**where(order), attempt=1, window=window)
        assert (missed.status, missed.failed_tries, missed.dispatched_at) == ("ready", 1, None)
        assert (missed.promised_from, missed.promised_until) == (window.start, window.end)
        assert (missed.slot.day, missed.slot.start_hour, missed.slot.taken) == (window.day, window.start_hour, 1)
        assert taken() == before
        assert money(card) == (10_000 - 860, 0)
        assert "not_home" in kinds(order)

    def test_is_what_the_shopper_reads_first(self, client) -> None:
        order, parcel, _card = on_its_way()
        miss_parcel(**where(order), attempt=1, window=first_window(parcel))
        client.force_login(order.user)
        shown = client.get(f"/orders/{order.code}/", HTTP_ACCEPT_LANGUAGE="en").content.decode()
        assert "<h2>Nobody was at home: the courier comes once more</h2>" in shown

    def test_repeated_changes_nothing(self) -> None:
        order, parcel, _card = on_its_way()
        places = [place.window for place in new_try_places(parcel, NOON)]
        miss_parcel(**where(order), attempt=1, window=places[0])
        before = snapshot(order)
        for window in (places[0], places[1], None):
            miss_parcel(**where(order), attempt=1, window=window)
        assert snapshot(order) == before

    def test_that_arrives_during_the_second_try_does_not_end_it(self) -> None:
        order, parcel, _card = on_its_way()
        window = first_window(parcel)
        miss_parcel(**where(order), attempt=1, window=window)
        dispatch_parcel(**where(order), attempt=2)
        before = snapshot(order)
        miss_parcel(**where(order), attempt=1, window=window)
        dispatch_parcel(**where(order), attempt=1)
        assert snapshot(order) == before

    def test_a_late_dispatch_does_not_send_it_off_again(self) -> None:
        order, parcel, _card = on_its_way()
        miss_parcel(**where(order), attempt=1, window=first_window(parcel))
        assert dispatch_parcel(**where(order), attempt=1).status == "ready"
        assert dispatch_parcel(**where(order), attempt=2).status == "dispatched"
        assert deliver_parcel(**where(order)).status == "delivered"

    @pytest.mark.parametrize(
        ("goods", "on_hand"), [(Goods.RESTOCK, (20, 0)), (Goods.WRITE_OFF, (18, 0))], ids=["restock", "write off"]
    )
    def test_twice_goes_back_to_the_seller_and_keeps_the_fee(self, goods: Goods, on_hand: tuple[int, int]) -> None:
        order, parcel, card = on_its_way()
        before = taken()
        miss_parcel(**where(order), attempt=1, window=first_window(parcel))
        dispatch_parcel(**where(order), attempt=2)
        for _again in range(2):
            ended = miss_parcel(**where(order), attempt=2, goods=goods)
            assert (ended.status, ended.failed_tries) == ("undeliverable", 2)
        assert money(card) == (10_000 - 100, 0)
        assert shelf(OrderLine.objects.get(parcel=parcel)) == on_hand
        assert taken() == before - 1
        order.refresh_from_db()
        assert order.status == "closed"
        assert kinds(order).count("not_home") == kinds(order).count("not_home_again") == 1

    def test_a_dish_comes_again_the_same_day_and_is_never_sold_again(self) -> None:
        order, parcel, card = on_its_way("restaurant")
        assert {place.window.day for place in new_try_places(parcel, NOON)} == {local_day(NOON)}
        evening = at(local_day(NOON), 18, 30)
        assert new_try_places(parcel, evening) == []
        with mock.patch("orders.carrying.timezone.now", return_value=evening):
            for _again in range(2):
                assert miss_parcel(**where(order), attempt=1, goods=Goods.RESTOCK).status == "undeliverable"
        assert shelf(OrderLine.objects.get(parcel=parcel)) == (18, 0)
        assert money(card) == (10_000 - 100, 0)

    def test_windows_are_those_of_24_hours_with_a_free_place(self) -> None:
        _order, parcel, _card = on_its_way()
        places = new_try_places(parcel, NOON)
        assert [(p.window.day - local_day(NOON)).days for p in places] == [0, 0, 0, 1, 1]
        assert [p.window.start_hour for p in places] == [14, 16, 18, 10, 12]
        fill(parcel, places[0].window)
        assert [p.window.start_hour for p in new_try_places(parcel, NOON)] == [16, 18, 10, 12]
        for place in places[1:]:
            fill(parcel, place.window)
        assert [p.window.key for p in new_try_places(parcel, NOON)] == [Window(places[-1].window.day, 14, 16).key]

    def test_a_full_or_foreign_window_is_refused(self) -> None:
        order, parcel, _card = on_its_way()
        window = first_window(parcel)
        yesterday = Window(local_day(NOON) - timedelta(days=1), 14, 16)
        fill(parcel, window)
        before = snapshot(order)
        for chosen in (window, yesterday, None):
            with pytest.raises(Refused):
                miss_parcel(**where(order), attempt=1, window=chosen)
        with pytest.raises(Refused):
            miss_parcel(**where(order), attempt=2, window=first_window(parcel))
        assert snapshot(order) == before

    def test_only_of_a_parcel_on_its_way(self) -> None:
        order, _card = paid()
        with pytest.raises(Refused):
            miss_parcel(**where(order), attempt=1, window=Window(local_day(NOON), 14, 16))
        collected, _card = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
        with pytest.raises(Refused):
            miss_parcel(**where(collected), attempt=1, window=Window(local_day(NOON), 14, 16))


class TestNamingACourier:
    def test_before_and_after_and_nobody(self) -> None:
        order, _card = paid()
        first, second, desk = StaffFactory(), StaffFactory(), StaffFactory()
        for courier in (first, first, second, None, first):
            assert assign_courier(**where(order), courier=courier, by=desk).courier == courier
        assert kinds(order).count("courier_named") == 4
        for verb in (confirm_parcel, make_ready, dispatch_parcel):
            verb(**where(order))
        assert order.parcels.get().courier == first  # who leaves without a name is who was named

    def test_not_of_an_ended_or_collected_parcel(self) -> None:
        order, _parcel, _card = on_its_way()
        deliver_parcel(**where(order))
        collected, _card = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
        for each in (order, collected):
            with pytest.raises(Refused):
                assign_courier(**where(each), courier=StaffFactory())


def fill(parcel: Parcel, window: Window) -> None:
    slot, _ = DeliverySlot.objects.get_or_create(
        zone_id=parcel.slot.zone_id,
        day=window.day,
        start_hour=window.start_hour,
        vehicle=parcel.vehicle,
        defaults={"end_hour": window.end_hour, "capacity": 8},
    )
    DeliverySlot.objects.filter(pk=slot.pk).update(taken=8, capacity=8)
