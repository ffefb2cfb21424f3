"""A seller's own hours: /admin/desk/parcels/hours/<seller>/. Promises of orders already placed stay as they are."""

from __future__ import annotations

import json

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.private import member
from accounts.staff import staff_page
from catalog.models import Seller
from orders.views.parcel_desk import PERMISSION

A_WEEK_OF_MINUTES = 7 * 24 * 60


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
        fields = ["opens_at", "closes_at", "preparation_minutes"]
        labels = {"opens_at": gettext_lazy("Opens at"), "closes_at": gettext_lazy("Closes at")}
        widgets = {name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M") for name in ("opens_at", "closes_at")}

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or {}
        opens, closes = self.cleaned_data.get("opens_at"), self.cleaned_data.get("closes_at")
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("The seller closes after it opens."))
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def hours(request: HttpRequest, slug: str) -> HttpResponse:
    """Opening hours and preparation time, for those who answer for the seller; who changed them is kept."""
    person = member(request)
    seller = get_object_or_404(Seller, slug=slug, people__user=person)
    form = HoursForm(request.POST if request.method == "POST" else None, instance=seller)
    if form.is_valid():
        seller.save(update_fields=form.Meta.fields)
        if form.changed_data:
            told = json.dumps([{"changed": {"fields": form.changed_data}}])
            LogEntry.objects.log_actions(person.pk, [seller], CHANGE, told, single_object=True)
        messages.success(request, _("The hours are saved. New orders follow them at once."))
        return redirect("orders:seller-parcels")
    context = {"seller": seller, "form": form}
    return render(request, "orders/desk/hours.html", context, status=422 if form.errors else 200)
