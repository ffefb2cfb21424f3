"""Planned markdowns and the history of prices in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from catalog.markdowns import apply_markdowns, covered
from catalog.models import Markdown, PriceRecord


@admin.register(Markdown)
class MarkdownAdmin(ModelAdmin[Markdown]):
    list_display = ["shown", "note", "starts_at", "ends_at", "state"]
    list_filter = ["is_active", "starts_at"]
    list_select_related = ["product", "category", "seller"]
    search_fields = ["note", "product__name_ko_kp", "category__name_ko_kp", "seller__name_ko_kp"]
    autocomplete_fields = ["product", "category", "seller"]
    fieldsets = [
        (None, {"fields": ["percent", "note", "starts_at", "ends_at", "is_active"]}),
        (_("What it lowers: one of these"), {"fields": ["product", "category", "seller"]}),
    ]

    @admin.display(description=_("markdown"))
    def shown(self, markdown: Markdown) -> str:
        return str(markdown)

    @admin.display(description=_("state"))
    def state(self, markdown: Markdown) -> Any:
        now = timezone.now()
        if not markdown.is_active:
            return _("called off")
        if markdown.ends_at <= now:
            return _("over")
        return _("running") if markdown.starts_at <= now else _("planned")

    def save_model(self, request: HttpRequest, obj: Markdown, form: ModelForm[Markdown], change: bool) -> None:
        super().save_model(request, obj, form, change)
        apply_markdowns()
        count = covered(obj)
        words = ngettext("It lowers %(count)d price.", "It lowers %(count)d prices.", count)
        messages.info(request, words % {"count": count})

    def has_delete_permission(self, request: HttpRequest, obj: Markdown | None = None) -> bool:
        """A plan is called off, not deleted: prices that were asked stay explained."""
        return False


@admin.register(PriceRecord)
class PriceRecordAdmin(ModelAdmin[PriceRecord]):
    list_display = ["at", "variant", "price", "markdown_price", "markdown_from", "markdown_until"]
    list_select_related = ["variant__product"]
    search_fields = ["variant__sku", "variant__product__name_ko_kp", "variant__product__name_en"]
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceRecord]:
        records: QuerySet[PriceRecord] = super().get_queryset(request)
        return records.order_by("-id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PriceRecord | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PriceRecord | None = None) -> bool:
        return False
