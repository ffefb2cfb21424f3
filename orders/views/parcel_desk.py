"""The seller's desk: /admin/desk/parcels/. A seller's person finds only the parcels of the sellers they answer for."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.private import member
from accounts.staff import staff_page
from orders import seller_desk
from orders.deeds import DEEDS, Deed, fitting
from orders.models import Parcel
from orders.views.desk_deeds import deed_page, find_parcel

PERMISSION = "orders.prepare_parcel"
DEED_NAMES = {"confirm", "ready", "capture", "deliver", "decline"}


@require_safe
@staff_page(PERMISSION)
def parcels(request: HttpRequest) -> HttpResponse:
    """What is to be done, state by state; `state=` shows one of them whole. The page looks again every minute."""
    person = member(request)
    state = request.GET.get("state", "")
    context: dict[str, Any] = {"sellers": seller_desk.sellers_of(person)}
    if state in seller_desk.STATES:
        after = request.GET.get("after", "")
        shown = seller_desk.section(person, state, after=after)
        here = f"?state={state}"
        context |= {
            "sections": [shown],
            "is_one_state": True,
            "next_url": f"{here}&after={shown.next_key}" if shown.next_key else "",
            "first_url": here if after else "",
        }
    else:
        context["sections"] = seller_desk.sections(person)
    return render(request, "orders/desk/parcels.html", context)


@require_safe
@staff_page(PERMISSION)
def parcel(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """One parcel with all that is known about it, and what can be done to it now."""
    found = find_parcel(request, code, number)
    shown = seller_desk.entry(found, timezone.now())
    context = {"entry": shown, "parcel": found, "order": found.order, "deeds": _deeds(request, found)}
    return render(request, "orders/desk/parcel.html", context)


@require_safe
@staff_page(PERMISSION)
def slip(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """The packing slip to print and lay into the parcel: a gift's shows the card's text and no price."""
    found = find_parcel(request, code, number)
    context = {"entry": seller_desk.entry(found, timezone.now()), "parcel": found, "order": found.order}
    return render(request, "orders/desk/slip.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def deed(request: HttpRequest, code: str, number: int, name: str) -> HttpResponse:
    """One deed: GET asks, POST does it. Confirming without a word about pieces confirms the whole parcel."""
    found, chosen = find_parcel(request, code, number), DEEDS.get(name)
    if chosen is None or name not in _names(found):
        raise Http404
    back = reverse("orders:seller-parcel", args=[found.order.code, found.number])
    return deed_page(request, found, chosen, done=reverse("orders:seller-parcels"), back=back)


def _deeds(request: HttpRequest, parcel: Parcel) -> list[Deed]:
    return [deed for deed in fitting(parcel, member(request)) if deed.name in _names(parcel)]


def _names(parcel: Parcel) -> set[str]:
    """The deeds that are the seller's: a parcel for a courier is handed over at the door, not here."""
    return DEED_NAMES if parcel.method == Parcel.Method.COLLECTION else DEED_NAMES - {"deliver"}
