"""Voucher codes of the bureau and who has used them on which order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from orders.models.orders import Order


class Voucher(models.Model):
    """A code that lowers what a card pays for the goods of an order; the bureau makes the sellers whole."""

    code = models.CharField(
        _("code"), max_length=20, unique=True, help_text=_("Capital letters and digits, as members type it")
    )
    note = models.CharField(_("what it is for"), max_length=200, blank=True)
    # One of the two.
    percent = models.PositiveSmallIntegerField(_("per cent of the goods"), null=True, blank=True)
    amount = models.PositiveBigIntegerField(_("amount in won"), null=True, blank=True)
    most = models.PositiveBigIntegerField(_("at most, in won"), null=True, blank=True)
    minimum_goods = models.PositiveBigIntegerField(_("for goods from, in won"), default=0)
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"))
    limit = models.PositiveIntegerField(_("orders it can be used for"))
    limit_per_member = models.PositiveSmallIntegerField(_("orders of one member"), default=1)
    # Kept by orders/vouchers.py under the row's lock, never edited by hand.
    used = models.PositiveIntegerField(_("used"), db_default=0, default=0, editable=False)
    is_active = models.BooleanField(_("can be used"), default=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ["-valid_until", "code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Z0-9]{4,20}$"),
                name="voucher_code_plain",
                violation_error_message=_("A code has 4 to 20 capital letters and digits."),
            ),
            models.CheckConstraint(
                condition=Q(percent__isnull=False, percent__range=(1, 90), amount__isnull=True)
                | Q(percent__isnull=True, amount__isnull=False, amount__range=(1, 10_000_000)),
                name="voucher_percent_or_amount",
                violation_error_message=_("Give either 1 to 90 per cent or an amount in won."),
            ),
            models.CheckConstraint(
                condition=Q(valid_from__lt=F("valid_until")),
                name="voucher_dates_in_order",
                violation_error_message=_("It must be valid until later than from."),
            ),
            models.CheckConstraint(
                condition=Q(used__lte=F("limit")),
                name="voucher_never_overused",
                violation_error_message=_("It has been used for more orders than that already."),
            ),
            models.CheckConstraint(
                condition=Q(limit_per_member__range=(1, 100)),
                name="voucher_member_limit_in_range",
                violation_error_message=_("One member can use it for 1 to 100 orders."),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class VoucherUse(models.Model):
    """One order that a voucher paid a part of. Given back when the order ends with nothing bought."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="uses", verbose_name=_("voucher"))
    order = models.OneToOneField(Order, models.PROTECT, related_name="voucher_use", verbose_name=_("order"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("member"))
    # The member's first, second, … use of it: unique, so that no two orders at once are both the last one.
    nth = models.PositiveSmallIntegerField(_("of the member"))
    discount = models.PositiveBigIntegerField(_("discount"))
    taken_at = models.DateTimeField(_("used at"), db_default=Now(), editable=False)
    returned_at = models.DateTimeField(_("given back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("use of a voucher")
        verbose_name_plural = _("uses of vouchers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["voucher", "user", "nth"],
                condition=Q(returned_at__isnull=True),
                name="voucher_use_once_per_turn",
            ),
            models.CheckConstraint(condition=Q(discount__gte=1), name="voucher_use_worth_something"),
        ]

    def __str__(self) -> str:
        return f"{self.voucher} · {self.order}"
