"""The bureau's board of parcels: /admin/desk/board/, with steps for many parcels, asked before they are done."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.private import member
from accounts.staff import staff_page
from orders import board, bulk
from orders.deeds import Deed
from orders.models import Parcel

PERMISSION = "orders.assign_courier"
NAME = re.compile(r"([0-9A-Z]{1,12})-([0-9]{1,4})", re.ASCII)
REPORT = "board_report"  # in the session: what the last bulk step did, for the page after it


@require_safe
@staff_page(PERMISSION)
def parcels(request: HttpRequest) -> HttpResponse:
    """All open parcels, the most overdue first; filters narrow them, a state that is final shows the latest first."""
    form = board.FilterForm(request.GET)
    wanted = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    after = request.GET.get("after", "")
    page = board.read(member(request), wanted, after=after)
    here = urlencode({name: request.GET[name] for name in wanted if name in request.GET})
    context = {
        "form": form,
        "wanted": wanted,
        "page": page,
        "counts": board.counts(),
        "steps": bulk.steps_for(member(request)),
        "here": f"?{here}",
        "next_url": f"?{here}&after={page.next_key}" if page.next_key else "",
        "first_url": f"?{here}" if after else "",
    }
    return render(request, "orders/desk/board.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def steps(request: HttpRequest) -> HttpResponse:
    """One step for the parcels named. GET says what would be done to which; POST does it, each in its own commit."""
    asked = request.POST if request.method == "POST" else request.GET
    deed, chosen = _step(request, asked.get("step", "")), _chosen(request, asked.getlist("parcel"))
    form = bulk.form_for(deed, request.POST if request.method == "POST" else None)
    if chosen and form.is_valid():
        report = bulk.carry_out(deed, chosen, data=request.POST, by=member(request))
        request.session[REPORT] = {"title": str(deed.title), "rows": [list(each) for each in report]}
        return redirect("orders:board-report")
    plan = bulk.plan(deed, chosen, member(request))
    context = {"deed": deed, "plan": plan, "form": form, "fitting": sum(not each.refusal for each in plan)}
    return render(request, "orders/desk/board_steps.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page(PERMISSION)
def report(request: HttpRequest) -> HttpResponse:
    """What the last bulk step of this session did, and what was refused and why."""
    kept: dict[str, Any] | None = request.session.get(REPORT)
    if kept is None:
        return redirect("orders:board")
    rows = [bulk.Outcome(*each) for each in kept["rows"]]
    context = {"title": kept["title"], "rows": rows, "refused": [each for each in rows if not each.is_done]}
    return render(request, "orders/desk/board_report.html", context)


def _step(request: HttpRequest, name: str) -> Deed:
    deed = bulk.STEPS.get(name)
    if deed is None:
        raise Http404
    if not request.user.has_perm(deed.permission):
        raise PermissionDenied
    return deed


def _chosen(request: HttpRequest, names: list[str]) -> list[Parcel]:
    """The parcels ticked on the board, in its order; names of none are left out."""
    places = {(match[1], int(match[2])) for name in names[: board.ON_PAGE] if (match := NAME.fullmatch(name))}
    mine = Parcel.objects.for_staff(member(request)).filter(order__code__in={code for code, _number in places})
    found = mine.select_related("order", "seller", "courier").order_by("due_at", "pk")
    return [parcel for parcel in found if (parcel.order.code, parcel.number) in places]
