"""The simulated network in the admin: to be read, digests left out."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from payments.admin import ReadOnly
from payments.network.models import Authorisation, Balance, Card, Release


@admin.register(Card)
class CardAdmin(ReadOnly, ModelAdmin[Card]):
    list_display = ["__str__", "status", "currency", "resident", "expires_on", "pin_tries", "issued_at"]
    list_filter = ["status"]
    search_fields = ["last4"]
    fields = [
        "account", "last4", "status", "currency", "resident", "expires_on", "pin_tries",
        "per_payment", "per_day", "count_day", "issued_at",
    ]  # fmt: skip


@admin.register(Balance)
class BalanceAdmin(ReadOnly, ModelAdmin[Balance]):
    list_display = ["account", "posted", "held"]
    list_select_related = ["account"]


class ReleaseInline(ReadOnly, TabularInline[Release, Authorisation]):
    model = Release
    fields = ["amount", "created_at"]
    readonly_fields = fields
    extra = 0


@admin.register(Authorisation)
class AuthorisationAdmin(ReadOnly, ModelAdmin[Authorisation]):
    list_display = [
        "merchant_reference", "last4", "amount", "captured", "released", "refunded", "state", "code", "created_at",
    ]  # fmt: skip
    list_filter = ["state", "code"]
    search_fields = ["merchant_reference"]
    ordering = ["-created_at"]
    show_full_result_count = False
    inlines = [ReleaseInline]
