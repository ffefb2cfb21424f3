"""Cancelling an order or one parcel of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.private import member, private_page
from orders.cancelling import cancel_order, cancel_parcel
from orders.models import Order, Parcel
from orders.parcels import Refused
from orders.views.order import sheet_or_404, show


@require_POST
@private_page
def cancellation(request: HttpRequest, code: str) -> HttpResponse:
    order = get_object_or_404(Order, user=member(request), code=code)
    try:
        cancel_order(order_code=order.code, by=member(request))
    except Refused as refused:
        return _refused(request, code, refused)
    messages.success(request, _("The order is cancelled."))
    return redirect(order)


@require_POST
@private_page
def parcel_cancellation(request: HttpRequest, code: str, number: int) -> HttpResponse:
    parcel = get_object_or_404(Parcel, order__user=member(request), order__code=code, number=number)
    try:
        cancel_parcel(order_code=code, number=parcel.number, by=member(request))
    except Refused as refused:
        return _refused(request, code, refused)
    messages.success(request, _("The parcel is cancelled."))
    return redirect(parcel.order)


def _refused(request: HttpRequest, code: str, refused: Refused) -> HttpResponse:
    """The order as it is, with the reason on top: the state may have changed since the button was shown."""
    return show(request, sheet_or_404(request, code), status=409, refused=str(refused.reason))
