"""Prices over time: what every variant has cost, and markdowns planned for a product, a category or a seller."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product, ProductVariant
from catalog.models.shelves import Category, Seller


class PriceRecord(models.Model):
    """What a variant costs from `at` on. Written by the database with every change of a price, for ever."""

    variant = models.ForeignKey(
        ProductVariant, models.PROTECT, related_name="price_records", db_index=False, verbose_name=_("variant")
    )
    price = models.PositiveBigIntegerField(_("price"))
    markdown_price = models.PositiveBigIntegerField(_("lowered price"), null=True, blank=True)
    markdown_from = models.DateTimeField(_("lowered from"), null=True, blank=True)
    markdown_until = models.DateTimeField(_("lowered until"), null=True, blank=True)
    at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("price record")
        verbose_name_plural = _("price history")
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="price_record_of_variant")]

    def __str__(self) -> str:
        return f"{self.price} {self.markdown_price or ''}".strip()


class Markdown(models.Model):
    """Prices lowered by so many per cent for a time: of one product, of a category with all inside, or of a seller."""

    note = models.CharField(_("what it is for"), max_length=200, blank=True)
    percent = models.PositiveSmallIntegerField(_("per cent off"))
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="markdowns", verbose_name=_("product")
    )
    category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, related_name="markdowns", verbose_name=_("category")
    )
    seller = models.ForeignKey(
        Seller, models.PROTECT, null=True, blank=True, related_name="markdowns", verbose_name=_("seller")
    )
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    is_active = models.BooleanField(_("planned"), default=True)

    class Meta:
        verbose_name = _("markdown")
        verbose_name_plural = _("markdowns")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__range=(1, 90)),
                name="markdown_percent_in_range",
                violation_error_message=_("A markdown takes 1 to 90 per cent off."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="markdown_dates_in_order",
                violation_error_message=_("The end must come after the beginning."),
            ),
            models.CheckConstraint(
                condition=Q(product__isnull=False, category__isnull=True, seller__isnull=True)
                | Q(product__isnull=True, category__isnull=False, seller__isnull=True)
                | Q(product__isnull=True, category__isnull=True, seller__isnull=False),
                name="markdown_of_one_thing",
                violation_error_message=_("Choose one product, one category or one seller."),
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(is_active=True), name="markdown_planned")]

    def __str__(self) -> str:
        return f"{self.percent}% · {self.scope}"

    @property
    def scope(self) -> Product | Category | Seller | None:
        """What it lowers."""
        return self.product or self.category or self.seller
