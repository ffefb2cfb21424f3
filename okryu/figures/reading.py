"""The figures of the last days, read from the tables in eight statements and kept for a minute.

Numbers count what happened in the country's days up to this moment; today is therefore still growing.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone
from django.utils.translation import get_language

from accounts.models import User
from catalog.models import Category
from okryu.calendar import PYONGYANG, at, local_day
from okryu.figures.models import DailyCategoryViews, DailyFigures, DailyViews, DailyVisitor, Device
from orders.models import Order, OrderLine, Parcel

KEPT_SECONDS = 60
SPANS = (30, 60)  # days shown


@dataclass(frozen=True)
class Day:
    day: date
    phone_views: int
    computer_views: int
    visitors: int
    new_members: int
    members: int  # at the end of the day
    orders: int  # paid on this day
    sales: int  # whole won of goods the money was taken for on this day

    @property
    def views(self) -> int:
        return self.phone_views + self.computer_views


@dataclass(frozen=True)
class CategoryFigures:
    name_ko_kp: str
    name_en: str
    views: int
    sales: int

    @property
    def name(self) -> str:
        english = (get_language() or "").startswith("en")
        return (self.name_en if english else "") or self.name_ko_kp


@dataclass(frozen=True)
class Figures:
    days: list[Day]  # the oldest first; the last one is today
    categories: list[CategoryFigures]  # most viewed first, then best sold
    promises: int  # parcels of these days whose promised time has passed
    promises_kept: int  # of them, delivered in time
    hours_to_door: float | None  # from payment to delivery, on average
    read_at: datetime

    @property
    def today(self) -> Day:
        return self.days[-1]

    @property
    def views(self) -> int:
        return sum(day.views for day in self.days)

    @property
    def orders(self) -> int:
        return sum(day.orders for day in self.days)

    @property
    def sales(self) -> int:
        return sum(day.sales for day in self.days)

    @property
    def sales_a_day(self) -> int:
        return self.sales // len(self.days)

    @property
    def counting_since(self) -> date | None:
        """The first of these days with a view, when it is not the first day shown."""
        first = next((day.day for day in self.days if day.views), None)
        return first if first != self.days[0].day else None

    @property
    def kept_percent(self) -> float | None:
        return per_cent(self.promises_kept, self.promises)

    @property
    def phone_percent(self) -> float | None:
        return per_cent(sum(day.phone_views for day in self.days), self.views)


def per_cent(part: int, whole: int) -> float | None:
    """Tenths of a per cent, rounded down: 1,999 of 2,000 is not 100."""
    return part * 1000 // whole / 10 if whole else None


def figures(days: int) -> Figures:
    """The last `days` days, at most a minute old."""
    key = f"figures:{days}"
    found: Figures | None = cache.get(key)
    if found is None:
        found = read(days, timezone.now())
        cache.set(key, found, KEPT_SECONDS)
    return found


def read(days: int, now: datetime) -> Figures:
    """The figures of the last `days` days up to `now`, from the tables."""
    today = local_day(now)
    first = today - timedelta(days=days - 1)
    start = at(first, 0)
    sales = _sales(start)
    promises = _promises(start, now)
    return Figures(
        days=_days(first, today, _sum(sales, by=0)),
        categories=_categories(first, _sum(sales, by=1)),
        promises=promises["due"],
        promises_kept=promises["kept"],
        hours_to_door=promises["took"].total_seconds() / 3600 if promises["took"] else None,
        read_at=now,
    )


def _days(first: date, today: date, sales: Counter[date]) -> list[Day]:
    views: dict[tuple[date, str], int] = {
        (day, device): total
        for day, device, total in DailyViews.objects.filter(day__gte=first)
        .values_list("day", "device")
        .annotate(total=Sum("views"))
        .order_by()
    }
    visitors = _visitors(first)
    joined = _by_day(User.objects.filter(is_staff=False), "joined_at")
    orders = _by_day(Order.objects.filter(paid_at__gte=at(first, 0)), "paid_at")
    members = sum(number for day, number in joined.items() if day < first)
    found = []
    for offset in range((today - first).days + 1):
        day = first + timedelta(days=offset)
        members += joined.get(day, 0)
        found.append(
            Day(
                day=day,
                phone_views=views.get((day, Device.PHONE), 0),
                computer_views=views.get((day, Device.COMPUTER), 0),
                visitors=visitors.get(day, 0),
                new_members=joined.get(day, 0),
                members=members,
                orders=orders.get(day, 0),
                sales=sales.get(day, 0),
            )
        )
    return found


def _by_day(rows: QuerySet[Any], moment: str) -> dict[date, int]:
    """How many rows fall on each day of the country's calendar."""
    counted = rows.annotate(on=TruncDate(moment, tzinfo=PYONGYANG)).values_list("on").annotate(number=Count("pk"))
    return dict(counted.order_by())


