"""The page of the orders' audit: does everything add up, last night and now. /admin/desk/orders/audit/"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.staff import staff_page
from orders.audit import AUDITS, words
from payments.audit import Subject
from payments.desk.audit import PERMISSION, AuditPage


def _address(view: str, row: dict[str, Any]) -> str:
    """Where the row's order is looked at: found by its code, which most views have."""
    code = row.get("code")
    return f"{reverse('admin:orders_order_changelist')}?q={code}" if code and view != "orders_audit_voucher" else ""


ORDERS = AuditPage(Subject.ORDERS, AUDITS, words, _address, "desk/orders_audit.html", "orders:audit")


@require_safe
@staff_page(PERMISSION)
def audit(request: HttpRequest) -> HttpResponse:
    return ORDERS.show(request)


@require_POST
@staff_page(PERMISSION)
def runs(request: HttpRequest) -> HttpResponse:
    return ORDERS.begin(request)
