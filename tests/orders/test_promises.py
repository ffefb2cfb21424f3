"""When sellers answer and are ready, and which windows they can keep. 23 November 2026 is a Monday."""

from datetime import UTC, date, datetime, timedelta

import pytest

from catalog.models import Seller
from okryu.calendar import at
from orders.promises import answer_by, collection, next_open, ready_at, windows
from orders.workdays import Workdays

MONDAY, TUESDAY, SATURDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 28), date(2026, 11, 29)
NEXT_MONDAY = date(2026, 11, 30)
EVERY_WEEK = Workdays()  # no holiday, no closing days


def seller(kind: str, *, opens: str = "09:00", closes: str = "18:00", minutes: int = 60, lead: int = 0) -> Seller:
    return Seller(kind=kind, opens_at=opens, closes_at=closes, preparation_minutes=minutes, lead_days=lead)


RESTAURANT = seller("restaurant", opens="10:00", closes="21:00", minutes=40)
SHOP, PRODUCER, PROVINCIAL = seller("shop"), seller("producer", minutes=240), seller("producer", lead=7)


@pytest.mark.parametrize(
    ("who", "moment", "opening"),
    [
        (SHOP, at(MONDAY, 10), at(MONDAY, 10)),
        (SHOP, at(MONDAY, 8), at(MONDAY, 9)),
        (SHOP, at(MONDAY, 18), at(TUESDAY, 9)),
        (SHOP, at(SATURDAY, 19), at(NEXT_MONDAY, 9)),
        (SHOP, at(SUNDAY, 12), at(NEXT_MONDAY, 9)),
        (RESTAURANT, at(SUNDAY, 12), at(SUNDAY, 12)),
    ],
)
def test_shops_rest_at_night_and_on_sundays(who: Seller, moment: datetime, opening: datetime) -> None:
    assert next_open(who, moment, EVERY_WEEK) == opening


@pytest.mark.parametrize(
    ("who", "paid", "by"),
    [
        (RESTAURANT, at(MONDAY, 12), at(MONDAY, 12, 10)),
        (RESTAURANT, at(MONDAY, 1), at(MONDAY, 10, 10)),
        (SHOP, at(MONDAY, 10), at(MONDAY, 12)),
        (SHOP, at(MONDAY, 17), at(TUESDAY, 10)),
        (SHOP, at(SATURDAY, 17), at(NEXT_MONDAY, 10)),
        (PRODUCER, at(MONDAY, 10), at(TUESDAY, 12)),
        (PRODUCER, at(SATURDAY, 10), at(NEXT_MONDAY, 12)),
        (PROVINCIAL, at(MONDAY, 10), at(TUESDAY, 12)),
    ],
)
def test_the_answer_is_due(who: Seller, paid: datetime, by: datetime) -> None:
    assert answer_by(who, paid, EVERY_WEEK) == by


def test_a_dish_is_answered_half_an_hour_before_its_window_but_never_in_less_than_ten_minutes() -> None:
    window = at(MONDAY, 10)
    assert answer_by(RESTAURANT, at(MONDAY, 8), EVERY_WEEK, promised_from=window) == at(MONDAY, 9, 30)
    assert answer_by(RESTAURANT, at(MONDAY, 11, 50), EVERY_WEEK, promised_from=at(MONDAY, 12)) == at(MONDAY, 12)


def test_deadlines_run_from_placing_and_leave_ten_minutes_after_paying() -> None:
    late_in_the_hold = at(TUESDAY, 0, 5)
    assert answer_by(PRODUCER, at(MONDAY, 23, 55), EVERY_WEEK, paid_at=late_in_the_hold) == at(TUESDAY, 12)
    assert answer_by(RESTAURANT, at(MONDAY, 12), EVERY_WEEK, paid_at=at(MONDAY, 12, 40)) == at(MONDAY, 12, 50)


def test_ready_counts_only_minutes_in_which_the_seller_works() -> None:
    assert ready_at(SHOP, at(MONDAY, 15, 30), EVERY_WEEK) == at(TUESDAY, 9, 30)  # due 17:30, then half an hour today


@pytest.mark.parametrize("who", [RESTAURANT, SHOP, PRODUCER, PROVINCIAL])
def test_the_night_the_clocks_were_set_back(who: Seller) -> None:
    """On 15 August 2015 the country's clocks went back half an hour at midnight: nobody is answered sooner for it."""
    night = [datetime(2015, 8, 14, 13, tzinfo=UTC) + n * timedelta(minutes=10) for n in range(72)]
    answers = [answer_by(who, moment, EVERY_WEEK).astimezone(UTC) for moment in night]
    assert answers == sorted(answers)
    for moment in night:
        ready, first = ready_at(who, moment, EVERY_WEEK), windows(who, moment, EVERY_WEEK)[0]
        assert first.start.astimezone(UTC) >= ready.astimezone(UTC) >= moment
        assert first.end.astimezone(UTC) - first.start.astimezone(UTC) == timedelta(hours=2)
    assert at(date(2015, 8, 14), 24).astimezone(UTC) == datetime(2015, 8, 14, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("who", "ordered", "day", "hour"),
    [
        (RESTAURANT, at(MONDAY, 17), MONDAY, 18),  # 17:10 answered, 17:50 ready
        (RESTAURANT, at(MONDAY, 17, 11), TUESDAY, 10),  # 18:01 ready: today is over
        (SHOP, at(MONDAY, 10), MONDAY, 14),
        (PRODUCER, at(MONDAY, 10), TUESDAY, 16),
        (PROVINCIAL, at(MONDAY, 10), date(2026, 12, 1), 10),
    ],
)
def test_the_first_window_is_one_the_seller_keeps(who: Seller, ordered: datetime, day: date, hour: int) -> None:
    first = windows(who, ordered, EVERY_WEEK)[0]
    assert (first.day, first.start_hour) == (day, hour)


def test_seven_days_are_offered() -> None:
    offered = windows(RESTAURANT, at(MONDAY, 12), EVERY_WEEK)
    assert (offered[0].day, offered[-1].day) == (MONDAY, SUNDAY)
    assert len({window.key for window in offered}) == len(offered)


def test_collection_is_kept_a_day_and_dishes_an_hour() -> None:
    assert collection(SHOP, at(MONDAY, 10, 7), EVERY_WEEK) == (at(MONDAY, 13, 15), at(TUESDAY, 13, 15))
    assert collection(RESTAURANT, at(MONDAY, 12), EVERY_WEEK) == (at(MONDAY, 13), at(MONDAY, 14))
