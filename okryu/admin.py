"""The admin's home: the day's figures, what waits for an answer, what runs out."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog.models import Stock
from okryu.desk import desks_for
from okryu.figures.reading import Figures, figures
from okryu.money import format_won
from orders.models import Order, Parcel

# The queue is the machine's own; its jobs are looked at by `manage.py procrastinate shell`.
admin.site.unregister(ProcrastinateJob)

ROWS = 10
DAYS = 7


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html shows beside the list of apps; each part only to who may see its rows."""
    shown = figures(30)
    context["open_desks"] = desks_for(request.user)
    context |= {"boxes": _boxes(shown), "day_table": _day_table(shown)}
    if request.user.has_perm("orders.view_parcel"):
        context["waiting"] = _waiting()
    if request.user.has_perm("catalog.view_stock"):
        context["running_out"] = _running_out()
    return context


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The admin's own navigation: the desks first, then every app's lists, as far as this person may see them."""
    desks = [{"title": desk.title, "link": desk.url, "icon": desk.icon} for desk in desks_for(request.user)]
    groups = [{"title": _("Desks"), "items": desks}] if desks else []
    for app in admin.site.get_app_list(request):
        items = [{"title": model["name"], "link": model["admin_url"]} for model in app["models"] if model["admin_url"]]
        groups.append({"title": app["name"], "items": items})
    return groups


def _boxes(shown: Figures) -> list[dict[str, Any]]:
    today, language = shown.today, get_language() or "ko-kp"
    kept = "–" if shown.kept_percent is None else f"{shown.kept_percent}%"
    return [
        {"title": _("Views today"), "value": f"{today.views:,}", "note": _("%(n)s visitors") % {"n": today.visitors}},
        {"title": _("Orders today"), "value": f"{today.orders:,}", "note": _("%(n)s in 30 days") % {"n": shown.orders}},
        {
            "title": _("Sales today"),
            "value": format_won(today.sales, language),
            "note": _("%(n)s in 30 days") % {"n": format_won(shown.sales, language)},
        },
        {
            "title": _("Delivery promises kept"),
            "value": kept,
            "note": _("%(kept)s of %(due)s") % {"kept": shown.promises_kept, "due": shown.promises},
        },
        {"title": _("Members"), "value": f"{today.members:,}", "note": _("%(n)s today") % {"n": today.new_members}},
    ]


def _day_table(shown: Figures) -> dict[str, Any]:
    language = get_language() or "ko-kp"
    return {
        "headers": [_("Day"), _("Views"), _("Visitors"), _("Joined"), _("Orders"), _("Sales")],
        "rows": [
            [
                date_format(day.day, "SHORT_DATE_FORMAT"),
                f"{day.views:,}",
                f"{day.visitors:,}",
                f"{day.new_members:,}",
                f"{day.orders:,}",
                format_won(day.sales, language),
            ]
            for day in reversed(shown.days[-DAYS:])
        ],
    }


def _waiting() -> dict[str, Any]:
    """Parcels of paid orders that the seller has not answered, the most urgent first."""
    parcels = (
        Parcel.objects.filter(status=Parcel.Status.AWAITING, order__status=Order.Status.PAID)
        .select_related("order", "seller")
        .order_by("confirm_by", "id")[:ROWS]
    )
    return {
        "headers": [_("Parcel"), _("Seller"), _("Answer due")],
        "rows": [
            [_link(Order, parcel.order_id, str(parcel)), parcel.seller.name, _moment(parcel.confirm_by)]
            for parcel in parcels
        ],
    }


def _running_out() -> dict[str, Any]:
    """Listed variants of which few are left."""
    rows = (
        Stock.objects.filter(on_hand__lte=F("reserved") + F("low_threshold"))
        .filter(variant__is_active=True, variant__product__is_active=True)
        .select_related("variant__product__seller")
        .annotate(left=F("on_hand") - F("reserved"))
        .order_by("left", "variant_id")[:ROWS]
    )
    return {
        "headers": [_("Product"), _("Seller"), _("Left")],
        "rows": [
            [
                _link(type(row.variant.product), row.variant.product_id, f"{row.variant.product} {row.variant.name}"),
                row.variant.product.seller.name,
                row.available,
            ]
            for row in rows
        ],
    }


def _link(model: Any, pk: int, text: str) -> str:
    """The row's page in the admin, or plain text where it has none."""
    if not admin.site.is_registered(model):
        return text.strip()
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, text.strip())


def _moment(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else "–"


def icon_address(request: HttpRequest) -> str:
    """The moon over the stream in the browser's tab, as in the shop."""
    return static("img/favicon.ico")


def style_address(request: HttpRequest) -> str:
    """What unfold's own style does not know of Korean."""
    return static("bureau/bureau.css")
