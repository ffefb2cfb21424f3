"""The desk of returns: /admin/desk/returns/. A seller's person finds only those of the sellers they answer for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.private import member
from accounts.staff import staff_page
from orders.models import Return
from orders.parcels import Refused
from orders.refunds import Goods
from orders.return_forms import AcceptForm, InspectForm, RefuseForm
from orders.returns import accept_return, inspect_return, refuse_return
from orders.sheet import say
from orders.views.returning import LARGEST, jpeg_of

PERMISSION = "orders.handle_return"
ON_PAGE = 20
TITLES = {
    "accept": gettext_lazy("Accept the return"),
    "refuse": gettext_lazy("Refuse the return"),
    "inspect": gettext_lazy("The goods are here: inspect and refund"),
}
DEEDS_IN = {Return.Status.ASKED: ("accept", "refuse"), Return.Status.ACCEPTED: ("inspect", "refuse")}


@require_safe
@staff_page(PERMISSION)
def returns(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first; `all=1` every return, the newest first. Read by key."""
    everything = request.GET.get("all") == "1"
    found = _returns(request)
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if everything:
        found = found.filter(pk__lt=after) if after else found
    else:
        found = found.filter(status__in=Return.OPEN, pk__gt=after)
    rows = list(found.order_by("-pk" if everything else "pk").prefetch_related("lines__line")[: ON_PAGE + 1])
    shown, here = rows[:ON_PAGE], "?all=1" if everything else "?"
    for row in shown:
        _say(row)
    context = {
        "returns": shown,
        "everything": everything,
        "next_url": f"{here}&after={shown[-1].pk}" if len(rows) > ON_PAGE else "",
        "first_url": here if after else "",
    }
    return render(request, "orders/desk/returns.html", context)


@require_safe
@staff_page(PERMISSION)
def goods_return(request: HttpRequest, code: str, number: int, turn: int) -> HttpResponse:
    found = _one(request, code, number, turn)
    deeds = [(name, TITLES[name]) for name in DEEDS_IN.get(Return.Status(found.status), ())]
    context = {"found": found, "parcel": found.parcel, "order": found.parcel.order, "deeds": deeds}
    return render(request, "orders/desk/return.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def deed(request: HttpRequest, code: str, number: int, turn: int, deed: str) -> HttpResponse:
    """One deed: GET asks, POST does it; done before, it leads to the return as it stands."""
    found = _one(request, code, number, turn)
    if deed not in TITLES:
        raise Http404
    form = _form(deed, found, request.POST if request.method == "POST" else None)
    refused = ""
    if form.is_valid():
        try:
            done = _DO[deed](found, form, member(request))
        except Refused as error:
            refused = str(error.reason)
        else:
            messages.success(request, f"{found}: {done.get_status_display()}")
            return redirect("orders:returns-one", code, number, turn)
    context = {"found": found, "parcel": found.parcel, "title": TITLES[deed], "form": form, "refused": refused}
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "orders/desk/return_deed.html", context, status=status)


@require_safe
@staff_page(PERMISSION)
def photograph(request: HttpRequest, code: str, number: int, turn: int) -> HttpResponse:
    return jpeg_of(_one(request, code, number, turn).parcel, turn)


def _returns(request: HttpRequest) -> QuerySet[Return]:
    found = Return.objects.select_related("parcel__order__user", "parcel__seller")
    if request.user.has_perm("orders.see_every_parcel"):
        return found
    return found.filter(parcel__seller__people__user=member(request))


def _one(request: HttpRequest, code: str, number: int, turn: int) -> Return:
    found = get_object_or_404(
        _returns(request).select_related("photograph").defer("photograph__jpeg").prefetch_related("lines__line"),
        parcel__order__code=code,
        parcel__number=min(number, LARGEST),
        number=min(turn, LARGEST),
    )
    return _say(found)


def _say(found: Return) -> Return:
    for each in found.lines.all():
        say(each.line)
    return found


def _form(deed: str, found: Return, data: Any) -> forms.Form:
    if deed == "accept":
        return AcceptForm(data)
    if deed == "refuse":
        return RefuseForm(data)
    return InspectForm(data, lines=[(each.line, each.quantity) for each in found.lines.all()])


def _where(found: Return) -> dict[str, Any]:
    return {"order_code": found.parcel.order.code, "number": found.parcel.number, "turn": found.number}


def _inspect(found: Return, form: Any, by: Any) -> Return:
    cleaned = form.cleaned_data
    about = {"goods": Goods(cleaned["goods"]), "with_fee": cleaned["with_fee"], "quantities": form.quantities}
    return inspect_return(**_where(found), **about, by=by)


_DO: dict[str, Callable[[Return, Any, Any], Return]] = {
    "accept": lambda found, form, by: accept_return(**_where(found), answer=form.cleaned_data["answer"], by=by),
    "refuse": lambda found, form, by: refuse_return(**_where(found), answer=form.cleaned_data["answer"], by=by),
    "inspect": _inspect,
}
