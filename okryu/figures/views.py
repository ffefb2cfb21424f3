"""The public figures."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from okryu.figures.charts import bar_chart, line_chart, row_chart
from okryu.figures.reading import SPANS, Figures, figures

CATEGORIES_SHOWN = 8


@require_safe
@vary_on_cookie
def figures_page(request: HttpRequest) -> HttpResponse:
    """How much is viewed, sold, promised and kept, of the last 30 or 60 days."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(span) for span in SPANS} else SPANS[0]
    shown = figures(days)
    context = {"figures": shown, "days": days, "spans": SPANS, **charts(shown)}
    response = render(request, "figures/figures.html", context)
    response.headers["Cache-Control"] = "private"
    return response


def charts(shown: Figures) -> dict[str, Any]:
    days = [day.day for day in shown.days]
    units = (1, 1_000, 1_000_000) if (get_language() or "").startswith("en") else (1, 10_000)
    viewed = [(category.name, category.views) for category in shown.categories[:CATEGORIES_SHOWN]]
    return {
        "views_chart": bar_chart(
            days, [day.phone_views for day in shown.days], [day.computer_views for day in shown.days], units=units
        ),
        "sales_chart": line_chart(days, [day.sales for day in shown.days], units=units),
        "orders_chart": bar_chart(days, [day.orders for day in shown.days], units=units),
        "members_chart": line_chart(days, [day.members for day in shown.days], units=units),
        "categories_chart": row_chart(viewed),
    }
