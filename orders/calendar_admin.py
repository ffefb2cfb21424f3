"""Holidays and closing days in the admin: rows the bureau edits."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts.models import User
from orders.models import Holiday, SellerClosing


@admin.register(Holiday)
class HolidayAdmin(ModelAdmin):
    list_display = ["day", "name_ko_kp", "name_en"]
    list_filter = [("day", admin.DateFieldListFilter)]
    date_hierarchy = "day"
    search_fields = ["name_ko_kp", "name_en"]
    ordering = ["day"]
    fields = ["day", "name_ko_kp", "name_en"]


@admin.register(SellerClosing)
class SellerClosingAdmin(ModelAdmin):
    list_display = ["seller", "first_day", "last_day", "note", "by"]
    list_filter = ["seller", ("first_day", admin.DateFieldListFilter)]
    list_select_related = ["seller", "by"]
    autocomplete_fields = ["seller"]
    fieldsets = [
        (
            None,
            {
                "fields": ["seller", "first_day", "last_day", "note"],
                "description": _("What is promised already stays promised; nothing new is promised for these days."),
            },
        )
    ]

    def save_model(self, request: HttpRequest, obj: SellerClosing, form: Any, change: bool) -> None:
        obj.by = cast(User, request.user)
        super().save_model(request, obj, form, change)
