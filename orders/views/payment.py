"""The payment page: card number and PIN."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.client import client_address
from accounts.private import member, private_page
from okryu.calendar import PYONGYANG
from orders.models import Order
from orders.paying import NotPayable, Outcome, OutOfDate, can_be_paid, pay, why_not
from orders.payment_form import PaymentForm
from payments.gateway import Presented
from payments.models import MemberCard, Payment


@sensitive_post_parameters("card", "pin")
@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def payment(request: HttpRequest, code: str) -> HttpResponse:
    order = get_object_or_404(Order, user=member(request), code=code)
    if {"card", "pin"} & request.GET.keys():
        return HttpResponseNotAllowed(["POST"])  # secrets never travel in an address
    if request.method == "POST":
        return _pay(request, order)
    if not can_be_paid(order) or _is_under_way(order):
        return redirect(order)
    return _page(request, order, PaymentForm(initial={"key": order.payment_key}))


@sensitive_variables("form")
def _pay(request: HttpRequest, order: Order) -> HttpResponse:
    form = PaymentForm(request.POST)
    if form.is_valid():
        words = _try(request, order, form)
        order.refresh_from_db()
    else:
        words = _out_of_date() if "key" in form.errors else ""
    if words is None or not can_be_paid(order) or _is_under_way(order):
        return redirect(order)
    return _again(request, order, words) if words else _page(request, order, form, status=422)


@sensitive_variables("form", "card")
def _try(request: HttpRequest, order: Order, form: PaymentForm) -> str | None:
    """Why nothing was taken, in words; None when the order's page tells the outcome."""
    user = member(request)
    card = Presented(number=form.cleaned_data["card"], pin=form.cleaned_data["pin"], holder=user.name)
    key, address = form.cleaned_data["key"], client_address(request)
    try:
        attempt = pay(order_code=order.code, key=key, card=card, user=user, address=address)
    except NotPayable:
        return None
    except OutOfDate:
        return _out_of_date()
    if attempt.outcome in {Outcome.HELD, Outcome.WAITING}:
        return None
    words = str(why_not(attempt.code))
    if attempt.retry_at is not None:
        words += " " + _("Try again after %(clock)s.") % {"clock": f"{attempt.retry_at.astimezone(PYONGYANG):%H:%M}"}
    return words


def _out_of_date() -> str:
    return _("This page was out of date. Your card was not asked; please enter it again.")


def _again(request: HttpRequest, order: Order, words: str) -> HttpResponse:
    """The page once more with a key that is good, empty fields, and what happened."""
    form = PaymentForm({"key": str(order.payment_key)})
    form.full_clean()
    form.errors.clear()
    form.add_error(None, words)
    return _page(request, order, form, status=422)


def _page(request: HttpRequest, order: Order, form: PaymentForm, status: int = 200) -> HttpResponse:
    left = (order.hold_until - timezone.now()).total_seconds() if order.hold_until else 0
    context = {
        "order": order,
        "form": form,
        "sellers": order.parcels.count(),
        "minutes_left": max(int(left // 60), 0),
        "can_extend": order.hold_extensions < settings.ORDER_HOLD_EXTENSIONS and left < 14 * 60,
        "card": MemberCard.objects.filter(user_id=order.user_id, unlinked_at=None).first(),
    }
    return cast(HttpResponse, render(request, "orders/payment.html", context, status=status))


def _is_under_way(order: Order) -> bool:
    return Payment.objects.filter(
        order_code=order.code, state__in=[Payment.State.PENDING, Payment.State.AUTHORISED, Payment.State.DONE]
    ).exists()