def _visitors(first: date) -> dict[date, int]:
    """Unique visitors by day: of closed days the number kept, of open ones the digests."""
    closed = DailyFigures.objects.filter(day__gte=first).values_list("day", "visitors").order_by()
    still_open = (
        DailyVisitor.objects.filter(day__gte=first).values_list("day").annotate(visitors=Count("pk")).order_by()
    )
    found: Counter[date] = Counter()
    for day, number in closed.union(still_open, all=True):
        found[day] += number
    return found


def _sales(start: datetime) -> list[tuple[date, int, int]]:
    """Day, category and won of the goods whose money was taken since `start`, without delivery fees."""
    lines = (
        OrderLine.objects.filter(parcel__captured_at__gte=start)
        .annotate(on=TruncDate("parcel__captured_at", tzinfo=PYONGYANG))
        .values_list("on", "variant__product__category_id")
        .annotate(won=Sum(F("unit_price") * (Coalesce("confirmed_quantity", "quantity") - F("returned_quantity"))))
        .order_by()
    )
    return [(day, category, int(won)) for day, category, won in lines]


def _sum(sales: list[tuple[date, int, int]], *, by: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in sales:
        found[row[by]] += row[2]
    return found


def _promises(start: datetime, now: datetime) -> dict[str, Any]:
    """Parcels delivered since `start` or overdue by now: how many, how many in time, how long it took from payment.

    A parcel collected at the seller is a promise too. Declined and cancelled ones are not: the money went back.
    """
    delivered = Q(status=Parcel.Status.DELIVERED, delivered_at__gte=start)
    under_way = Q(status__in=[Parcel.Status.CONFIRMED, Parcel.Status.READY, Parcel.Status.DISPATCHED])
    overdue = under_way & Q(promised_until__gte=start, promised_until__lt=now)
    return Parcel.objects.filter(delivered | overdue).aggregate(
        due=Count("pk"),
        kept=Count("pk", filter=Q(delivered_at__lte=F("promised_until"))),
        took=Avg(F("delivered_at") - F("order__paid_at")),
    )


def _categories(first: date, sales: Counter[int]) -> list[CategoryFigures]:
    """Top shelves with the views and sales of everything inside them."""
    views = dict(
        DailyCategoryViews.objects.filter(day__gte=first)
        .values_list("category_id")
        .annotate(total=Sum("views"))
        .order_by()
    )
    rows = Category.objects.order_by("position", "id").values("id", "parent_id", "name_ko_kp", "name_en")
    shelves = {row["id"]: row for row in rows}
    top_views: Counter[int] = Counter()
    top_sales: Counter[int] = Counter()
    for pk in shelves:
        top = _top(pk, shelves)
        top_views[top] += views.get(pk, 0)
        top_sales[top] += sales.get(pk, 0)
    found = [
        CategoryFigures(
            name_ko_kp=row["name_ko_kp"] or "",
            name_en=row["name_en"] or "",
            views=top_views[pk],
            sales=top_sales[pk],
        )
        for pk, row in shelves.items()
        if row["parent_id"] is None
    ]
    return sorted(found, key=lambda category: (-category.views, -category.sales))


def _top(pk: int, shelves: dict[int, Any]) -> int:
    """The shelf at the root of the tree above `pk`."""
    seen = set()
    while (parent := shelves[pk]["parent_id"]) is not None and parent in shelves and pk not in seen:
        seen.add(pk)
        pk = parent
    return pk
