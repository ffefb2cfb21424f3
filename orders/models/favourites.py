"""Favourites: named lists of goods a member likes to find again, shared by a link when the member wishes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import random_code
from catalog.models import ProductVariant


class FavouriteList(models.Model):
    code = models.CharField(max_length=12, unique=True, default=random_code, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourite_lists", verbose_name=_("member")
    )
    name = models.CharField(_("name"), max_length=40)
    # Who has it may read the list; None is shared with nobody. A link taken back never works again.
    share_token = models.CharField(max_length=32, unique=True, null=True, blank=True, editable=False)
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("list of favourites")
        verbose_name_plural = _("lists of favourites")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="favourite_list_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("orders:favourite-list", args=[self.code])


class Favourite(models.Model):
    list = models.ForeignKey(FavouriteList, models.CASCADE, related_name="entries")
    variant = models.ForeignKey(ProductVariant, models.CASCADE, related_name="+")
    shown_price = models.PositiveBigIntegerField()  # whole won a piece cost when it was put here
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("favourite")
        verbose_name_plural = _("favourites")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["list", "variant"], name="favourite_once_per_list")]

    def __str__(self) -> str:
        return f"{self.variant_id}"
