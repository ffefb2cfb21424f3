"""One deed to a parcel on a page of its own: GET asks, POST does it. Every desk of parcels uses this one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.shortcuts import redirect as redirect_to

from accounts.private import member
from orders.deeds import DEEDS, Deed, attempt, outcome
from orders.models import Parcel

LARGEST_NUMBER = 32_767


def find_parcel(request: HttpRequest, code: str, number: int) -> Parcel:
    """The parcel, if this person may see it; Http404 otherwise."""
    mine = Parcel.objects.for_staff(member(request))
    mine = mine.select_related("order__neighbourhood__district", "seller__district", "courier", "slot")
    return get_object_or_404(mine, order__code=code, number=min(number, LARGEST_NUMBER))


def deed_page(
    request: HttpRequest, parcel: Parcel, deed: Deed, *, data: QueryDict | None = None, done: str, back: str
) -> HttpResponse:
    """Ask, or do what was posted (`data` in its place) and go to `done`. Refused: 409 and why. Repeated: as before."""
    if not request.user.has_perm(deed.permission):
        raise PermissionDenied
    form = deed.form((data or request.POST) if request.method == "POST" else None, parcel=parcel)
    refused = ""
    if form.is_valid():
        after, refused = attempt(deed, parcel, form, member(request))
        if not refused:
            text, is_well = outcome(after, deed)
            messages.add_message(request, messages.SUCCESS if is_well else messages.WARNING, text)
            return redirect_to(done)
    context = {
        "parcel": parcel,
        "deed": deed,
        "form": form,
        "refused": refused,
        "back": back,
        "asked_if_short": parcel.get_if_short_display() if deed is DEEDS["confirm"] else "",
    }
    return render(request, "orders/desk/deed.html", context, status=409 if refused else 422 if form.errors else 200)
