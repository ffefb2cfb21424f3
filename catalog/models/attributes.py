"""What products of a category are told apart by: attributes, their choices, and what each product answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product, ProductVariant
from catalog.models.shelves import Category

BANDS_LIMIT = 12  # a list of filters longer than this helps nobody


class Attribute(models.Model):
    """A question about every product of its categories and of all inside them: material, size, shelf life."""

    class Kind(models.TextChoices):
        CHOICE = "choice", _("One or several of a list")
        NUMBER = "number", _("A number with a unit")
        YES_NO = "yes_no", _("Yes or no")

    slug = models.SlugField(_("address word"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    unit = models.CharField(_("unit"), max_length=12, blank=True)
    # Where a number's filters begin and end: 250, 500 makes "under 250", "250 to 500" and "500 and over".
    bands = ArrayField(
        models.PositiveIntegerField(),
        verbose_name=_("limits of the filters"),
        default=list,
        blank=True,
        size=BANDS_LIMIT,
    )
    categories: models.ManyToManyField[Category, Any] = models.ManyToManyField(
        Category, related_name="attributes", verbose_name=_("categories"), blank=True
    )
    is_filter = models.BooleanField(_("offered as a filter"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: models.Manager[Attribute] = models.Manager()

    class Meta:
        verbose_name = _("attribute")
        verbose_name_plural = _("attributes")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["choice", "number", "yes_no"]), name="attribute_kind_known"),
            models.CheckConstraint(condition=Q(kind="number") | Q(bands=[]), name="attribute_bands_of_number"),
        ]

    def __str__(self) -> str:
        return self.name


class AttributeOption(models.Model):
    """One answer of an attribute that is chosen from a list."""

    attribute = models.ForeignKey(
        Attribute,
        models.CASCADE,
        related_name="options",
        verbose_name=_("attribute"),
        limit_choices_to={"kind": "choice"},
    )
    slug = models.SlugField(_("address word"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    name_ko_kp: str  # both added by modeltranslation (catalog/translation.py)
    name_en: str | None

    objects: models.Manager[AttributeOption] = models.Manager()

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["attribute", "slug"], name="attribute_option_once")]

    def __str__(self) -> str:
        return self.name


class AttributeValue(models.Model):
    """What a product, or one variant of it, answers. Several chosen options are several rows.

    Written by catalog/attributes.py only.
    """

    product = models.ForeignKey(Product, models.CASCADE, related_name="attribute_values", verbose_name=_("product"))
    # NULL answers for the whole product.
    variant = models.ForeignKey(
        ProductVariant,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="attribute_values",
        verbose_name=_("variant"),
    )
    attribute = models.ForeignKey(Attribute, models.PROTECT, related_name="values", verbose_name=_("attribute"))
    option = models.ForeignKey(
        AttributeOption, models.PROTECT, null=True, blank=True, related_name="values", verbose_name=_("choice")
    )
    number: models.DecimalField[Decimal | None, Decimal | None] = models.DecimalField(
        _("number"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    yes = models.BooleanField(_("yes"), null=True, blank=True)

    objects: models.Manager[AttributeValue] = models.Manager()

    class Meta:
        verbose_name = _("value of an attribute")
        verbose_name_plural = _("values of attributes")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "attribute", "variant", "option"],
                nulls_distinct=False,
                name="attribute_value_once",
            ),
            models.CheckConstraint(
                condition=Q(option__isnull=False, number__isnull=True, yes__isnull=True)
                | Q(option__isnull=True, number__gte=0, yes__isnull=True)
                | Q(option__isnull=True, number__isnull=True, yes__isnull=False),
                name="attribute_value_one_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attribute_id}: {self.option_id or self.number or self.yes}"
