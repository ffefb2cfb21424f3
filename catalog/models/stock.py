"""What stands on the shelf, and every change of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models.products import ProductVariant


class Stock(models.Model):
    """How many pieces of a variant stand on the shelf and how many of them are promised.

    Its own row, so that an edit of a variant's name can never write back an old count. Changed only by
    catalog/stock.py, which writes the movement in the same transaction.
    """

    variant = models.OneToOneField(
        ProductVariant, models.PROTECT, primary_key=True, related_name="stock", verbose_name=_("variant")
    )
    on_hand = models.PositiveIntegerField(_("on hand"), default=0)
    reserved = models.PositiveIntegerField(_("reserved"), default=0)
    low_threshold = models.PositiveIntegerField(_("low from"), default=5)

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stock")
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            )
        ]

    def __str__(self) -> str:
        return f"{self.available}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class StockMovement(models.Model):
    """One change of a stock row, for ever. The sums of a variant's movements are its stock row."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Goods received")
        HOLD = "hold", _("Held for an order")
        RELEASE = "release", _("Released")
        SALE = "sale", _("Sale")
        RETURN = "return", _("Return")
        COUNT = "count", _("Count")
        LOSS = "loss", _("Loss")

    stock = models.ForeignKey(Stock, models.PROTECT, related_name="movements", verbose_name=_("stock"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    on_hand_change = models.IntegerField(_("on hand"))
    reserved_change = models.IntegerField(_("reserved"))
    # What caused it, e.g. an order line's id or an import's row: the same cause never counts twice.
    cause = models.CharField(_("cause"), max_length=80)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["stock", "kind", "cause"], name="stock_movement_once_per_cause"),
            models.CheckConstraint(
                condition=~Q(on_hand_change=0, reserved_change=0), name="stock_movement_changes_something"
            ),
            # Not asked of the rows of before it was a rule: history is never written anew.
            models.CheckConstraint(condition=~Q(kind="loss", note=""), name="stock_movement_loss_has_its_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on_hand_change:+d}/{self.reserved_change:+d}"


class StockWish(models.Model):
    """A member asks to be told when a sold-out variant can be had again. Told once, then it is gone."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="stock_wishes", verbose_name=_("member")
    )
    variant = models.ForeignKey(ProductVariant, models.CASCADE, related_name="wishes", verbose_name=_("variant"))
    asked_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("back-in-stock notice")
        verbose_name_plural = _("back-in-stock notices")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "variant"], name="stock_wish_once")]

    def __str__(self) -> str:
        return f"{self.variant_id}"
