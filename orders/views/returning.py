"""The member's side of sending goods back: one form a parcel, and the photograph that went with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.private import member, private_page
from orders.models import Parcel, Return, ReturnPhotograph
from orders.parcels import Refused
from orders.return_forms import ReturnForm
from orders.returns import LinesRefused, ask_return, left_to_return

LARGEST = 32_767


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def returning(request: HttpRequest, code: str, number: int) -> HttpResponse:
    parcel = _own_parcel(request, code, number)
    lines = left_to_return(parcel)
    form = ReturnForm(request.POST or None, request.FILES or None, lines=lines)
    if request.method == "POST":
        if found := _asked_before(parcel, form):
            return redirect(found.parcel.order)
        if form.is_valid() and _ask(request, parcel, form):
            messages.success(request, _("The seller has your wish and answers it. You hear of it in your inbox."))
            return redirect(parcel.order)
    earlier = Return.objects.filter(parcel=parcel).prefetch_related("lines__line").select_related("photograph")
    context = {
        "parcel": parcel,
        "order": parcel.order,
        "form": form,
        "lines": [form[f"line_{line.public_id}"] for line, _left in lines],
        "earlier": list(earlier.defer("photograph__jpeg")),
    }
    return render(request, "orders/return.html", context, status=422 if request.method == "POST" else 200)


def _ask(request: HttpRequest, parcel: Parcel, form: ReturnForm) -> bool:
    """Whether the goods may be sent back for an answer; what the shop refuses stands at its field."""
    try:
        ask_return(order_code=parcel.order.code, number=parcel.number, by=member(request), wish=form.wish())
    except LinesRefused as refused:
        for key, words in refused.by_line.items():
            form.add_error(f"line_{key}", words)
    except Refused as refused:
        form.add_error(None, str(refused.reason))
    else:
        return True
    return False


def _asked_before(parcel: Parcel, form: ReturnForm) -> Return | None:
    """The return this very form has become: sent twice it may find nothing left to send back."""
    form.full_clean()
    key = form.cleaned_data.get("key")
    return Return.objects.filter(parcel=parcel, key=key).select_related("parcel__order").first() if key else None


@require_safe
@private_page
def photograph(request: HttpRequest, code: str, number: int, turn: int) -> HttpResponse:
    parcel = _own_parcel(request, code, number)
    return jpeg_of(parcel, turn)


def jpeg_of(parcel: Parcel, turn: int) -> HttpResponse:
    found = ReturnPhotograph.objects.filter(
        goods_return__parcel=parcel, goods_return__number=min(turn, LARGEST)
    ).first()
    if found is None:
        raise Http404
    return HttpResponse(bytes(found.jpeg), content_type="image/jpeg", headers={"X-Content-Type-Options": "nosniff"})


def _own_parcel(request: HttpRequest, code: str, number: int) -> Parcel:
    """The member's own parcel that was handed over; any other does not exist here."""
    parcels = Parcel.objects.filter(order__user=member(request), delivered_at__isnull=False)
    return get_object_or_404(parcels.select_related("order", "seller"), order__code=code, number=min(number, LARGEST))
