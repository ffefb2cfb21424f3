"""The payment page: card number and PIN."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
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
    if {"card", "pin"} & request.GET.keys():
        return HttpResponseNotAllowed(["POST"])  # secrets never travel in an address
    if request.method == "POST":
        return _pay(request, code)
    order = get_object_or_404(_with_facts(), user=member(request), code=code)
    if not can_be_paid(order) or order.is_under_way:  # type: ignore[attr-defined]
        return redirect(order)
    return _page(request, order, PaymentForm(initial={"key": order.payment_key}))


@sensitive_variables("form")
def _pay(request: HttpRequest, code: str) -> HttpResponse:
    form = PaymentForm(request.POST)
    words: str | None = _out_of_date() if "key" in form.errors else ""
    if form.is_valid():
        words = _try(request, code, form)
    if words is None:
        return redirect("orders:order", code)
    order = get_object_or_404(_with_facts(), user=member(request), code=code)  # as the attempt left it
    if not can_be_paid(order) or order.is_under_way:  # type: ignore[attr-defined]
        return redirect(order)
    return _again(request, order, words) if words else _page(request, order, form, status=422)


@sensitive_variables("form", "card")
def _try(request: HttpRequest, code: str, form: PaymentForm) -> str | None:
    """Why nothing was taken, in words; None when the order's page tells the outcome. Another's order does not exist."""
    user = member(request)
    card = Presented(number=form.cleaned_data["card"], pin=form.cleaned_data["pin"], holder=user.name)
    key, address = form.cleaned_data["key"], client_address(request)
    try:
        attempt = pay(order_code=code, key=key, card=card, user=user, address=address)
    except Order.DoesNotExist:
        raise Http404 from None
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
        "sellers": order.sellers,  # type: ignore[attr-defined]
        "minutes_left": max(int(left // 60), 0),
        "can_extend": order.hold_extensions < settings.ORDER_HOLD_EXTENSIONS and left < 14 * 60,
        "last4": order.last4,  # type: ignore[attr-defined]
    }
    return cast(HttpResponse, render(request, "orders/payment.html", context, status=status))


def _with_facts() -> QuerySet[Order]:
    """Orders with what the page says of each, by one query: sellers, the member's card, a payment under way or done."""
    live = [Payment.State.PENDING, Payment.State.AUTHORISED, Payment.State.DONE]
    cards = MemberCard.objects.filter(user=OuterRef("user"), unlinked_at=None)
    return Order.objects.annotate(
        sellers=Count("parcels"),
        last4=Subquery(cards.values("last4")[:1]),
        is_under_way=Exists(Payment.objects.filter(order_code=OuterRef("code"), state__in=live)),
    )
