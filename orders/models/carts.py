"""Carts: what a shopper means to order."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import ProductVariant


class Cart(models.Model):
    """A server-side cart: a member's, or a visitor's known by the token in a cookie."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="cart")
    # SHA-256 of the visitor's cookie: a copy of the database opens nobody's cart.
    token_digest = models.CharField(max_length=64, null=True, blank=True, unique=True)
    # Issued when /checkout/ is opened, spent by placing; a resubmission finds the order by it.
    checkout_token = models.UUIDField(default=uuid.uuid4)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, token_digest__isnull=True)
                | Q(user__isnull=True, token_digest__isnull=False),
                name="cart_of_member_or_visitor",
            )
        ]
        indexes = [models.Index(fields=["updated_at"], name="cart_updated")]

    def __str__(self) -> str:
        return f"cart of {self.user_id or 'a visitor'}"


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    variant = models.ForeignKey(ProductVariant, models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    # The price the shopper saw when putting it in: a change since then is told.
    shown_price = models.PositiveBigIntegerField()
    packed_apart = models.BooleanField(db_default=False, default=False)  # asked for; counts where the variant can be
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_line_once_per_variant"),
            models.CheckConstraint(condition=Q(quantity__range=(1, 99)), name="cart_line_quantity_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant_id}"
