"""The simulated network and issuer: what a card can spend, what is kept back on it, what was asked of it.

No card number, holder's name or PIN is stored: only digests under keys that live outside the database.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from okryu.money import LIMIT
from payments.models import Account


def shown_code(code: str) -> str:
    """The shop's order code as people read it out: 7K3M-Q9XB."""
    return f"{code[:4]}-{code[4:]}" if code else ""


class Balance(models.Model):
    """What a card account holds and how much of it is kept back: the one row a payment locks.

    Written by the ledger's triggers and by nothing else.
    """

    account = models.OneToOneField(Account, models.PROTECT, primary_key=True, related_name="balance")
    posted = models.BigIntegerField(_("posted"), db_default=0, default=0)
    held = models.BigIntegerField(_("held"), db_default=0, default=0)
    # Not a column: the database's clock at the lock, read with the row (verbs.py).
    now: datetime

    class Meta:
        verbose_name = _("card balance")
        verbose_name_plural = _("card balances")
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0, held__lte=F("posted")), name="balance_never_overdrawn")
        ]

    def __str__(self) -> str:
        return f"{self.posted} ({self.held})"


class Card(models.Model):
    """One piece of plastic. A replacement closes this row and opens another on the same account."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        BLOCKED = "blocked", _("blocked")
        LOST = "lost", _("lost")
        STOLEN = "stolen", _("stolen")
        CLOSED = "closed", _("closed")

    # What the network hands out in place of the number, to one shop.
    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="cards", verbose_name=_("account"))
    number_mac = models.BinaryField(unique=True)
    holder_mac = models.BinaryField()
    pin_mac = models.BinaryField()
    key_version = models.PositiveSmallIntegerField(db_default=1, default=1)  # which keys made the digests
    last4 = models.CharField(_("last four digits"), max_length=4)
    resident = models.BooleanField(_("resident's card"), db_default=True, default=True)
    currency = models.CharField(_("currency"), max_length=3, db_default="KPW", default="KPW")
    expires_on = models.DateField(_("valid until"))
    pin_tries = models.PositiveSmallIntegerField(_("wrong PINs"), db_default=0, default=0)
    status = models.CharField(
        _("status"), max_length=8, choices=Status.choices, db_default="active", default=Status.ACTIVE
    )
    per_payment = models.BigIntegerField(_("limit for one payment"), db_default=500_000, default=500_000)
    per_day = models.BigIntegerField(_("limit for one day"), db_default=1_000_000, default=1_000_000)
    count_day = models.PositiveIntegerField(_("payments a day"), db_default=20, default=20)
    issued_at = models.DateTimeField(_("issued at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(status__in=["active", "blocked"]), name="card_one_in_use_per_account"
            ),
            models.CheckConstraint(condition=Q(last4__regex=r"^[0-9]{4}$"), name="card_four_digits"),
            models.CheckConstraint(condition=Q(pin_tries__range=(0, 3)), name="card_three_pin_tries"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "blocked", "lost", "stolen", "closed"]), name="card_status_known"
            ),
            models.CheckConstraint(condition=Q(per_payment__gte=0, per_day__gte=0), name="card_limits_positive"),
        ]

    def __str__(self) -> str:
        return f"•••• {self.last4}"


class Authorisation(models.Model):
    """Every authorisation ever asked, approved or declined, with its code for ever.

    `id` is the asker's message id. A row of amount 0 and code 68 without an account is the tombstone of
    a reversal that overtook its authorisation.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        REVERSED = "reversed", _("reversed")
        EXPIRED = "expired", _("expired")
        DECLINED = "declined", _("declined")

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="authorisations", db_index=False,
        verbose_name=_("account"),
    )  # fmt: skip
    merchant_reference = models.CharField(_("order"), max_length=32, blank=True, db_default="", default="")
    last4 = models.CharField(_("last four digits"), max_length=4, blank=True, db_default="", default="")
    amount = models.BigIntegerField(_("amount"))
    captured = models.BigIntegerField(_("captured"), db_default=0, default=0)
    refunded = models.BigIntegerField(_("refunded"), db_default=0, default=0)
    released = models.BigIntegerField(_("released"), db_default=0, default=0)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    code = models.CharField(_("code"), max_length=2)
    expires_at = models.DateTimeField(_("held until"))
    created_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("authorisation")
        verbose_name_plural = _("authorisations")
        constraints = [
            models.CheckConstraint(condition=Q(amount__range=(0, LIMIT)), name="authorisation_amount_in_range"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, released__gte=0, refunded__lte=F("captured"))
                & Q(amount__gte=F("captured") + F("released")),
                name="authorisation_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "done", "reversed", "expired", "declined"]),
                name="authorisation_state_known",
            ),
            models.CheckConstraint(
                condition=(Q(code="00") & ~Q(state="declined")) | (~Q(code="00") & Q(state="declined")),
                name="authorisation_decided",
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(state="declined"), name="authorisation_owned"
            ),
            models.CheckConstraint(
                condition=(Q(state="open") & Q(amount__gt=F("captured") + F("released")))
                | (Q(state="done") & Q(amount=F("captured") + F("released")))
                | ~Q(state__in=["open", "done"]),
                name="authorisation_done_when_used_up",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "expires_at"], condition=Q(state="open"), name="authorisation_open"),
            models.Index(fields=["account", "created_at"], name="authorisation_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_reference} {self.amount} {self.state}"

    @property
    def held(self) -> int:
        """Whole won still kept back."""
        return self.amount - self.captured - self.released if self.state == self.State.OPEN else 0

    @property
    def shown_reference(self) -> str:
        return shown_code(self.merchant_reference)


class Release(models.Model):
    """Part of an open authorisation given back to the card. `id` is the asker's message id."""

    id = models.UUIDField(primary_key=True)
    authorisation = models.ForeignKey(
        Authorisation, models.PROTECT, related_name="releases", verbose_name=_("authorisation")
    )
    amount = models.BigIntegerField(_("amount"))
    created_at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        constraints = [models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="release_amount_in_range")]

    def __str__(self) -> str:
        return f"{self.authorisation_id} −{self.amount}"
