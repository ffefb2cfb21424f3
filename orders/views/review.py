"""What a buyer says of the goods of one parcel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.private import member, private_page
from catalog.reviews import AlreadyPublished
from orders.models import Parcel
from orders.reviewing import entries, write_all
from orders.sheet import say


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def review(request: HttpRequest, code: str, number: int) -> HttpResponse:
    parcel = _own_parcel(request, code, number)
    found = entries(parcel, request.POST if request.method == "POST" else None)
    forms = [entry.form for entry in found if entry.form is not None]
    status = 200
    if request.method == "POST":
        valid = [form.is_valid() for form in forms]  # all of them: each tells its own errors
        if not all(valid):
            status = 422
        else:
            try:
                count = write_all(found, by=member(request))
            except AlreadyPublished:
                messages.warning(request, _("This review was published a moment ago and stays as it was."))
            else:
                text = _("Thank you. It stands on the product's page as soon as the bureau has read it.")
                if count:
                    messages.success(request, text)
            return redirect("orders:review", code=code, number=number)
    for entry in found:
        say(entry.line)
    context = {"parcel": parcel, "order": parcel.order, "entries": found, "forms": forms}
    return render(request, "orders/review.html", context, status=status)


def _own_parcel(request: HttpRequest, code: str, number: int) -> Parcel:
    """The member's own parcel that was handed over; any other does not exist here."""
    parcels = Parcel.objects.filter(order__user=member(request), delivered_at__isnull=False)
    return get_object_or_404(parcels.select_related("order", "seller"), order__code=code, number=min(number, 32767))
