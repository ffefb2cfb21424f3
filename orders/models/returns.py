"""Goods a shopper sends back: asked, answered, inspected. What is refunded stands in the payment's own rows."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from orders.models.orders import OrderLine, Parcel


class Return(models.Model):
    class Status(models.TextChoices):
        ASKED = "asked", _("Asked for")
        ACCEPTED = "accepted", _("Accepted: the goods may come back")
        REFUSED = "refused", _("Refused")
        CLOSED = "closed", _("Inspected and refunded")

    OPEN = (Status.ASKED, Status.ACCEPTED)

    class Reason(models.TextChoices):
        UNWANTED = "unwanted", _("I do not need it; it is unopened")
        WRONG = "wrong", _("It is not what I ordered")
        BROKEN = "broken", _("It is broken or does not work")
        SPOILED = "spoiled", _("It is spoiled food")

    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="returns", verbose_name=_("parcel"))
    number = models.PositiveSmallIntegerField(_("number"))  # 1, 2, … within the parcel: the public id
    key = models.UUIDField(unique=True, editable=False)  # the form's: posted again it is this return
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.ASKED)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    is_opened = models.BooleanField(_("opened"), default=False)
    words = models.CharField(_("what the member says"), max_length=300, blank=True)
    asked_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)
    answer = models.CharField(_("answer"), max_length=300, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    inspected_at = models.DateTimeField(_("inspected at"), null=True, blank=True)

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        ordering = ["id"]
        permissions = [("handle_return", _("Can answer and inspect returns"))]
        constraints = [
            models.UniqueConstraint(fields=["parcel", "number"], name="return_number_once_per_parcel"),
            models.CheckConstraint(
                condition=Q(status="asked", answered_at__isnull=True)
                | Q(~Q(status="asked"), answered_at__isnull=False),
                name="return_answered_with_time",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", inspected_at__isnull=False) | ~Q(status="closed"),
                name="return_closed_after_inspection",
            ),
            models.CheckConstraint(condition=~Q(status="refused") | ~Q(answer=""), name="return_refused_with_words"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=["asked", "accepted"]), name="return_open"),
        ]

    def __str__(self) -> str:
        return f"{self.parcel}/{self.number}"


class ReturnLine(models.Model):
    goods_return = models.ForeignKey(Return, models.CASCADE, related_name="lines", verbose_name=_("return"))
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+", verbose_name=_("order line"))
    quantity = models.PositiveSmallIntegerField(_("quantity"))
    # What the inspection found as it should be and refunded; None until then.
    taken_quantity = models.PositiveSmallIntegerField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("line of a return")
        verbose_name_plural = _("lines of returns")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["goods_return", "line"], name="return_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1) & (Q(taken_quantity__isnull=True) | Q(taken_quantity__lte=F("quantity"))),
                name="return_takes_no_more_than_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line_id}"


class ReturnPhotograph(models.Model):
    """What the member photographed, drawn anew as a JPEG. In the database: no address of a file leads to it."""

    goods_return = models.OneToOneField(Return, models.CASCADE, primary_key=True, related_name="photograph")
    jpeg = models.BinaryField()

    class Meta:
        verbose_name = _("photograph of a return")
        verbose_name_plural = _("photographs of returns")

    def __str__(self) -> str:
        return f"{self.goods_return_id}"
