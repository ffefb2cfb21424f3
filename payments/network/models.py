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
        permissions = [("run_card_desk", _("Can work at the card desk"))]

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
    def left(self) -> int:
        """Whole won neither captured nor released."""
        return self.amount - self.captured - self.released

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


class Instruction(models.Model):
    """What a holder told the network to do with money on a card, decided once: send it on, or pay it out in cash.

    `id` is the key the form carried; it is the transfer's id as well. A refusal is kept with its code for ever.
    """

    class Kind(models.TextChoices):
        SEND = "send", _("send to another card")
        REDEEM = "redeem", _("pay out in cash")

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="instructions", db_index=False, verbose_name=_("account")
    )
    payee = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("payee"))
    last4 = models.CharField(_("last four digits"), max_length=4)
    payee_last4 = models.CharField(_("payee's last four digits"), max_length=4, blank=True, db_default="", default="")
    amount = models.BigIntegerField(_("amount"))
    fee = models.BigIntegerField(_("fee"), db_default=0, default=0)
    code = models.CharField(_("code"), max_length=2)
    created_at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("instruction")
        verbose_name_plural = _("instructions")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__range=(1, LIMIT), fee__range=(0, LIMIT)), name="instruction_amount_in_range"
            ),
            models.CheckConstraint(
                condition=Q(kind="send", payee__isnull=False) | Q(kind="redeem", payee__isnull=True, fee=0),
                name="instruction_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(payee__isnull=True) | ~Q(payee=F("account")), name="instruction_between_two_accounts"
            ),
        ]
        indexes = [models.Index(fields=["account", "created_at"], name="instruction_recent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.code}"


class Claim(models.Model):
    """A holder says that a `send` was a mistake; whoever received it agrees or refuses. Decided once.

    Agreed is a `send` back, whole and without a fee, whose transfer has this claim's id.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        AGREED = "agreed", _("agreed")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("expired")

    id = models.UUIDField(primary_key=True)
    instruction = models.OneToOneField(Instruction, models.PROTECT, related_name="claim", verbose_name=_("sending"))
    reason = models.CharField(_("reason"), max_length=300)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, db_default="open", default=State.OPEN)
    created_at = models.DateTimeField(_("claimed at"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("can be answered until"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | Q(state__in=["agreed", "refused", "expired"], decided_at__isnull=False),
                name="claim_decided_with_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="claim_has_a_reason"),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="open"), name="claim_open")]

    def __str__(self) -> str:
        return f"{self.instruction_id} {self.state}"


class LoadProposal(models.Model):
    """A load too large for one person: one proposes it, another agrees or refuses. Decided once."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        AGREED = "agreed", _("agreed")
        REFUSED = "refused", _("refused")

    id = models.UUIDField(primary_key=True)  # the key the form carried
    deposit = models.UUIDField(_("deposit"))  # uuid5 of the bank's deposit line: the load's id
    line = models.CharField(_("deposit line"), max_length=40)
    card = models.ForeignKey(Card, models.PROTECT, related_name="load_proposals", verbose_name=_("card"))
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name=_("account"))
    amount = models.BigIntegerField(_("amount"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, db_default="open", default=State.OPEN)
    # The bank's people are known to the network by number; the phone is there for reading.
    proposed_by = models.BigIntegerField(_("proposed by"))
    proposed_phone = models.CharField(_("proposed by"), max_length=20)
    decided_by = models.BigIntegerField(_("decided by"), null=True, blank=True)
    decided_phone = models.CharField(_("decided by"), max_length=20, blank=True, db_default="", default="")
    created_at = models.DateTimeField(_("proposed at"), db_default=Now(), editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposed load")
        verbose_name_plural = _("proposed loads")
        constraints = [
            models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="load_proposal_amount_in_range"),
            models.CheckConstraint(
                condition=Q(state="open", decided_by__isnull=True, decided_at__isnull=True)
                | Q(state__in=["agreed", "refused"], decided_by__isnull=False, decided_at__isnull=False),
                name="load_proposal_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="agreed") | ~Q(decided_by=F("proposed_by")), name="load_proposal_two_persons"
            ),
            models.UniqueConstraint(
                fields=["deposit"], condition=Q(state__in=["open", "agreed"]), name="load_proposal_one_per_deposit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} {self.amount} {self.state}"


class Act(models.Model):
    """What was done with a card at the desk or by its holder, by whom and with which answer. Never changed.

    `id` is the key the form carried: the same form again finds its act and does nothing.
    """

    class Kind(models.TextChoices):
        ISSUED = "issued", _("Card issued")
        LOADED = "loaded", _("Topped up")
        PROPOSED = "proposed", _("Top-up proposed")
        AGREED = "agreed", _("Top-up agreed")
        REFUSED = "refused", _("Top-up refused")
        REDEEMED = "redeemed", _("Paid out")
        LOST = "lost", _("Reported lost")
        STOLEN = "stolen", _("Reported stolen")
        REPLACED = "replaced", _("Replaced by another card")
        BLOCKED = "blocked", _("Blocked")
        UNBLOCKED = "unblocked", _("Block lifted")
        PIN = "pin", _("New PIN")
        LIMITS = "limits", _("Limits changed")
        CLAIMED = "claimed", _("Mistaken sending claimed")
        ANSWERED = "answered", _("Claim answered")

    id = models.UUIDField(primary_key=True)
    card = models.ForeignKey(Card, models.PROTECT, related_name="acts", db_index=False, verbose_name=_("card"))
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    code = models.CharField(_("code"), max_length=2, db_default="00", default="00")
    detail = models.CharField(_("detail"), max_length=120, blank=True, db_default="", default="")
    # Who at the desk; None where the holder did it on /card/.
    staff_id = models.BigIntegerField(_("member of staff"), null=True, blank=True)
    staff_phone = models.CharField(_("by"), max_length=20, blank=True, db_default="", default="")
    created_at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("act at the card desk")
        verbose_name_plural = _("acts at the card desk")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "issued", "loaded", "proposed", "agreed", "refused", "redeemed", "lost", "stolen", "replaced",
                        "blocked", "unblocked", "pin", "limits", "claimed", "answered",
                    ]
                ),
                name="act_kind_known",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["card", "-created_at"], name="act_of_card")]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


class Chargeback(models.Model):
    """Captured money the network takes back for a cardholder who disputes it. `id` is the case's number.

    The refund that moves it carries the same id; the shop reads of it in the day's settlement file.
    """

    id = models.UUIDField(primary_key=True)
    capture = models.UUIDField(_("capture"), db_index=True)  # the shop's message id of what is disputed
    amount = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("reason"), max_length=200)
    created_at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("chargeback")
        verbose_name_plural = _("chargebacks")
        constraints = [models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="chargeback_amount_in_range")]

    def __str__(self) -> str:
        return f"{self.capture} −{self.amount}"
