"""What the shop keeps of settling with the network: its files and their lines, explanations, finished days.

Append-only, like all history; `sql/0004_settlement.sql` holds the guards and the one join of files and answers.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from okryu.money import LIMIT


class SettlementFile(models.Model):
    """A day's file as the network sent it, accepted whole. One a day; `id` is made from its bytes."""

    id = models.UUIDField(primary_key=True)
    cut = models.OneToOneField(
        "payments.DayCut", models.PROTECT, related_name="settlement_file", verbose_name=_("closed day")
    )
    content = models.BinaryField()
    lines = models.PositiveIntegerField(_("lines"))
    captured = models.BigIntegerField(_("captured"))
    returned = models.BigIntegerField(_("returned"))  # refunds and chargebacks
    created_at = models.DateTimeField(_("imported at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("settlement file")
        verbose_name_plural = _("settlement files")
        constraints = [
            models.CheckConstraint(condition=Q(captured__gte=0, returned__gte=0), name="settlement_file_sums_positive")
        ]

    def __str__(self) -> str:
        return f"{self.cut} · {self.lines}"


class SettlementLine(models.Model):
    """One line of a file. `id` is the question's, or a chargeback's case: an id stands in one file for ever."""

    class Verb(models.TextChoices):
        CAPTURE = "capture", _("capture")
        REFUND = "refund", _("refund")
        CHARGEBACK = "chargeback", _("chargeback")

    id = models.UUIDField(primary_key=True)
    # A trigger checks it once for all lines of a statement, not once a line.
    file = models.ForeignKey(
        SettlementFile, models.PROTECT, related_name="entries", db_constraint=False, db_index=False,
        verbose_name=_("settlement file"),
    )  # fmt: skip
    position = models.PositiveIntegerField(_("line"))
    verb = models.CharField(_("what"), max_length=10, choices=Verb.choices)
    amount = models.BigIntegerField(_("amount"))
    network_seq = models.BigIntegerField(_("network's number"))
    at = models.DateTimeField(_("at"))
    capture = models.UUIDField(_("disputed capture"), null=True, blank=True)

    class Meta:
        verbose_name = _("line of a settlement file")
        verbose_name_plural = _("lines of settlement files")
        constraints = [
            models.UniqueConstraint(fields=["file", "position"], name="settlement_line_one_per_place"),
            models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="settlement_line_amount_in_range"),
            models.CheckConstraint(
                condition=Q(verb__in=["capture", "refund"], capture__isnull=True)
                | Q(verb="chargeback", capture__isnull=False),
                name="settlement_line_verb_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.verb} {self.amount}"


class Explanation(models.Model):
    """Why a difference between the network's file and our books may stand. By a person, for ever."""

    cut = models.ForeignKey(
        "payments.DayCut", models.PROTECT, related_name="explanations", db_index=False, verbose_name=_("closed day")
    )
    about = models.UUIDField(_("about"))  # the line's or the question's id
    state = models.CharField(_("difference"), max_length=12)  # of reconciliation.State
    reason = models.CharField(_("reason"), max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person"))
    created_at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("explanation")
        verbose_name_plural = _("explanations")
        constraints = [
            models.UniqueConstraint(fields=["cut", "about", "state"], name="explanation_once"),
            models.CheckConstraint(
                condition=Q(state__in=["differs", "network_only", "shop_only"]), name="explanation_of_a_break"
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="explanation_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.about} {self.state}: {self.reason}"


class Settlement(models.Model):
    """A closed day that is finished: all of its file booked, sellers and couriers paid. Without one it still waits."""

    cut = models.OneToOneField(
        "payments.DayCut", models.PROTECT, primary_key=True, related_name="settlement", verbose_name=_("closed day")
    )
    # None: settled before the network sent files.
    file = models.OneToOneField(
        SettlementFile, models.PROTECT, null=True, related_name="settlement", verbose_name=_("settlement file")
    )
    received = models.BigIntegerField(_("received"), db_default=0, default=0)
    returned = models.BigIntegerField(_("given back"), db_default=0, default=0)
    paid_out = models.BigIntegerField(_("paid out"), db_default=0, default=0)
    payouts = models.PositiveIntegerField(_("payouts"), db_default=0, default=0)
    created_at = models.DateTimeField(_("settled at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("settled day")
        verbose_name_plural = _("settled days")
        constraints = [
            models.CheckConstraint(
                condition=Q(received__gte=0, returned__gte=0, paid_out__gte=0), name="settlement_sums_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cut}: {self.paid_out}"
