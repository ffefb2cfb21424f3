"""Orders and parcels in the admin: read here, changed only by the deeds of orders/deeds.py. Money is read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.models import User
from orders import calendar_admin, cancelling, slot_admin, voucher_admin  # noqa: F401  these register models of their own
from orders.admin_inlines import EventInline, LineInline, phone, won
from orders.deed_forms import DeedForm
from orders.deeds import DEEDS, Deed, attempt, fitting, outcome
from orders.models import Order, Parcel, ParcelQuerySet, SellerStaff
from orders.parcels import Refused
from payments.models import Message


class ReadOnly(ModelAdmin):
    """Rows are looked at, never typed over."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ByCode(ReadOnly):
    """Found by an order's code or a mobile number."""

    search_help_text = _("order code or mobile number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Codes and numbers are read out with their dashes."""
        found: tuple[QuerySet[Any], bool] = super().get_search_results(
            request, queryset, search_term.replace("-", "").upper().strip()
        )
        return found


@admin.register(Order)
class OrderAdmin(ByCode):
    list_display = ["shown_code", "status", "user", "shown_phone", "shown_total", "placed_at", "paid_at"]
    list_filter = ["status", ("placed_at", admin.DateFieldListFilter)]
    list_select_related = ["user"]
    date_hierarchy = "placed_at"
    search_fields = ["code", "user__phone", "recipient_phone"]
    inlines = [EventInline]
    change_form_outer_before_template = "admin/orders/order_sheet.html"
    fieldsets = [
        (None, {"fields": ["shown_code", "status", "user", "shown_total", "placed_at", "paid_at", "hold_until"]}),
        (
            _("Recipient"),
            {
                "fields": [
                    "recipient_name",
                    "shown_phone",
                    "neighbourhood",
                    "unit",
                    "building",
                    "floor",
                    "door",
                    "note",
                    "is_gift",
                    "gift_text",
                ]
            },
        ),
    ]
    readonly_fields = ["shown_code", "shown_total", "shown_phone"]

    @admin.display(description=_("code"), ordering="code")
    def shown_code(self, order: Order) -> str:
        return order.shown_code

    @admin.display(description=_("total"), ordering="total")
    def shown_total(self, order: Order) -> str:
        return won(order.total)

    @admin.display(description=_("recipient's mobile number"), ordering="recipient_phone")
    def shown_phone(self, order: Order) -> str:
        return phone(order.recipient_phone)

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:order_id>/cancel/", cancel, name="orders_order_cancel"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = Order.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        shown = _order_tables(order) if order is not None else {}
        if order is not None and request.user.has_perm("orders.cancel_parcel"):
            open_states = {Order.Status.PLACED, Order.Status.PAID}
            shown["cancel_url"] = (
                reverse("admin:orders_order_cancel", args=[order.pk]) if order.status in open_states else ""
            )
        return cast(HttpResponse, super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown}))

    def cancel_view(self, request: HttpRequest, order_id: int) -> HttpResponse:
        """Cancel the whole order for its shopper: asked first, then done by POST."""
        if not (self.has_view_permission(request) and request.user.has_perm("orders.cancel_parcel")):
            raise PermissionDenied
        order = get_object_or_404(Order, pk=order_id)
        back = reverse("admin:orders_order_change", args=[order.pk])
        refused = ""
        if request.method == "POST":
            try:
                cancelling.cancel_order(order_code=order.code, by=cast(User, request.user))
            except Refused as error:
                refused = str(error.reason)
            else:
                messages.success(request, _("The order is cancelled."))
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Cancel the order %(code)s") % {"code": order.shown_code},
            "warning": _("Every parcel ends and the money held on the card is free again. This cannot be undone."),
            "refused": refused,
            "back": back,
            "opts": self.opts,
        }
        return render(request, "admin/orders/deed.html", context, status=409 if refused else 200)


