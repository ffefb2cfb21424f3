"""Attributes in the admin: what a category asks, and what a product answers.

A product's answers have a page of their own, because what it asks depends on the category the product has.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from catalog import attributes
from catalog.admin_languages import KoreanFirst, NeverDeleted, languages
from catalog.models import Attribute, AttributeOption, AttributeValue, Product, ProductVariant


class AttributeForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_bands(self) -> list[int]:
        limits: list[int] = self.cleaned_data.get("bands") or []
        if limits != sorted(set(limits)):
            raise forms.ValidationError(_("Write the limits from the smallest to the largest, each once."))
        return limits

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") != Attribute.Kind.NUMBER and cleaned.get("bands"):
            self.add_error("bands", _("Only a number has limits."))
        if self.instance.pk and "kind" in self.changed_data and self.instance.values.exists():
            self.add_error("kind", _("Products have answered already: make another attribute."))
        return cleaned


class AnswersForm(forms.Form):
    """What one product, or one of its variants, answers: a field for each attribute its category asks about."""

    def __init__(self, *args: Any, attributes: list[Attribute], **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked = {f"a-{attribute.slug}": attribute for attribute in attributes}
        for name, attribute in self.asked.items():
            self.fields[name] = _answer_field(attribute)

    def answers(self) -> list[tuple[Attribute, object]]:
        """Each attribute with what was said, as catalog.attributes.set_attribute takes it."""
        said = [(attribute, self.cleaned_data[name]) for name, attribute in self.asked.items()]
        words: dict[object, object] = {"yes": True, "no": False, "": None}
        return [(a, words[value]) if a.kind == Attribute.Kind.YES_NO else (a, value) for a, value in said]


def _answer_field(attribute: Attribute) -> forms.Field:
    if attribute.kind == Attribute.Kind.CHOICE:
        choices = [(option.slug, option.name) for option in attribute.options.all()]
        return forms.MultipleChoiceField(
            label=attribute.name, choices=choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
        )
    if attribute.kind == Attribute.Kind.NUMBER:
        label = f"{attribute.name} ({attribute.unit})" if attribute.unit else attribute.name
        return forms.DecimalField(
            label=label,
            min_value=0,
            max_value=999_999_999,
            decimal_places=3,
            required=False,
            widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        )
    choices = [("", "–"), ("yes", gettext("yes")), ("no", gettext("no"))]
    return forms.ChoiceField(
        label=attribute.name, choices=choices, required=False, widget=UnfoldAdminSelectWidget(choices=choices)
    )


class OptionInline(KoreanFirst, TabularInline[AttributeOption, Attribute]):
    model = AttributeOption
    fields = ["slug", "name_ko_kp", "name_en", "position"]
    extra = 0
    tab = True


@admin.register(Attribute)
class AttributeAdmin(NeverDeleted, KoreanFirst, ModelAdmin[Attribute]):
    """What the products of some categories are told apart by; offered as filters on their pages."""

    form = AttributeForm
    list_display = ["korean", "english", "kind", "is_filter", "position"]
    list_filter = ["kind", "categories"]
    search_fields = ["name_ko_kp", "name_en", "slug"]
    filter_horizontal = ["categories"]
    inlines = [OptionInline]
    fieldsets = [
        (None, {"fields": ["slug", "kind", "categories", "bands", "is_filter", "position"]}),
        *languages("name", "unit"),
    ]


def answers_page(request: HttpRequest, product_admin: ModelAdmin[Product], product_id: int) -> HttpResponse:
    """What the product and each of its variants answer to the category's attributes. Sent twice, it says the same."""
    if not product_admin.has_change_permission(request):
        raise PermissionDenied
    product = Product.objects.filter(pk=product_id).first()
    if product is None:
        raise Http404
    asked = attributes.offered_to(product.category_id)
    said = list(AttributeValue.objects.filter(product=product).select_related("option"))
    typed = request.POST if request.method == "POST" else None
    sheets: list[tuple[ProductVariant | None, AnswersForm]] = []
    for variant in (None, *product.variants.all()):
        pk = variant.pk if variant else None
        prefix, initial = f"variant-{pk}" if pk else "product", _initial(asked, said, pk)
        sheets.append((variant, AnswersForm(typed, attributes=asked, prefix=prefix, initial=initial)))
    if request.method == "POST" and not any(form.errors for _, form in sheets):
        with transaction.atomic():
            for variant, form in sheets:
                for attribute, value in form.answers():
                    attributes.set_attribute(product, attribute, value, variant=variant)
        product_admin.message_user(request, gettext("The answers are kept."), messages.SUCCESS)
        return redirect("admin:catalog_product_change", product.pk)
    context = {
        **product_admin.admin_site.each_context(request),
        "opts": product_admin.opts,
        "title": gettext("Attributes"),
        "product": product,
        "sheets": sheets,
        "asked": asked,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "admin/catalog/product/attributes.html", context, status=status)


def _initial(asked: list[Attribute], said: list[AttributeValue], variant_id: int | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for attribute in asked:
        rows = [row for row in said if row.attribute_id == attribute.pk and row.variant_id == variant_id]
        name = f"a-{attribute.slug}"
        if attribute.kind == Attribute.Kind.CHOICE:
            values[name] = [row.option.slug for row in rows if row.option]
        elif rows and rows[0].number is not None:
            values[name] = rows[0].number.normalize().__format__("f")
        elif rows and rows[0].yes is not None:
            values[name] = "yes" if rows[0].yes else "no"
    return values
