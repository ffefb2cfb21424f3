"""Holidays, closing days and cut-off hours, and what pages and deadlines make of them. 23 November 2026 is a Monday."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from catalog.models import Seller
from okryu.calendar import at, local_day
from okryu.demo.places import load_holidays
from orders.models import Holiday, SellerClosing
from orders.promises import answer_by, collection, next_open, windows
from orders.reach import read_reach
from orders.workdays import Workdays, close_seller, open_seller, read_workdays, workdays_of
from tests.factories import NeighbourhoodFactory, ProductFactory, SellerFactory, StaffFactory

SATURDAY, SUNDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (21, 22, 23, 24))
WEDNESDAY = date(2026, 11, 25)


def seller(kind: str, *, pk: int = 1, cut_off: str | None = None, **fields: object) -> Seller:
    hours = {"opens_at": "09:00", "closes_at": "18:00", "preparation_minutes": 60}
    return Seller(pk=pk, kind=kind, cut_off=cut_off, **{**hours, **fields})


RESTAURANT, SHOP, PRODUCER = seller("restaurant"), seller("shop"), seller("producer")
HOLIDAY = Workdays(holidays=frozenset({MONDAY}))
CLOSED = Workdays(closings={1: [(MONDAY, TUESDAY)]})


class TestDaysOfRest:
    def test_shops_and_producers_rest_on_holidays_restaurants_do_not(self) -> None:
        assert not HOLIDAY.works(SHOP, MONDAY)
        assert not HOLIDAY.works(PRODUCER, MONDAY)
        assert HOLIDAY.works(RESTAURANT, MONDAY)
        assert HOLIDAY.works(RESTAURANT, SUNDAY)

    @pytest.mark.parametrize("who", [RESTAURANT, SHOP, PRODUCER])
    def test_closing_days_close_everybody_and_only_whose_they_are(self, who: Seller) -> None:
        assert [CLOSED.works(who, day) for day in (SATURDAY, MONDAY, TUESDAY, WEDNESDAY)] == [True, False, False, True]
        assert CLOSED.works(seller(who.kind, pk=2), MONDAY)

    def test_the_next_day_of_work_steps_over_sunday_holiday_and_closing(self) -> None:
        days = workdays_of([(None, MONDAY, MONDAY), (1, TUESDAY, TUESDAY)])
        assert days.next_after(SHOP, SATURDAY) == WEDNESDAY

    def test_a_closed_restaurant_opens_after_its_closing_days(self) -> None:
        assert next_open(RESTAURANT, at(MONDAY, 12), CLOSED) == at(WEDNESDAY, 9)

    def test_no_window_is_promised_that_a_holiday_would_break(self) -> None:
        assert windows(SHOP, at(SATURDAY, 17), Workdays())[0].start == at(MONDAY, 12)
        assert windows(SHOP, at(SATURDAY, 17), HOLIDAY)[0].start == at(TUESDAY, 12)

    def test_a_producer_answers_by_noon_of_the_day_after_the_holiday(self) -> None:
        assert answer_by(PRODUCER, at(SATURDAY, 10), HOLIDAY) == at(TUESDAY, 12)

    def test_collection_waits_for_an_open_counter(self) -> None:
        assert collection(RESTAURANT, at(MONDAY, 12), CLOSED)[0] == at(WEDNESDAY, 10, 15)


class TestCutOff:
    @pytest.mark.parametrize(
        ("ordered", "by"),
        [
            (at(MONDAY, 14, 59), at(TUESDAY, 12)),
            (at(MONDAY, 15), at(WEDNESDAY, 12)),
            (at(MONDAY, 23, 59), at(WEDNESDAY, 12)),
            (at(TUESDAY, 0), at(WEDNESDAY, 12)),
            (at(SATURDAY, 16), at(TUESDAY, 12)),
            (at(SUNDAY, 10), at(TUESDAY, 12)),
        ],
    )
    def test_later_orders_count_as_the_next_working_days(self, ordered: datetime, by: datetime) -> None:
        assert answer_by(seller("producer", cut_off="15:00"), ordered, Workdays()) == by

    def test_a_shop_begins_the_next_morning(self) -> None:
        early = seller("shop", cut_off="15:00")
        assert answer_by(early, at(MONDAY, 14, 30), Workdays()) == at(MONDAY, 16, 30)
        assert answer_by(early, at(MONDAY, 15), Workdays()) == at(TUESDAY, 11)

    @pytest.mark.parametrize("kind", ["restaurant", "shop", "producer"])
    def test_who_orders_later_is_never_answered_sooner(self, kind: str) -> None:
        who = seller(kind, cut_off="15:00")
        days = workdays_of([(None, TUESDAY, TUESDAY), (1, date(2026, 11, 28), date(2026, 11, 30))])
        moments = [at(SATURDAY, 0) + timedelta(minutes=17 * n) for n in range(900)]
        answers = [answer_by(who, moment, days) for moment in moments]
        assert answers == sorted(answers)


@pytest.mark.django_db
class TestRows:
    def test_both_readings_say_the_same(self) -> None:
        NeighbourhoodFactory()
        mine, today = SellerFactory(), local_day(timezone.now())
        Holiday.objects.create(day=today, name_ko_kp="명절")
        Holiday.objects.create(day=today - timedelta(days=1), name_ko_kp="어제")
        close_seller(seller=mine, first_day=today - timedelta(days=3), last_day=today + timedelta(days=2), by=None)
        spans = {mine.pk: [(today - timedelta(days=3), today + timedelta(days=2))]}
        assert read_workdays() == Workdays(frozenset({today}), spans)
        assert read_reach(timezone.now()).workdays == read_workdays()

    def test_closing_twice_changes_and_opening_twice_is_harmless(self) -> None:
        mine, person = SellerFactory(), StaffFactory()
        close_seller(seller=mine, first_day=MONDAY, last_day=MONDAY, by=person)
        close_seller(seller=mine, first_day=MONDAY, last_day=TUESDAY, note="보수", by=person)
        assert SellerClosing.objects.values_list("first_day", "last_day", "note").get() == (MONDAY, TUESDAY, "보수")
        assert open_seller(seller=mine, first_day=MONDAY)
        assert not open_seller(seller=mine, first_day=MONDAY)

    @pytest.mark.parametrize("last", [SUNDAY, date(2030, 1, 1)])
    def test_days_out_of_order_and_endless_ones_are_refused(self, last: date) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            close_seller(seller=SellerFactory(), first_day=MONDAY, last_day=last, by=None)

    def test_the_demo_knows_the_holidays_of_two_years_once(self) -> None:
        count = load_holidays()
        assert load_holidays() == count == 38
        assert Holiday.objects.get(day=date(2026, 9, 9)).name == "공화국창건일"

    def test_closing_days_show_on_the_product_page_at_once(self, client: Client) -> None:
        NeighbourhoodFactory()
        product = ProductFactory(seller=SellerFactory(opens_at="00:00", closes_at="23:59"))
        today = local_day(timezone.now())
        close_seller(seller=product.seller, first_day=today, last_day=today + timedelta(days=40), by=None)
        reopening = today + timedelta(days=41)
        page = client.get(product.get_absolute_url(), headers={"accept-language": "en"}).text
        assert f"{reopening.day} {reopening:%B}" in page

    def test_the_sellers_page_tells_closing_days_two_weeks_ahead(self, client: Client) -> None:
        mine, today = SellerFactory(), local_day(timezone.now())
        page = f"/sellers/{mine.slug}/"
        first = today + timedelta(days=15)
        close_seller(seller=mine, first_day=first, last_day=first, by=None)
        assert "Closed" not in client.get(page, headers={"accept-language": "en"}).text
        close_seller(seller=mine, first_day=today, last_day=today, by=None)
        assert f"Closed on {today.day} {today:%B}" in client.get(page, headers={"accept-language": "en"}).text


@pytest.mark.django_db
class TestAdmin:
    def test_the_bureau_edits_holidays_and_closing_days(self, client: Client) -> None:
        person, mine = StaffFactory(), SellerFactory()
        client.force_login(person)
        typed = {"day": "2026-12-24", "name_ko_kp": "명절", "name_en": ""}
        assert client.post("/admin/orders/holiday/add/", typed).status_code == 302
        days = {"seller": mine.pk, "first_day": "2026-12-01", "last_day": "2026-12-03", "note": "보수"}
        assert client.post("/admin/orders/sellerclosing/add/", days).status_code == 302
        assert SellerClosing.objects.get().by == person
        wrong = client.post("/admin/orders/sellerclosing/add/", {**days, "first_day": "2026-12-04"})
        assert (wrong.status_code, SellerClosing.objects.count()) == (200, 1)
