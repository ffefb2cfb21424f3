"""The receipt: one small page to print or keep, whatever happens to the shop."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.private import private_page
from orders.views.order import sheet_or_404


@require_safe
@private_page
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    sheet = sheet_or_404(request, code)
    if sheet.order.paid_at is None:
        raise Http404
    return cast(HttpResponse, render(request, "orders/receipt.html", {"sheet": sheet, "order": sheet.order}))
