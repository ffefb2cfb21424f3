"""The courier's desk: /admin/desk/runs/. Each step is a POST that a bad line may repeat with the same answer."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.private import member
from accounts.staff import staff_page
from orders import runs
from orders.deeds import DEEDS
from orders.models import Parcel
from orders.roles import COURIER
from orders.views.desk_deeds import deed_page, find_parcel

PERMISSION = "orders.see_runs"
DEED_NAMES = {"dispatch", "phoned", "deliver", "not-home"}


@require_safe
@staff_page(PERMISSION)
def run(request: HttpRequest) -> HttpResponse:
    """A courier's own run; for the desk the couriers to choose from, and `courier=` (a mobile number) one's run."""
    courier = _courier(request)
    if courier is None:
        return render(request, "orders/desk/couriers.html", {"couriers": runs.couriers()})
    context = {"courier": courier, "run": runs.run_of(courier), "now": timezone.now(), "asked": _asked(request)}
    return render(request, "orders/desk/run.html", context)


@require_safe
@staff_page(PERMISSION)
def route_sheet(request: HttpRequest) -> HttpResponse:
    """The run on paper: one row a stop, in the visiting order, with room for a signature."""
    courier = _courier(request)
    if courier is None:
        raise Http404
    context = {"courier": courier, "run": runs.run_of(courier), "now": timezone.now(), "asked": _asked(request)}
    return render(request, "orders/desk/route_sheet.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def deed(request: HttpRequest, code: str, number: int, name: str) -> HttpResponse:
    """One step of the courier. Who takes a parcel along is the courier whose run this is."""
    if name not in DEED_NAMES:
        raise Http404
    parcel, courier = find_parcel(request, code, number), _courier(request)
    if parcel.method != Parcel.Method.DELIVERY:
        raise Http404
    data = request.POST.copy()
    if name == "dispatch" and courier is not None:
        data["courier"] = str(courier.pk)
    here = reverse("orders:run") + _asked(request)
    return deed_page(request, parcel, DEEDS[name], data=data, done=here, back=here)


def _courier(request: HttpRequest) -> User | None:
    """Whose run this is: the one asked for, who must be a courier, or the visitor, if they are one."""
    couriers = User.objects.filter(groups__name=COURIER, is_active=True)
    phone = request.GET.get("courier", "")
    if not phone:
        return couriers.filter(pk=member(request).pk).first()
    found = couriers.filter(phone=phone[:10]).first()
    if found is None:
        raise Http404
    return found


def _asked(request: HttpRequest) -> str:
    """The part of an address that keeps the chosen courier."""
    phone = request.GET.get("courier", "")
    return f"?{urlencode({'courier': phone})}" if phone else ""
