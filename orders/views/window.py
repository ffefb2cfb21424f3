"""Another delivery time for a parcel on its way to the member."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.private import member, private_page
from okryu.calendar import local_day
from orders.choices import Place, by_day
from orders.models import Parcel
from orders.parcels import Refused
from orders.promises import Window
from orders.rescheduling import can_be_changed, change_until, change_window, places_for
from orders.workdays import read_workdays


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def window(request: HttpRequest, code: str, number: int) -> HttpResponse:
    mine = Parcel.objects.select_related("order", "seller", "slot").filter(order__user=member(request))
    parcel = get_object_or_404(mine, order__code=code, number=number)
    if request.method != "POST":
        return _show(request, parcel)
    key = request.POST.get("window", "")
    if key != _due(parcel).key:  # otherwise the form was sent twice
        chosen = next((place.window for place in _places(parcel) if place.window.key == key), None)
        if chosen is None:
            return _show(request, parcel, error=_("Choose one of these times."), status=422)
        try:
            change_window(order_code=code, number=number, window=chosen, by=member(request))
        except Refused as refused:
            parcel.refresh_from_db()
            return _show(request, parcel, error=str(refused.reason), status=409)
    messages.success(request, _("The delivery time is changed."))
    return redirect(parcel.order)


def _show(request: HttpRequest, parcel: Parcel, *, error: str = "", status: int = 200) -> HttpResponse:
    days, now = by_day(_places(parcel)), timezone.now()
    context = {
        "order": parcel.order,
        "parcel": parcel,
        "can_be_changed": can_be_changed(parcel.order, parcel, now),
        "change_until": change_until(parcel),
        "days": days,
        "chosen": _due(parcel),
        "is_later_day": _due(parcel).day in [day for day, _places in days[2:]],
        "error": error,
    }
    return render(request, "orders/window.html", context, status=status)


def _places(parcel: Parcel) -> list[Place]:
    """The parcel's own window is open to it even when every place is taken: one of them is its own."""
    now, mine = timezone.now(), _due(parcel)
    places = places_for(parcel, now, read_workdays(first=local_day(now)))
    return [Place(mine, max(place.left, 1)) if place.window == mine else place for place in places]


def _due(parcel: Parcel) -> Window:
    """The window the parcel is meant for."""
    since, until = localtime(parcel.due_from), localtime(parcel.due_until)
    return Window(since.date(), since.hour, until.hour or 24)
