"""Money in the admin: to be read. Corrections are transfers with a reason, never edits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from payments.models import Account, DayCut, MemberCard, Message, Payment, Transfer, TransferKind


class ReadOnly:
    """Nobody adds, changes or deletes these rows, whatever their rights."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MessageInline(ReadOnly, TabularInline[Message, Payment]):
    model = Message
    fields = ["verb", "parcel", "part", "amount", "code", "ref", "tries", "created_at", "answered_at"]
    readonly_fields = fields
    ordering = ["created_at"]
    extra = 0


@admin.register(Payment)
class PaymentAdmin(ReadOnly, ModelAdmin[Payment]):
    list_display = ["order_code", "amount", "captured", "released", "refunded", "state", "code", "last4", "created_at"]
    list_filter = ["state", "code"]
    search_fields = ["order_code"]
    ordering = ["-created_at"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = [MessageInline]


@admin.register(Message)
class MessageAdmin(ReadOnly, ModelAdmin[Message]):
    list_display = ["order_code", "verb", "parcel", "amount", "code", "tries", "created_at", "answered_at"]
    list_filter = ["verb", ("code", admin.EmptyFieldListFilter), "code"]
    list_select_related = ["payment"]
    search_fields = ["payment__order_code"]
    ordering = ["-created_at"]
    show_full_result_count = False

    @admin.display(description=_("order"))
    def order_code(self, message: Message) -> str:
        return message.payment.order_code


@admin.register(Transfer)
class TransferAdmin(ReadOnly, ModelAdmin[Transfer]):
    list_display = ["seq", "at", "kind", "debit_account", "credit_account", "amount", "reference"]
    list_filter = ["kind"]
    list_select_related = ["debit_account", "credit_account"]
    search_fields = ["=reference", "=uuid"]
    ordering = ["-seq"]
    show_full_result_count = False


@admin.register(Account)
class AccountAdmin(ReadOnly, ModelAdmin[Account]):
    list_display = ["kind", "owner", "currency", "opened_at"]
    list_filter = ["kind"]
    search_fields = ["=owner"]


@admin.register(TransferKind)
class TransferKindAdmin(ReadOnly, ModelAdmin[TransferKind]):
    list_display = ["kind", "debit", "credit", "role"]


@admin.register(DayCut)
class DayCutAdmin(ReadOnly, ModelAdmin[DayCut]):
    list_display = ["day", "seq", "made_at", "is_sealed"]
    list_select_related = ["seal"]
    ordering = ["-id"]

    @admin.display(description=_("sealed"), boolean=True)
    def is_sealed(self, cut: DayCut) -> bool:
        return hasattr(cut, "seal")


@admin.register(MemberCard)
class MemberCardAdmin(ReadOnly, ModelAdmin[MemberCard]):
    list_display = ["user", "last4", "linked_at", "unlinked_at"]
    fields = ["user", "last4", "linked_at", "unlinked_at"]  # the token opens the card's page: not for staff
    list_select_related = ["user"]
    search_fields = ["user__phone", "user__name"]
