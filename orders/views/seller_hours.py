"""A seller's own hours and closing days: /admin/desk/parcels/hours/<seller>/. What is promised stays promised."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.private import member
from accounts.staff import staff_page
from accounts.text import LineField
from catalog.models import Seller
from okryu.calendar import local_day
from orders.views.parcel_desk import PERMISSION
from orders.workdays import close_seller, open_seller

A_WEEK_OF_MINUTES = 7 * 24 * 60
LONGEST_CLOSING = timedelta(days=366)
TIME = {"type": "time"}
DAY = {"type": "date"}


class HoursForm(forms.ModelForm):  # type: ignore[type-arg]
    use_required_attribute = False

    preparation_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes to prepare"),
        help_text=gettext_lazy("From your confirmation until a parcel stands packed. New orders are promised by it."),
        min_value=0,
        max_value=A_WEEK_OF_MINUTES,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    class Meta:
        model = Seller
        fields = ["opens_at", "closes_at", "cut_off", "preparation_minutes"]
        labels = {
            "opens_at": gettext_lazy("Opens at"),
            "closes_at": gettext_lazy("Closes at"),
            "cut_off": gettext_lazy("Orders of the day until"),
        }
        help_texts = {"cut_off": gettext_lazy("A later order counts as the next working day's.")}
        widgets = {name: forms.TimeInput(attrs=TIME, format="%H:%M") for name in ("opens_at", "closes_at", "cut_off")}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        opens, closes, cut_off = (self.cleaned_data.get(name) for name in ("opens_at", "closes_at", "cut_off"))
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("The seller closes after it opens."))
        if opens and cut_off and cut_off <= opens:
            self.add_error("cut_off", _("This hour comes after the opening."))
        return cleaned


class ClosingForm(forms.Form):
    use_required_attribute = False

    first_day = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput(attrs=DAY))
    last_day = forms.DateField(label=gettext_lazy("Last day"), widget=forms.DateInput(attrs=DAY))
    note = LineField(label=gettext_lazy("Reason, for the bureau"), max_length=120, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if last and last < local_day(timezone.now()):
            self.add_error("last_day", _("These days are over."))
        elif first and last and last < first:
            self.add_error("last_day", _("The last day comes after the first."))
        elif first and last and last - first > LONGEST_CLOSING:
            self.add_error("last_day", _("Longer than a year: ask the bureau to take the seller off the list."))
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def hours(request: HttpRequest, slug: str) -> HttpResponse:
    """Opening hours and preparation time, for those who answer for the seller; who changed them is kept."""
    seller = _own_seller(request, slug)
    form = HoursForm(request.POST if request.method == "POST" else None, instance=seller)
    if form.is_valid():
        seller.save(update_fields=form.Meta.fields)
        if form.changed_data:
            told = json.dumps([{"changed": {"fields": form.changed_data}}])
            LogEntry.objects.log_actions(member(request).pk, [seller], CHANGE, told, single_object=True)
        messages.success(request, _("The hours are saved. New orders follow them at once."))
        return redirect("orders:seller-parcels")
    return _page(request, seller, form, ClosingForm())


@require_POST
@staff_page(PERMISSION)
def closings(request: HttpRequest, slug: str) -> HttpResponse:
    """Close for some days. Sent twice it is one closing; one that begins on the same day is changed."""
    seller, form = _own_seller(request, slug), ClosingForm(request.POST)
    if not form.is_valid():
        return _page(request, seller, HoursForm(instance=seller), form)
    close_seller(seller=seller, by=member(request), **form.cleaned_data)
    messages.success(request, _("Closed on these days. Nothing new is promised for them."))
    return redirect("orders:seller-hours", seller.slug)


@require_POST
@staff_page(PERMISSION)
def closing_removal(request: HttpRequest, slug: str, day: str) -> HttpResponse:
    """Open after all. Sent twice it is as before."""
    seller = _own_seller(request, slug)
    try:
        open_seller(seller=seller, first_day=date.fromisoformat(day))
    except ValueError:
        raise Http404 from None
    messages.success(request, _("Open on these days again."))
    return redirect("orders:seller-hours", seller.slug)


def _own_seller(request: HttpRequest, slug: str) -> Seller:
    return get_object_or_404(Seller, slug=slug, people__user=member(request))


def _page(request: HttpRequest, seller: Seller, form: HoursForm, closing: ClosingForm) -> HttpResponse:
    ahead = seller.closings.filter(last_day__gte=local_day(timezone.now())).order_by("first_day")
    context = {"seller": seller, "form": form, "closing": closing, "closings": ahead}
    status = 422 if form.errors or closing.errors else 200
    return render(request, "orders/desk/hours.html", context, status=status)
