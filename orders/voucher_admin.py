"""Vouchers in the admin: made and ended here; who used one on which order is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from orders.models import Voucher, VoucherUse
from orders.vouchers import normalise_code

# What a used voucher was worth is on orders: its worth stays as it was, its end and its limits may move.
WORTH = ["code", "percent", "amount", "most", "minimum_goods"]


class VoucherForm(forms.ModelForm):  # type: ignore[type-arg]
    """Codes are typed with small letters and dashes here as well."""

    def clean_code(self) -> str:
        return normalise_code(str(self.cleaned_data["code"]))


class UseInline(TabularInline):
    model = VoucherUse
    fields = readonly_fields = ["order", "user", "discount", "taken_at", "returned_at"]
    extra = 0
    per_page = 20
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Voucher)
class VoucherAdmin(ModelAdmin):
    form = VoucherForm
    list_display = ["code", "worth", "used", "limit", "valid_from", "valid_until", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["code", "note"]
    inlines = [UseInline]

    @admin.display(description=_("worth"))
    def worth(self, voucher: Voucher) -> str:
        return f"{voucher.percent}%" if voucher.percent else f"{voucher.amount:,}"

    def get_readonly_fields(self, request: HttpRequest, obj: Voucher | None = None) -> list[str]:
        return ["used", *WORTH] if obj and obj.uses.exists() else ["used"]

    def has_delete_permission(self, request: HttpRequest, obj: Voucher | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.uses.exists())