def _order_tables(order: Order) -> dict[str, Any]:
    """The order's parcels and what was asked of the card network, as tables."""
    parcels = order.parcels.select_related("seller").order_by("number")
    asked = Message.objects.filter(payment__order_code=order.code).select_related("payment").order_by("created_at")
    return {
        "parcel_table": {
            "headers": [_("parcel"), _("seller"), _("status"), _("goods"), _("delivery fee"), _("promised until")],
            "rows": [
                [
                    _link(reverse("admin:orders_parcel_change", args=[each.pk]), f"{order.shown_code}/{each.number}"),
                    str(each.seller),
                    each.get_status_display(),
                    won(each.goods_total if each.confirmed_total is None else each.confirmed_total),
                    won(each.fee),
                    f"{localtime(each.promised_until):%Y-%m-%d %H:%M}",
                ]
                for each in parcels
            ],
        },
        "money_table": {
            "headers": [_("asked at"), _("question"), _("parcel"), _("amount"), _("code"), _("card")],
            "rows": [
                [
                    f"{localtime(each.created_at):%Y-%m-%d %H:%M:%S}",
                    each.get_verb_display(),
                    each.parcel or "",
                    won(each.amount),
                    each.code or _("no answer yet"),
                    f"•••• {each.payment.last4}" if each.payment.last4 else "",
                ]
                for each in asked
            ],
        },
    }


def _link(address: str, text: str) -> SafeString:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, text)


