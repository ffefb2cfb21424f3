"""Where things stand and who offers them: categories and sellers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import District, Neighbourhood
from catalog import wording
from catalog.models import addresses


class Category(models.Model):
    """A shelf of the shop; categories form a tree."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("inside")
    )
    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    icon = models.CharField(_("icon"), max_length=40, default="all")  # a symbol of static/img/icons.svg
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("shown"), default=True)

    name_ko_kp: str  # both added by modeltranslation (catalog/translation.py)
    name_en: str | None

    objects: models.Manager[Category] = models.Manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="category_not_its_own_parent"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return addresses.of_word("catalog:category", self.slug)

    def hide(self) -> None:
        """Hide the category and everything inside it, whatever the depth."""
        inside = [self.pk]
        while inside:
            Category.objects.filter(pk__in=inside).update(is_active=False)
            inside = list(Category.objects.filter(parent__in=inside, is_active=True).values_list("pk", flat=True))
        self.is_active = False


class Seller(models.Model):
    """A restaurant, shop or producer that confirms and hands over its part of an order."""

    class Kind(models.TextChoices):
        RESTAURANT = "restaurant", _("Restaurant")
        SHOP = "shop", _("Shop")
        PRODUCER = "producer", _("Producer")

    GROUP_NAMES = {
        Kind.RESTAURANT: _("Restaurants"),
        Kind.SHOP: _("Shops"),
        Kind.PRODUCER: _("Producers"),
    }

    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    district = models.ForeignKey(District, models.PROTECT, related_name="sellers", verbose_name=_("district"))
    neighbourhood = models.ForeignKey(
        Neighbourhood,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("neighbourhood"),
    )
    telephone = models.CharField(_("telephone"), max_length=20, blank=True)  # digits only
    introduction = models.TextField(_("introduction"), blank=True, max_length=2000)
    # Asia/Pyongyang hours of the day: an order after `closes_at` starts at the next opening.
    opens_at = models.TimeField(_("opens at"), default="09:00")
    closes_at = models.TimeField(_("closes at"), default="18:00")
    # An order that comes at this hour or later, or on a day of rest, counts as the next working day's.
    cut_off = models.TimeField(_("orders of the day until"), null=True, blank=True)
    # Minutes from confirmation to being ready; days on top for provincial sellers.
    preparation_minutes = models.PositiveIntegerField(_("minutes to prepare"), default=240)
    lead_days = models.PositiveSmallIntegerField(_("days on the way"), default=0)
    is_active = models.BooleanField(_("open for orders"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: models.Manager[Seller] = models.Manager()

    class Meta:
        verbose_name = _("seller")
        verbose_name_plural = _("sellers")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["restaurant", "shop", "producer"]), name="seller_kind_known"),
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="seller_opens_before_closing"),
            models.CheckConstraint(
                condition=Q(cut_off__isnull=True) | Q(cut_off__gt=F("opens_at")), name="seller_cut_off_after_opening"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return addresses.of_word("catalog:seller", self.slug)

    @property
    def readiness(self) -> str:
        """준비 1시간, 준비 3일."""
        return wording.readiness(self)
