"""Goods that sellers offer by themselves and the bureau has to approve."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product


class GoodsOffer(models.Model):
    """A seller's own product, hidden until the bureau approves it. Written by catalog/goods_offers.py."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for the bureau")
        APPROVED = "approved", _("On sale")
        REFUSED = "refused", _("Refused")

    # The form's one-time token: any resubmission lands on this offer. Its public name, too.
    token = models.UUIDField(unique=True, editable=False)
    product = models.OneToOneField(Product, models.PROTECT, related_name="offer", verbose_name=_("product"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    offered_at = models.DateTimeField(_("offered at"), db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)  # of a refusal, for the seller

    objects: models.Manager[GoodsOffer] = models.Manager()

    class Meta:
        verbose_name = _("offer of goods")
        verbose_name_plural = _("offers of goods")
        ordering = ["-pk"]
        default_permissions = ()
        permissions = [
            ("offer_goods", _("Can offer goods and see what became of them")),
            ("decide_goods", _("Can approve and refuse goods that sellers offer")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | ~Q(state="waiting") & Q(decided_at__isnull=False),
                name="offer_decided_with_time",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="offers_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return str(self.product)
