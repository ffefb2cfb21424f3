"""Parts of an order's and a parcel's admin pages: the lines, and the diary in words."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from okryu.money import format_won
from orders import event_words
from orders.models import OrderEvent, OrderLine


def won(amount: int | None) -> str:
    return "" if amount is None else format_won(amount, get_language() or "ko-kp")


def phone(digits: str) -> str:
    """191-234-5678, as people read it out."""
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True  # the row says it all

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever may read the page may read its parts


class EventInline(ReadOnlyInline):
    model = OrderEvent
    fields = ["at", "what", "parcel", "by", "details"]
    readonly_fields = fields

    @admin.display(description=_("what"))
    def what(self, event: OrderEvent) -> str:
        return event_words.words_for(event)

    @admin.display(description=_("details"))
    def details(self, event: OrderEvent) -> str:
        return event_words.details_of(event)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        return cast("QuerySet[OrderEvent]", super().get_queryset(request).select_related("parcel__order", "by"))


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = ["name", "sku", "price", "quantity", "confirmed_quantity", "returned_quantity", "total"]
    readonly_fields = fields

    @admin.display(description=_("product"))
    def name(self, line: OrderLine) -> str:
        return (line.name_en if get_language() == "en" else "") or line.name_ko_kp

    @admin.display(description=_("price"))
    def price(self, line: OrderLine) -> str:
        return won(line.unit_price)

    @admin.display(description=_("total"))
    def total(self, line: OrderLine) -> str:
        return won(line.line_total)