@admin.register(Parcel)
class ParcelAdmin(ByCode):
    """A seller's person finds only the parcels of their own seller; everybody else's do not exist."""

    list_display = ["shown_code", "seller", "status", "method", "promised_until", "confirm_by", "shown_goods"]
    list_filter = ["status", "method", "seller", ("promised_until", admin.DateFieldListFilter)]
    list_select_related = ["order", "seller"]
    search_fields = ["order__code", "order__recipient_phone"]
    ordering = ["-order__placed_at", "number"]
    inlines = [LineInline, EventInline]
    change_form_outer_before_template = "admin/orders/parcel_deeds.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "shown_code",
                    "seller",
                    "status",
                    "method",
                    "vehicle",
                    "promised_from",
                    "promised_until",
                    "expected_from",
                    "expected_until",
                    "confirm_by",
                    "if_short",
                    "shown_goods",
                    "shown_fee",
                    "courier",
                ]
            },
        ),
        (_("Recipient"), {"fields": ["recipient", "recipient_phone", "address", "note"]}),
        (
            _("Times"),
            {"fields": ["confirmed_at", "ready_at", "captured_at", "dispatched_at", "delivered_at", "ended_at"]},
        ),
    ]
    readonly_fields = [
        "shown_code",
        "shown_goods",
        "shown_fee",
        "recipient",
        "recipient_phone",
        "address",
        "note",
    ]

    @admin.display(description=_("parcel"), ordering="order__code")
    def shown_code(self, parcel: Parcel) -> str:
        return str(parcel)

    @admin.display(description=_("goods"))
    def shown_goods(self, parcel: Parcel) -> str:
        return won(parcel.goods_total if parcel.confirmed_total is None else parcel.confirmed_total)

    @admin.display(description=_("delivery fee"))
    def shown_fee(self, parcel: Parcel) -> str:
        return won(parcel.fee)

    @admin.display(description=_("recipient"))
    def recipient(self, parcel: Parcel) -> str:
        return parcel.order.recipient_name

    @admin.display(description=_("recipient's mobile number"))
    def recipient_phone(self, parcel: Parcel) -> str:
        return phone(parcel.order.recipient_phone)

    @admin.display(description=_("address"))
    def address(self, parcel: Parcel) -> str:
        order = parcel.order
        if parcel.method == Parcel.Method.COLLECTION or order.neighbourhood is None:
            return ""
        parts = [order.neighbourhood.district, order.neighbourhood, order.unit, order.building]
        parts += [gettext("floor %(floor)s") % {"floor": order.floor}] if order.floor else []
        parts += [gettext("door %(door)s") % {"door": order.door}] if order.door else []
        return " ".join(str(part) for part in parts if part)

    @admin.display(description=_("note for the courier"))
    def note(self, parcel: Parcel) -> str:
        return parcel.order.note

    def get_queryset(self, request: HttpRequest) -> QuerySet[Parcel]:
        rows: ParcelQuerySet = super().get_queryset(request)
        return rows.for_staff(cast(User, request.user))

    def get_urls(self) -> list[URLPattern]:
        deeds = [path(f"<int:parcel_id>/{deed.name}/", self._view_of(deed)) for deed in DEEDS.values()]
        return [*deeds, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_queryset(request).select_related("order").filter(pk=object_id) if object_id.isdecimal() else []
        deeds = [deed for parcel in found for deed in fitting(parcel, cast(User, request.user))]
        context = {**(extra_context or {}), "deeds": deeds}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def _view_of(self, deed: Deed) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, parcel_id: int) -> HttpResponse:
            return self.deed_view(request, parcel_id, deed)

        return cast("Callable[..., HttpResponse]", self.admin_site.admin_view(view))

    def deed_view(self, request: HttpRequest, parcel_id: int, deed: Deed) -> HttpResponse:
        """One deed: GET asks, POST does it and goes back to the parcel."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        parcel = self.get_queryset(request).select_related("order", "seller").filter(pk=parcel_id).first()
        if parcel is None:
            raise Http404
        user = cast(User, request.user)
        if not user.has_perm(deed.permission):
            raise PermissionDenied
        form = deed.form(request.POST if request.method == "POST" else None, parcel=parcel)
        _dress(form)
        refused = ""
        if request.method == "POST" and form.is_valid():
            done, refused = attempt(deed, parcel, form, user)
            if not refused:
                text, is_well = outcome(done, deed)
                messages.add_message(request, messages.SUCCESS if is_well else messages.WARNING, text)
                return HttpResponseRedirect(reverse("admin:orders_parcel_change", args=[parcel.pk]))
        status = 409 if refused else 422 if form.errors else 200
        return self._deed_page(request, parcel, deed, form=form, refused=refused, status=status)

    def _deed_page(
        self, request: HttpRequest, parcel: Parcel, deed: Deed, *, form: DeedForm, refused: str, status: int
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{deed.title}: {parcel} · {parcel.seller}",
            "warning": deed.warning,
            "form": form,
            "refused": refused,
            "back": reverse("admin:orders_parcel_change", args=[parcel.pk]),
            "asked_if_short": parcel.get_if_short_display() if deed.name == "confirm" else "",
            "opts": self.opts,
        }
        return render(request, "admin/orders/deed.html", context, status=status)


def _dress(form: DeedForm) -> None:
    """Give a deed's plain fields the admin's own widgets."""
    for field in form.fields.values():
        dressed = _WIDGETS.get(type(field.widget))
        if dressed is not None:
            field.widget = dressed(attrs=field.widget.attrs, **_choices_of(field))


_WIDGETS: dict[type[forms.Widget], type[forms.Widget]] = {
    forms.NumberInput: UnfoldAdminIntegerFieldWidget,
    forms.TextInput: UnfoldAdminTextInputWidget,
    forms.Select: UnfoldAdminSelectWidget,
    forms.RadioSelect: UnfoldAdminRadioSelectWidget,
    forms.CheckboxInput: UnfoldBooleanWidget,
}


def _choices_of(field: forms.Field) -> dict[str, Any]:
    return {"choices": field.widget.choices} if hasattr(field.widget, "choices") else {}


@admin.register(SellerStaff)
class SellerStaffAdmin(ModelAdmin):
    list_display = ["user", "seller"]
    list_filter = ["seller"]
    autocomplete_fields = ["user"]
