"""Tags that show figures on other pages; built in."""

from datetime import date
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from okryu.figures.teaser import teaser

register = template.Library()

# What an axis counts in. Korean counts by ten thousands, English by thousands.
UNITS: dict[str, dict[int, Promise]] = {
    "won": {
        1: _("won"),
        1_000: _("thousand won"),
        10_000: _("ten thousand won"),
        1_000_000: _("million won"),
    },
    "views": {
        1: _("views"),
        1_000: _("thousand views"),
        10_000: _("ten thousand views"),
        1_000_000: _("million views"),
    },
    "orders": {
        1: _("paid orders"),
        1_000: _("thousand paid orders"),
        10_000: _("ten thousand paid orders"),
        1_000_000: _("million paid orders"),
    },
    "members": {
        1: _("members at the day's end"),
        1_000: _("thousand members at the day's end"),
        10_000: _("ten thousand members at the day's end"),
        1_000_000: _("million members at the day's end"),
    },
}


@register.filter
def unit_words(unit: int, counted: str) -> Promise:
    """The words for a chart's unit: {{ chart.unit|unit_words:"won" }}."""
    return UNITS[counted][unit]


@register.inclusion_tag("figures/_teaser.html")
def figures_teaser() -> dict[str, Any]:
    """Four figures of the last 30 days for the home page; one query a minute. Nothing when they cannot be read."""
    return {"teaser": teaser()}


@register.filter
def figure(number: int) -> str:
    """A count with thousands marks, in both languages: 48,216."""
    return f"{number:,}"


@register.filter
def short_day(on: date) -> str:
    """A day under a chart: 11.24 in Korean, 24 Nov in English."""
    english = (get_language() or "").startswith("en")
    return f"{on.day} {on:%b}" if english else f"{on.month}.{on.day}"
