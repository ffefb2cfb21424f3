"""When a seller answers, is ready, and can be promised: everything the checkout says about time.

A promise is only made where the seller keeps it even when answering at the last allowed minute. Sellers work
between `opens_at` and `closes_at` on the days orders/workdays.py says. An order that comes after the seller's cut-off
hour counts as the next working day's. Deadlines run from placing: who pays late in the hold moves no promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings

from catalog.models import Seller
from okryu.calendar import PYONGYANG, at, local_day
from orders.models import Parcel
from orders.workdays import Workdays

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


def answer_by(
    seller: Seller,
    placed_at: datetime,
    workdays: Workdays,
    *,
    paid_at: datetime | None = None,
    promised_from: datetime | None = None,
) -> datetime:
    """The moment at which an unanswered parcel is declined by itself.

    A restaurant has ten minutes from when it is open, and at least until `promised_from` is half an hour away; a shop
    two hours of its opening time; a producer and a seller of the provinces until noon of the next working day.
    Nobody gets less than ten minutes from `paid_at`: an order may be paid late in its hold.
    """
    counted = _counted_from(seller, placed_at, workdays)
    if is_dish_seller(seller):
        by = next_open(seller, counted, workdays) + DISH_ANSWER
        if promised_from is not None:
            by = min(by, promised_from - DISH_BEFORE_WINDOW)
    elif seller.kind == Seller.Kind.SHOP and not seller.lead_days:
        by = add_open_minutes(seller, counted, SHOP_ANSWER_MINUTES, workdays)
    else:
        by = at(workdays.next_after(seller, local_day(counted)), PRODUCER_ANSWER_HOUR)
    return max(by, (paid_at or placed_at) + DISH_ANSWER)


def _counted_from(seller: Seller, ordered_at: datetime, workdays: Workdays) -> datetime:
    """The moment an order counts from: its own, or the first of the next working day after the cut-off hour."""
    if seller.cut_off is None:
        return ordered_at
    local = ordered_at.astimezone(PYONGYANG)
    if workdays.works(seller, local.date()) and local.time() < _clock(seller.cut_off):
        return ordered_at
    return at(workdays.next_after(seller, local.date()), 0)


def ready_at(seller: Seller, ordered_at: datetime, workdays: Workdays) -> datetime:
    """When the seller's parcel stands ready at the seller's at the latest."""
    answered = answer_by(seller, ordered_at, workdays)
    return add_open_minutes(seller, answered, seller.preparation_minutes, workdays)


def windows(seller: Seller, ordered_at: datetime, workdays: Workdays) -> list[Window]:
    """Every delivery window this seller can keep, soonest first, for DELIVERY_DAYS_AHEAD days from its first one."""
    return windows_after(arrives_at(seller, ready_at(seller, ordered_at, workdays)))


def arrives_at(seller: Seller, ready: datetime) -> datetime:
    """From when a parcel that stands `ready` at the seller's can be brought round: the provinces are days away."""
    return at(local_day(ready) + timedelta(days=seller.lead_days), 0) if seller.lead_days else ready


def windows_after(earliest: datetime) -> list[Window]:
    """Every window that begins no sooner, for DELIVERY_DAYS_AHEAD days from the first one."""
    first_day = local_day(earliest)
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
        return parcel.due_until
    hours = settings.COLLECTION_HOURS[parcel.seller.kind]
    return max(parcel.ready_at, parcel.promised_from) + timedelta(hours=hours)


def collection(seller: Seller, ordered_at: datetime, workdays: Workdays) -> tuple[datetime, datetime]:
    """From when to when the parcel waits at the seller's: 24 hours, dishes one hour."""
    return collection_from(seller, ready_at(seller, ordered_at, workdays), workdays)


def collection_from(seller: Seller, ready: datetime, workdays: Workdays) -> tuple[datetime, datetime]:
    """The same of a parcel that stands `ready` at that moment."""
    since = next_open(seller, _full_quarter(ready), workdays)
    return since, since + timedelta(hours=settings.COLLECTION_HOURS[seller.kind])


def next_open(seller: Seller, moment: datetime, workdays: Workdays) -> datetime:
    """`moment` itself while the seller works, otherwise its next opening."""
    local = moment.astimezone(PYONGYANG)
    works_today = workdays.works(seller, local.date())
    if works_today and _clock(seller.opens_at) <= local.time() < _clock(seller.closes_at):
        return moment
    day = local.date()
    if not (works_today and local.time() < _clock(seller.opens_at)):
        day = workdays.next_after(seller, day)
    return datetime.combine(day, _clock(seller.opens_at), PYONGYANG)


def add_open_minutes(seller: Seller, moment: datetime, minutes: int, workdays: Workdays) -> datetime:
    """`moment` plus `minutes` during which the seller works."""
    left = timedelta(minutes=minutes)
    moment = next_open(seller, moment, workdays)
    while True:
        closing = datetime.combine(moment.astimezone(PYONGYANG).date(), _clock(seller.closes_at), PYONGYANG)
        if moment + left <= closing:
            return moment + left
        left -= closing - moment
        moment = next_open(seller, closing, workdays)


def _clock(value: time | str) -> time:
    """A seller made in this very process may still hold its default, the text "09:00"."""
    return time.fromisoformat(value) if isinstance(value, str) else value


def _full_quarter(moment: datetime) -> datetime:
    over = moment.minute % QUARTER
    cut = moment.replace(second=0, microsecond=0)
    if not over and cut == moment:
        return moment
    return cut + timedelta(minutes=QUARTER - over)
