"""The catalogue in the admin: shelves, sellers, products with variants and pictures, stock, reviews, notices.

Products and what belongs to them are hidden, never deleted: orders point at them. Stock changes by movements only.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action

from catalog import (
    admin_prices,  # noqa: F401  registers markdowns and the price history
    admin_reviews,  # noqa: F401  registers the reviews
    admin_stock,  # noqa: F401  registers shelves and their movements
    stock,
    wording,
)
from catalog.admin_attributes import answers_page
from catalog.admin_forms import (
    CategoryForm,
    PictureForm,
    PictureFormSet,
    ProductForm,
    VariantForm,
)
from catalog.admin_languages import KoreanFirst, NeverDeleted, Translated, languages
from catalog.admin_search import SearchSynonymAdmin  # noqa: F401  # registers itself
from catalog.models import (
    Category,
    Notice,
    Picture,
    Product,
    ProductKind,
    ProductVariant,
    Seller,
    Stock,
)


@admin.register(Category)
class CategoryAdmin(NeverDeleted, KoreanFirst, ModelAdmin[Category]):
    form = CategoryForm
    list_display = ["korean", "english", "parent", "position", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["parent"]
    search_fields = ["name_ko_kp", "name_en", "slug"]
    fields = ["parent", "slug", "name_ko_kp", "name_en", "icon", "position", "is_active"]

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if not obj.is_active:
                obj.hide()


@admin.register(Seller)
class SellerAdmin(NeverDeleted, KoreanFirst, ModelAdmin[Seller]):
    list_display = ["korean", "english", "kind", "district", "telephone", "is_active"]
    list_filter = ["kind", "is_active", "district"]
    list_select_related = ["district"]
    search_fields = ["name_ko_kp", "name_en", "slug", "telephone"]
    autocomplete_fields = ["district", "neighbourhood"]
    fieldsets = [
        (None, {"fields": ["slug", "kind", "district", "neighbourhood", "telephone", "position", "is_active"]}),
        (_("Hours"), {"fields": ["opens_at", "closes_at", "cut_off", "preparation_minutes", "lead_days"]}),
        *languages("name", "introduction"),
    ]


@admin.register(ProductKind)
class ProductKindAdmin(NeverDeleted, KoreanFirst, ModelAdmin[ProductKind]):
    list_display = ["korean", "english", "category", "comparison_unit"]
    list_filter = ["category"]
    list_select_related = ["category"]
    search_fields = ["name_ko_kp", "name_en", "slug"]
    fields = ["slug", "name_ko_kp", "name_en", "category", "comparison_unit"]


class VariantInline(NeverDeleted, KoreanFirst, StackedInline[ProductVariant, Product]):
    model = ProductVariant
    form = VariantForm
    extra = 0
    min_num = 1
    tab = True
    readonly_fields = ["shelf"]
    fields = [
        ("sku", "price"),
        "shelf",
        ("markdown_price", "is_active"),
        "markdown_from",
        "markdown_until",
        ("name_ko_kp", "name_en"),
        ("size", "position"),
        "packable_apart",
        ("colour_ko_kp", "colour_en"),
        ("flavour_ko_kp", "flavour_en"),
    ]

    @admin.display(description=_("stock"))
    def shelf(self, variant: ProductVariant) -> str:
        """The counts, and the way to change them."""
        row: Stock | None = getattr(variant, "stock", None)
        if row is None:
            return gettext("Save first: the shelf is empty until pieces are received.")
        counts = gettext("%(on_hand)s on hand, %(reserved)s reserved, %(available)s available")
        words = counts % {"on_hand": row.on_hand, "reserved": row.reserved, "available": row.available}
        address = reverse("admin:catalog_stock_movement", args=[row.pk])
        return format_html('{} · <a class="text-primary-600" href="{}">{}</a>', words, address, gettext("Change stock"))


class PictureInline(KoreanFirst, TabularInline[Picture, Product]):
    model = Picture
    form = PictureForm
    formset = PictureFormSet
    extra = 0
    tab = True
    readonly_fields = ["shown"]
    fields = ["shown", "upload", "alt_ko_kp", "alt_en", "variant", "position"]

    def get_formset(self, request: HttpRequest, obj: Product | None = None, **kwargs: Any) -> Any:
        """A picture may show one of this product's variants, never another's."""
        formset = super().get_formset(request, obj, **kwargs)
        variant = formset.form.base_fields["variant"]
        variant.queryset = ProductVariant.objects.filter(product=obj)
        variant.label_from_instance = lambda one: one.label or one.sku
        return formset

    @admin.display(description=_("picture"))
    def shown(self, picture: Picture) -> str:
        name = next((name for name in picture.renditions if name == "jpeg160"), None)
        if name is None:
            return gettext("being drawn") if picture.pk else ""
        return format_html('<img src="{}" width="80" height="80" alt="">', picture.rendition_url(str(name)))


@admin.register(Product)
class ProductAdmin(NeverDeleted, KoreanFirst, ModelAdmin[Product]):
    form = ProductForm
    list_display = ["korean", "english", "seller", "category", "prices", "left", "is_active"]
    list_filter = ["is_active", Translated, "category", "seller"]
    list_select_related = ["seller", "category"]
    search_fields = ["name_ko_kp", "name_en", "variants__sku", "seller__name_ko_kp", "seller__name_en"]
    show_full_result_count = False
    autocomplete_fields = ["seller", "category", "kind"]
    readonly_fields = ["sold_30_days", "rating_count"]
    inlines = [VariantInline, PictureInline]
    actions_detail = ["attributes"]
    fieldsets = [
        (None, {"fields": ["seller", "category", "kind", "slug", "is_active", "listed_at"]}),
        (_("Content and weight"), {"fields": ["content_amount", "content_unit", "weight_g", "needs_van"]}),
        (_("Rules and counts"), {"fields": ["minimum_age", "is_medicine", "sold_30_days", "rating_count"]}),
        *languages("name", "unit", "description"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        products: QuerySet[Product] = super().get_queryset(request).prefetch_related("variants__stock")
        return products

    @admin.display(description=_("price"))
    def prices(self, product: Product) -> str:
        prices = sorted({variant.unit_price for variant in product.variants.all() if variant.is_active})
        return "–".join(wording.won(price) for price in dict.fromkeys(prices[:1] + prices[-1:]))

    @admin.display(description=_("free to sell"))
    def left(self, product: Product) -> int:
        return product.available

    @action(description=_("Attributes"), url_path="attributes", permissions=["change"])
    def attributes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:catalog_product_answers", object_id)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.answers)
        return [path("<int:product_id>/answers/", view, name="catalog_product_answers"), *super().get_urls()]

    def answers(self, request: HttpRequest, product_id: int) -> HttpResponse:
        return answers_page(request, self, product_id)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is ProductVariant:
            with transaction.atomic():
                for variant in formset.new_objects:
                    stock.open_stock(variant)


@admin.register(Notice)
class NoticeAdmin(KoreanFirst, ModelAdmin[Notice]):
    list_display = ["korean", "english", "published_at", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["title_ko_kp", "title_en"]
    fieldsets = [(None, {"fields": ["published_at", "is_active"]}), *languages("title", "body")]

    @admin.display(description=format_lazy("{} · 조선어", _("title")), ordering="title_ko_kp")
    def korean(self, row: Any) -> str:
        return str(row.title_ko_kp)

    @admin.display(description=format_lazy("{} · English", _("title")), ordering="title_en")
    def english(self, row: Any) -> str:
        return row.title_en or ""
