"""Which goods the shop takes back: the rules of the house, in settings and in the help."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import Category, Product
from orders.models import OrderLine, Return

Reason = Return.Reason
SEALED, FOOD, DISH, GOODS = "sealed", "food", "dish", "goods"


def rule_of(product: Product) -> str:
    """The rule the product's shelf, or the one that shelf stands on, goes by."""
    if product.is_medicine:
        return SEALED
    category: Category | None = product.category
    while category is not None:
        if rule := settings.RETURN_RULES.get(category.slug):
            return str(rule)
        category = category.parent
    return GOODS


def refusal(
    line: OrderLine, *, reason: str, is_opened: bool, has_photograph: bool, delivered_at: datetime, now: datetime
) -> str:
    """Why this line cannot come back, in the reader's language; "" where it can."""
    rule, age = rule_of(line.variant.product), now - delivered_at
    if rule == SEALED and is_opened:
        return _("Opened cosmetics and medicine are not taken back.")
    if reason == Reason.UNWANTED and (is_opened or rule == DISH):
        return _("Only unopened goods come back unused; dishes do not.")
    if reason == Reason.SPOILED and rule not in (FOOD, DISH):
        return _("This is no food: choose another reason.")
    if reason == Reason.SPOILED or rule == DISH:
        return _food_refusal(age, has_photograph=has_photograph)
    if age > timedelta(days=settings.RETURN_DAYS):
        return _("Goods are taken back within %(days)d days.") % {"days": settings.RETURN_DAYS}
    return ""


def _food_refusal(age: timedelta, *, has_photograph: bool) -> str:
    if age > timedelta(hours=settings.RETURN_SPOILED_HOURS):
        return _("Food is taken back within %(hours)d hours.") % {"hours": settings.RETURN_SPOILED_HOURS}
    return "" if has_photograph else _("Please add a photograph of the food.")
