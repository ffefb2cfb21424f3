"""Late parcels say so by themselves: once for each time missed, with a new one that can be kept."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import InboxMessage
from okryu.calendar import at, local_day
from orders import lateness
from orders.lateness import is_late, late_parcels, move_late
from orders.models import DeliverySlot, Order, Parcel
from orders.notices import tell
from orders.parcels import confirm_parcel, decline_parcel, dispatch_parcel, make_ready
from orders.tasks import move_late_parcels
from tests.orders.paid import kinds, paid
from tests.orders.promised import in_days, promised, taken
from tests.payments.processes import at_once

EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    def show(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    return show


@pytest.fixture
def order(db: None) -> Order:
    """Promised for tomorrow 14–16, confirmed; 옥류관 works from 9 to 18."""
    order, _ = promised(in_days(1), 14)
    confirm_parcel(order_code=order.code, number=1)
    return order


def told(order: Order) -> list[str]:
    """What the member reads about lateness, in English."""
    order.user.language = "en"
    order.user.save(update_fields=["language"])
    for event in order.events.filter(kind="late"):
        tell(event.pk)
    messages = InboxMessage.objects.filter(user=order.user, title__contains="late")
    return list(messages.order_by("pk").values_list("title", flat=True))


@pytest.mark.django_db
class TestMoving:
    def test_half_an_hour_before_the_end_a_parcel_that_has_not_left_is_late(self, order: Order, clock: Any) -> None:
        clock(at(in_days(1), 15, 29))
        assert late_parcels(timezone.now(), limit=9) == []
        clock(at(local_day(timezone.now()), 15, 30))
        assert late_parcels(timezone.now(), limit=9) == [(order.code, 1)]
        day = local_day(timezone.now())
        moved = move_late(order_code=order.code, number=1)
        # The seller may need the whole hour once more: 16:30.
        assert moved and (moved.expected_from, moved.expected_until) == (at(day, 18), at(day, 20))
        assert (moved.promised_from, moved.promised_until) == (at(day, 14), at(day, 16))
        assert taken() == {(day, 18): 1}
        assert kinds(order).count("late") == 1

    def test_a_packed_one_comes_in_the_next_window(self, order: Order, clock: Any) -> None:
        make_ready(order_code=order.code, number=1)
        day = in_days(1)
        clock(at(day, 15, 45))
        moved = move_late(order_code=order.code, number=1)
        assert moved and moved.expected_from == at(day, 16)

    def test_full_windows_are_passed_over(self, order: Order, clock: Any) -> None:
        day = in_days(1)
        DeliverySlot.objects.create(zone_id="A", day=day, start_hour=18, end_hour=20, vehicle="motorbike", capacity=0)
        clock(at(day, 15, 45))
        moved = move_late(order_code=order.code, number=1)
        assert moved and moved.expected_from == at(day + timedelta(days=1), 10)

    def test_with_every_window_full_it_is_told_all_the_same(self, order: Order, clock: Any, caplog: Any) -> None:
        day = in_days(1)
        for ahead in range(9):
            for hour in (10, 12, 14, 16, 18):
                DeliverySlot.objects.get_or_create(
                    zone_id="A",
                    day=day + timedelta(days=ahead),
                    start_hour=hour,
                    vehicle="motorbike",
                    defaults={"end_hour": hour + 2, "capacity": 0},
                )
        clock(at(day, 15, 45))
        moved = move_late(order_code=order.code, number=1)
        assert moved and (moved.expected_from, taken()) == (at(day, 18), {(day, 14): 1})
        assert "no window has a place" in caplog.text

    def test_never_twice_for_one_time_and_again_for_the_next(self, order: Order, clock: Any) -> None:
        day = in_days(1)
        clock(at(day, 15, 45))
        assert (move_late_parcels(), move_late_parcels()) == (1, 0)
        clock(at(day, 19, 30))
        assert move_late_parcels() == 1
        parcel = order.parcels.get()
        assert (parcel.promised_until, parcel.due_from) == (at(day, 16), at(day + timedelta(days=1), 10))
        assert kinds(order).count("late") == 2

    def test_a_clock_set_back_tells_nothing_anew(self, order: Order, clock: Any) -> None:
        day = in_days(1)
        clock(at(day, 15, 45))
        move_late_parcels()
        clock(at(day, 13))
        assert move_late_parcels() == 0
        clock(at(day, 15, 50))
        assert move_late_parcels() == 0
        assert kinds(order).count("late") == 1

    def test_a_courier_on_the_way_is_told_once(self, order: Order, clock: Any) -> None:
        day = in_days(1)
        make_ready(order_code=order.code, number=1)
        clock(at(day, 15, 50))
        dispatch_parcel(order_code=order.code, number=1)
        assert move_late_parcels() == 0
        clock(at(day, 16))
        assert move_late_parcels() == 1
        parcel = order.parcels.get()
        assert (parcel.expected_from, parcel.expected_until) == (at(day, 16), at(day, 17))
        clock(at(day, 18))
        assert move_late_parcels() == 0
        assert move_late(order_code=order.code, number=1) is None

    def test_what_is_not_under_way_is_never_late(self, order: Order, clock: Any) -> None:
        decline_parcel(order_code=order.code, number=1, reason="other")  # type: ignore[arg-type]
        clock(at(in_days(3), 12))
        assert move_late_parcels() == 0

    def test_factories_and_provinces_pack_before_the_window(self, order: Order, clock: Any) -> None:
        parcel, day = order.parcels.select_related("seller").get(), in_days(1)
        assert not is_late(parcel, at(day, 14))
        parcel.seller.kind = "producer"
        assert is_late(parcel, at(day, 14)) and not is_late(parcel, at(day, 13, 59))
        parcel.seller.kind, parcel.seller.lead_days = "shop", 7
        parcel.seller.save()
        clock(at(day, 14))
        moved = move_late(order_code=order.code, number=1)
        assert moved and moved.expected_from
        assert local_day(moved.expected_from) - day >= timedelta(days=7)

    def test_a_collection_that_is_not_packed_gets_a_new_time(self, db: None, clock: Any) -> None:
        order, _ = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
        day = in_days(1)
        order.parcels.update(promised_from=at(day, 12), promised_until=at(day, 13))
        confirm_parcel(order_code=order.code, number=1)
        clock(at(day, 11, 59))
        assert move_late_parcels() == 0
        clock(at(day, 12))
        assert move_late_parcels() == 1
        parcel = order.parcels.get()
        assert (parcel.expected_from, parcel.expected_until) == (at(day, 13), at(day, 14))
        assert [title for title in told(order) if "13:00" in title]

    @pytest.mark.parametrize("midnight", ["2026-11-30", "2026-12-31", "2028-02-28"])
    def test_the_new_time_lies_behind_the_end_of_month_and_year(self, order: Order, clock: Any, midnight: str) -> None:
        day = datetime.fromisoformat(midnight).date()
        order.parcels.update(promised_from=at(day, 18), promised_until=at(day, 20))
        clock(at(day, 23, 59))
        moved = move_late(order_code=order.code, number=1)
        # The next morning at nine it is begun anew, an hour later it is ready.
        assert moved and moved.expected_from == at(day + timedelta(days=1), 10)
        assert moved.expected_until and moved.expected_until - moved.expected_from == timedelta(hours=2)


@pytest.mark.django_db
class TestTelling:
    def test_the_member_reads_the_new_time_once(self, order: Order, clock: Any, client: Client) -> None:
        day = in_days(1)
        clock(at(day, 15, 45))
        call_command("sweep_orders")
        call_command("sweep_orders")
        assert len(told(order)) == 1
        assert "18-20h" in told(order)[0]
        client.force_login(order.user)
        page = client.get(f"/orders/{order.code}/", **EN).content.decode()
        assert "Now expected" in page and "18–20h" in page and "14–16h" in page

    def test_one_parcels_trouble_leaves_the_others_told(
        self, order: Order, clock: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        other, _ = promised(in_days(1), 12)
        clock(at(in_days(1), 15, 45))
        whole = lateness.move_late

        def broken(*, order_code: str, number: int) -> Parcel | None:
            if order_code == other.code:
                raise RuntimeError("broken")
            return whole(order_code=order_code, number=number)

        monkeypatch.setattr("orders.tasks.move_late", broken)
        Parcel.objects.filter(order=other).update(status="confirmed")
        assert move_late_parcels() == 1
        assert "was not given a new time" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_ten_processes_tell_it_once() -> None:
    order, parcel = promised(in_days(2), 18)
    confirm_parcel(order_code=order.code, number=1)
    missed = at(in_days(-1), 18)
    Parcel.objects.filter(pk=parcel.pk).update(promised_from=missed, promised_until=missed + timedelta(hours=2))
    moved = at_once(10, lambda _: move_late(order_code=order.code, number=1) is not None)
    assert sorted(moved) == [False] * 9 + [True]
    assert kinds(order).count("late") == 1
    assert sum(taken().values()) == 1
