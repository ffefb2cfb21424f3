"""The receipt: one small page to print or keep, whatever happens to the shop, the same as a PDF and as one message."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.private import private_page
from orders.receipts import short_text
from orders.sheet import Sheet
from orders.views.order import sheet_or_404


@require_safe
@private_page
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    sheet = _paid(request, code)
    words = short_text(sheet.order, sheet.payment, sheet.receipt_number) if sheet.payment else ""
    context = {"sheet": sheet, "order": sheet.order, "short_text": words}
    return cast(HttpResponse, render(request, "orders/receipt.html", context))


@require_safe
@private_page
def pdf(request: HttpRequest, code: str) -> HttpResponse:
    # Late: what draws the PDF takes a second to load, and most processes never draw one.
    from orders.receipt_pdf import receipt_pdf  # noqa: PLC0415

    sheet = _paid(request, code)
    name = f"okryu-{sheet.order.code}.pdf"
    return HttpResponse(
        receipt_pdf(sheet),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _paid(request: HttpRequest, code: str) -> Sheet:
    sheet = sheet_or_404(request, code)
    if sheet.order.paid_at is None:
        raise Http404
    return sheet
