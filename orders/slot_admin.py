"""Delivery windows in the admin: the bureau adds rows, changes their places, closes and reopens them.

What is promised already stays promised: `taken` is never typed, and places never go below it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from orders import slots
from orders.models import DeliverySlot


class SlotForm(forms.ModelForm):  # type: ignore[type-arg]
    start_hour = forms.TypedChoiceField(
        label=_("window"),
        coerce=int,
        choices=lambda: [(start, f"{start}–{end}") for start, end in settings.DELIVERY_WINDOWS],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "start_hour" in cleaned:
            self.instance.end_hour = dict(settings.DELIVERY_WINDOWS)[cleaned["start_hour"]]
        capacity = cleaned.get("capacity")
        if capacity is not None and capacity < self.instance.taken:
            words = _("%(taken)d parcels are promised for this window: it cannot have fewer places.")
            self.add_error("capacity", words % {"taken": self.instance.taken})
        return cleaned


@admin.register(DeliverySlot)
class DeliverySlotAdmin(ModelAdmin):
    form = SlotForm
    list_display = ["zone", "day", "hours", "vehicle", "taken", "capacity", "is_closed"]
    list_filter = ["zone", "vehicle", "is_closed", ("day", admin.DateFieldListFilter)]
    date_hierarchy = "day"
    ordering = ["-day", "start_hour", "zone", "vehicle"]
    show_full_result_count = False
    actions = ["close_windows", "reopen_windows"]
    fields = ["zone", "day", "start_hour", "vehicle", "capacity", "is_closed"]

    @admin.display(description=_("window"), ordering="start_hour")
    def hours(self, slot: DeliverySlot) -> str:
        return f"{slot.start_hour}–{slot.end_hour}"

    def get_readonly_fields(self, request: HttpRequest, obj: DeliverySlot | None = None) -> list[str]:
        return ["zone", "day", "hours", "vehicle", "taken"] if obj else []

    def get_fields(self, request: HttpRequest, obj: DeliverySlot | None = None) -> list[str]:
        return ["zone", "day", "hours", "vehicle", "taken", "capacity", "is_closed"] if obj else self.fields

    def get_form(
        self, request: HttpRequest, obj: DeliverySlot | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None:
            form.base_fields.pop("start_hour", None)
        return form

    def has_delete_permission(self, request: HttpRequest, obj: DeliverySlot | None = None) -> bool:
        return False  # a window is closed, not deleted: parcels stand by it

    def save_model(self, request: HttpRequest, obj: DeliverySlot, form: Any, change: bool) -> None:
        """Only what was typed is written: parcels take places while this form stands open."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        try:
            slots.set_capacity(obj.pk, obj.capacity)
        except slots.FewerThanTaken as refused:
            words = _now("%(taken)d parcels are promised for this window: it cannot have fewer places.")
            messages.error(request, words % {"taken": refused.taken})
        slots.set_closed([obj.pk], is_closed=obj.is_closed)

    @admin.action(description=_("Close these windows: nothing more is promised for them"), permissions=["change"])
    def close_windows(self, request: HttpRequest, rows: QuerySet[DeliverySlot]) -> None:
        self._tell(request, slots.set_closed(rows.values_list("pk", flat=True), is_closed=True))

    @admin.action(description=_("Open these windows again"), permissions=["change"])
    def reopen_windows(self, request: HttpRequest, rows: QuerySet[DeliverySlot]) -> None:
        self._tell(request, slots.set_closed(rows.values_list("pk", flat=True), is_closed=False))

    def _tell(self, request: HttpRequest, count: int) -> None:
        words = ngettext("%(count)d window was changed.", "%(count)d windows were changed.", count)
        self.message_user(request, words % {"count": count}, messages.SUCCESS)
