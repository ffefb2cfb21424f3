"""Page views and visitors of the demo's days, in keeping with its orders."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from django.db.models import Count
from django.db.models.functions import TruncDate

from catalog.models import Category
from okryu.calendar import PYONGYANG
from okryu.figures.models import DailyCategoryViews, DailyFigures, DailyViews, Device, Page
from orders.models import Order, OrderLine

VISITORS_AN_ORDER = 6.5
# Views of each kind of page for every hundred visitors.
PAGES = {
    Page.HOME: 118, Page.CATEGORY: 164, Page.SELLER: 41, Page.PRODUCT: 236, Page.SEARCH: 72, Page.CART: 58,
    Page.CHECKOUT: 31, Page.ORDER: 49, Page.ACCOUNT: 14, Page.CARD: 19, Page.FIGURES: 4, Page.HELP: 6,
}  # fmt: skip
ON_A_PHONE = 0.83


def load_visits(first_day: date, days: int) -> int:
    """Count the visits of every day that has no figures yet. Returns the days that have them now."""
    known = set(DailyFigures.objects.values_list("day", flat=True))
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    placed = dict(
        Order.objects.annotate(day=TruncDate("placed_at", tzinfo=PYONGYANG))
        .values_list("day")
        .annotate(orders=Count("pk"))
    )
    shares = _shares()
    for day in wanted:
        if day not in known:
            _write(day, placed.get(day, 0), shares)
    return len(wanted)


def _write(day: date, orders: int, shares: dict[int, int]) -> None:
    rng = Random(f"okryu visits {day}")
    visitors = round((orders + 3) * VISITORS_AN_ORDER * rng.uniform(0.9, 1.12))
    views = {page: round(visitors * hundred / 100 * rng.uniform(0.88, 1.12)) for page, hundred in PAGES.items()}
    rows = []
    for page, count in views.items():
        phones = round(count * rng.uniform(ON_A_PHONE - 0.05, ON_A_PHONE + 0.05))
        rows.append(DailyViews(day=day, page=page, device=Device.PHONE, views=phones))
        rows.append(DailyViews(day=day, page=page, device=Device.COMPUTER, views=count - phones))
    DailyViews.objects.bulk_create(rows, ignore_conflicts=True)
    on_shelves = views[Page.CATEGORY] + views[Page.PRODUCT]
    whole = sum(shares.values())
    DailyCategoryViews.objects.bulk_create(
        [
            DailyCategoryViews(
                day=day, category_id=pk, views=round(on_shelves * share / whole * rng.uniform(0.85, 1.15))
            )
            for pk, share in shares.items()
        ],
        ignore_conflicts=True,
    )
    DailyFigures.objects.create(day=day, visitors=visitors)


def _shares() -> dict[int, int]:
    """How much each category is looked at: as much as is bought from it, and a little more for looking only."""
    bought = dict(OrderLine.objects.values_list("variant__product__category").annotate(lines=Count("pk")))
    return {pk: bought.get(pk, 0) + 25 for pk in Category.objects.values_list("pk", flat=True)}
