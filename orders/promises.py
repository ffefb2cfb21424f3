"""When a seller answers, is ready, and can be promised: everything the checkout says about time.

A promise is only made where the seller keeps it even when answering at the last allowed minute. Sellers work
between `opens_at` and `closes_at`; restaurants every day, shops and producers on working days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings

from catalog.models import Seller
from okryu.calendar import PYONGYANG, at, is_working_day, local_day, next_working_day
from orders.models import Parcel

DISH_ANSWER = timedelta(minutes=10)
DISH_BEFORE_WINDOW = timedelta(minutes=30)
SHOP_ANSWER_MINUTES = 120  # of opening time
PRODUCER_ANSWER_HOUR = 12  # of the next working day
QUARTER = 15


@dataclass(frozen=True)
class Window:
    """One span of hours on one day in which a parcel can be brought."""

    day: date
    start_hour: int
    end_hour: int

    @property
    def start(self) -> datetime:
        return at(self.day, self.start_hour)

    @property
    def end(self) -> datetime:
        return at(self.day, self.end_hour)

    @property
    def key(self) -> str:
        """How forms name this window: 2026-11-24T18."""
        return f"{self.day.isoformat()}T{self.start_hour:02d}"


def is_dish_seller(seller: Seller) -> bool:
    """Restaurants cook to order: their parcels follow the rules for dishes, whatever else is in them."""
    return seller.kind == Seller.Kind.RESTAURANT


def answer_by(seller: Seller, paid_at: datetime, *, promised_from: datetime | None = None) -> datetime:
    """The moment at which an unanswered parcel is declined by itself.

    A restaurant has ten minutes from when it is open, and at least until `promised_from` is half an hour away; a shop
    two hours of its opening time; a producer and a seller of the provinces until noon of the next working day.
    Nobody gets less than ten minutes: an order may be paid late in its hold.
    """
    if is_dish_seller(seller):
        by = next_open(seller, paid_at) + DISH_ANSWER
        if promised_from is not None:
            by = min(by, promised_from - DISH_BEFORE_WINDOW)
        return max(by, paid_at + DISH_ANSWER)
    if seller.kind == Seller.Kind.SHOP and not seller.lead_days:
        return add_open_minutes(seller, paid_at, SHOP_ANSWER_MINUTES)
    return at(next_working_day(local_day(paid_at)), PRODUCER_ANSWER_HOUR)


def ready_at(seller: Seller, ordered_at: datetime) -> datetime:
    """When the seller's parcel stands ready at the seller's at the latest."""
    return add_open_minutes(seller, answer_by(seller, ordered_at), seller.preparation_minutes)


def windows(seller: Seller, ordered_at: datetime) -> list[Window]:
    """Every delivery window this seller can keep, soonest first, for DELIVERY_DAYS_AHEAD days from its first one."""
    ready = ready_at(seller, ordered_at)
    first_day = local_day(ready) + timedelta(days=seller.lead_days)
    earliest = at(first_day, 0) if seller.lead_days else ready
    kept: list[Window] = []
    for offset in range(settings.DELIVERY_DAYS_AHEAD + 1):
        day = first_day + timedelta(days=offset)
        spans = (Window(day, start, end) for start, end in settings.DELIVERY_WINDOWS)
        kept += [window for window in spans if window.start >= earliest]
    last_day = kept[0].day + timedelta(days=settings.DELIVERY_DAYS_AHEAD - 1)
    return [window for window in kept if window.day <= last_day]


def kept_until(parcel: Parcel) -> datetime:
    """Until when a packed parcel waits to be collected: the promised time if nobody has packed it yet."""
    if parcel.ready_at is None:
        return parcel.promised_until
    hours = settings.COLLECTION_HOURS[parcel.seller.kind]
    return max(parcel.ready_at, parcel.promised_from) + timedelta(hours=hours)


def collection(seller: Seller, ordered_at: datetime) -> tuple[datetime, datetime]:
    """From when to when the parcel waits at the seller's: 24 hours, dishes one hour."""
    ready = next_open(seller, _full_quarter(ready_at(seller, ordered_at)))
    return ready, ready + timedelta(hours=settings.COLLECTION_HOURS[seller.kind])


def next_open(seller: Seller, moment: datetime) -> datetime:
    """`moment` itself while the seller works, otherwise its next opening."""
    local = moment.astimezone(PYONGYANG)
    if _works(seller, local.date()) and _clock(seller.opens_at) <= local.time() < _clock(seller.closes_at):
        return moment
    day = local.date()
    if not (_works(seller, day) and local.time() < _clock(seller.opens_at)):
        day += timedelta(days=1)
        while not _works(seller, day):
            day += timedelta(days=1)
    return datetime.combine(day, _clock(seller.opens_at), PYONGYANG)


def add_open_minutes(seller: Seller, moment: datetime, minutes: int) -> datetime:
    """`moment` plus `minutes` during which the seller works."""
    left = timedelta(minutes=minutes)
    moment = next_open(seller, moment)
    while True:
        closing = datetime.combine(moment.astimezone(PYONGYANG).date(), _clock(seller.closes_at), PYONGYANG)
        if moment + left <= closing:
            return moment + left
        left -= closing - moment
        moment = next_open(seller, closing)


def _works(seller: Seller, day: date) -> bool:
    return is_dish_seller(seller) or is_working_day(day)


def _clock(value: time | str) -> time:
    """A seller made in this very process may still hold its default, the text "09:00"."""
    return time.fromisoformat(value) if isinstance(value, str) else value


def _full_quarter(moment: datetime) -> datetime:
    over = moment.minute % QUARTER
    cut = moment.replace(second=0, microsecond=0)
    if not over and cut == moment:
        return moment
    return cut + timedelta(minutes=QUARTER - over)
