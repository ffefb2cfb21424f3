"""Shelves in the admin: counts are read, movements change them, each with its reason; what runs low in one list."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from accounts.models import User
from catalog import stock
from catalog.admin_forms import MovementForm, move_stock
from catalog.admin_languages import NeverDeleted
from catalog.models import Stock, StockMovement


class Running(admin.SimpleListFilter):
    """What of the goods on the list runs out."""

    title = _("left")
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("low", _("Few or none")), ("none", _("None")), ("waited", _("None, and somebody waits"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Stock]) -> QuerySet[Stock]:
        if self.value() not in ("low", "none", "waited"):
            return rows
        rows = rows.filter(variant__is_active=True, variant__product__is_active=True)
        if self.value() == "low":
            return rows.filter(on_hand__lte=F("reserved") + F("low_threshold"))
        rows = rows.filter(on_hand=F("reserved"))
        return rows.filter(variant__wishes__isnull=False).distinct() if self.value() == "waited" else rows


class MovementInline(TabularInline[StockMovement, Stock]):
    model = StockMovement
    fields = readonly_fields = ["at", "kind", "on_hand_change", "reserved_change", "cause", "by", "note"]
    extra = 0
    per_page = 20

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Stock)
class StockAdmin(NeverDeleted, ModelAdmin[Stock]):
    """The shelf of one variant. Its counts are read here; "Change stock" writes a movement."""

    list_display = ["variant", "sku", "on_hand", "reserved", "left", "low_threshold"]
    list_select_related = ["variant__product"]
    list_filter = [Running, "variant__product__category", "variant__product__seller"]
    search_fields = ["variant__sku", "variant__product__name_ko_kp", "variant__product__name_en"]
    ordering = [models.F("on_hand") - models.F("reserved"), "pk"]
    show_full_result_count = False
    readonly_fields = ["variant", "on_hand", "reserved"]
    fields = ["variant", "on_hand", "reserved", "low_threshold"]
    inlines = [MovementInline]
    actions_detail = ["change_stock", "history"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("free to sell"))
    def left(self, row: Stock) -> int:
        return row.available

    @admin.display(description="SKU", ordering="variant__sku")
    def sku(self, row: Stock) -> str:
        return row.variant.sku

    @action(description=_("Change stock"), url_path="change-stock", permissions=["change"])
    def change_stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:catalog_stock_movement", object_id)

    @action(description=_("All movements"), url_path="movements", permissions=["view"])
    def history(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(f"{reverse('admin:catalog_stockmovement_changelist')}?stock__exact={object_id}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.movement)
        return [path("<int:stock_id>/movement/", view, name="catalog_stock_movement"), *super().get_urls()]

    def movement(self, request: HttpRequest, stock_id: int) -> HttpResponse:
        """Receive, take back, count or write off; the same form sent twice counts once."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = Stock.objects.filter(pk=stock_id).select_related("variant__product").first()
        if row is None:
            raise Http404
        form = MovementForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                moved = move_stock(stock_id=row.pk, by=cast(User, request.user), **form.cleaned_data)
            except stock.CountBelowReserved as below:
                text = gettext("%(n)s pieces are promised to orders: decline those first.")
                form.add_error("quantity", text % {"n": below.stock.reserved})
            else:
                text = gettext("The shelf holds %(n)s pieces now.") % {"n": moved.on_hand}
                self.message_user(request, text, messages.SUCCESS)
                return redirect("admin:catalog_stock_change", row.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Change stock"),
            "row": row,
            "form": form,
        }
        status = 422 if form.is_bound else 200
        return render(request, "admin/catalog/stock/movement.html", context, status=status)


@admin.register(StockMovement)
class StockMovementAdmin(ModelAdmin[StockMovement]):
    """Every change of every shelf, for ever: of one variant by its SKU, of one kind, of one day."""

    list_display = ["at", "variant", "kind", "on_hand_change", "reserved_change", "note", "cause", "by"]
    list_display_links = None
    list_filter = ["kind", ("at", admin.DateFieldListFilter)]
    list_select_related = ["stock__variant__product", "by"]
    search_fields = ["=stock__variant__sku", "note"]
    search_help_text = _("SKU or words of the note")
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-id"]

    @admin.display(description=_("variant"))
    def variant(self, row: StockMovement) -> str:
        return f"{row.stock.variant} · {row.stock.variant.sku}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
