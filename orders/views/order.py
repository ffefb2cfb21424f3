"""The order's one page: what happened, at any moment."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.private import member, private_page
from orders.models import Order
from orders.sheet import Sheet, read_sheet


@require_safe
@private_page
def order(request: HttpRequest, code: str) -> HttpResponse:
    return show(request, sheet_or_404(request, code))


def show(request: HttpRequest, sheet: Sheet, *, status: int = 200, refused: str = "") -> HttpResponse:
    context = {"sheet": sheet, "order": sheet.order, "refused": refused}
    return cast(HttpResponse, render(request, "orders/order.html", context, status=status))


def sheet_or_404(request: HttpRequest, code: str) -> Sheet:
    """The member's own order; anybody else's does not exist."""
    try:
        return read_sheet(user=member(request), code=code)
    except Order.DoesNotExist:
        raise Http404 from None
