"""Days on which nobody answers: the country's holidays and each seller's own closing days."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from catalog.models import Seller


class Holiday(models.Model):
    """A day on which shops and producers rest, as on Sundays. Restaurants and couriers work."""

    day = models.DateField(_("day"), unique=True)
    name_ko_kp = models.CharField(_("name in Korean"), max_length=60)
    name_en = models.CharField(_("name in English"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"

    @property
    def name(self) -> str:
        english = (get_language() or "").startswith("en")
        return (self.name_en if english else "") or self.name_ko_kp


class SellerClosing(models.Model):
    """Days in a row on which one seller neither answers nor prepares. Made by orders.workdays.close_seller."""

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="closings", verbose_name=_("seller"))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    note = models.CharField(_("reason"), max_length=120, blank=True)  # for the bureau; shoppers are not told
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    made_at = models.DateTimeField(_("made at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("closing days")
        verbose_name_plural = _("closing days")
        ordering = ["-first_day", "seller"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "first_day"], name="closing_once_from_a_day"),
            models.CheckConstraint(
                # Whoever closes for longer is taken off the list: then no page looks years ahead for an open day.
                condition=Q(last_day__gte=F("first_day")) & Q(last_day__lte=F("first_day") + timedelta(days=366)),
                name="closing_days_in_order",
            ),
        ]
        indexes = [models.Index(fields=["last_day"], name="closing_until")]

    def __str__(self) -> str:
        return f"{self.seller} {self.first_day} – {self.last_day}"
