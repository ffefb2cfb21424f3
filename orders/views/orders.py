"""A member's orders, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.private import member, private_page
from orders.models import Order, OrderLine, Parcel

PAGE = 10
PICTURES = 4
Status = Parcel.Status


@dataclass(frozen=True)
class Row:
    """One order of the list."""

    order: Order
    lines: list[OrderLine]
    tag: str
    tag_kind: str  # good, wait, or "" for what has ended

    @property
    def names(self) -> list[str]:
        english = (get_language() or "").startswith("en")
        return [f"{(line.name_en if english else '') or line.name_ko_kp} {line.quantity}" for line in self.lines]

    @property
    def pictured(self) -> list[OrderLine]:
        return self.lines[:PICTURES]

    @property
    def is_payable(self) -> bool:
        return self.order.status == Order.Status.PLACED and self.tag_kind == "wait"


@require_safe
@private_page
def orders(request: HttpRequest) -> HttpResponse:
    """Ten orders at a time, read by key: `?after=<code>` goes on behind that order of the member's own."""
    mine = Order.objects.filter(user=member(request))
    after = mine.filter(code=request.GET.get("after", "")[:12].replace("\0", "")).first()
    rest = mine
    if after is not None:
        rest = mine.filter(Q(placed_at__lt=after.placed_at) | Q(placed_at=after.placed_at, pk__lt=after.pk))
    lines = OrderLine.objects.select_related("variant__product").prefetch_related("variant__product__pictures")
    parcels = Parcel.objects.select_related("seller").prefetch_related(Prefetch("lines", lines))
    page = list(rest.order_by("-placed_at", "-pk").prefetch_related(Prefetch("parcels", parcels))[: PAGE + 1])
    shown = page[:PAGE]
    context = {
        "rows": [_row(order) for order in shown],
        "next_url": f"{reverse('orders:orders')}?after={shown[-1].code}" if len(page) > PAGE else "",
        "first_url": reverse("orders:orders") if after else "",
    }
    return render(request, "orders/orders.html", context)


def _row(order: Order) -> Row:
    parcels = list(order.parcels.all())
    tag, kind = _tag(order, [parcel.status for parcel in parcels])
    return Row(order, [line for parcel in parcels for line in parcel.lines.all()], tag, kind)


def _tag(order: Order, states: list[str]) -> tuple[str, str]:
    """The whole order's state in a word or two: of its parcels, the one that has come furthest and is not done."""
    if order.status == Order.Status.PLACED:
        held = order.hold_until is not None and order.hold_until > timezone.now()
        return (_("Waiting for payment"), "wait") if held else (_("Time ran out"), "")
    if order.status != Order.Status.PAID:
        return {
            Order.Status.EXPIRED: (_("Time ran out"), ""),
            Order.Status.CANCELLED: (_("Cancelled"), ""),
        }.get(Order.Status(order.status), (_("Completed"), "good"))
    words = {
        Status.DISPATCHED: (_("On its way"), "good"),
        Status.READY: (_("Ready"), "good"),
        Status.CONFIRMED: (_("Being prepared"), "good"),
        Status.AWAITING: (_("Waiting for the seller"), "wait"),
    }
    return next((words[state] for state in words if state in states), (_("Paid"), "good"))
