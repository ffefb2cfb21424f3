"""The shop's side of money: accounts, the one table of transfers, payments, questions to the network, closed days.

Two books share the table of transfers. The *card book* is what the card network owes (cards, merchant,
fees, float); the *shop book* is what the shop is owed and owes (network, sellers, commission, delivery,
promotion, bank). No allowed kind crosses the books. The guards in `sql/guards.sql` keep every promise made
here whatever the application does: history is append-only, totals move only with transfers and answers.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from okryu.money import LIMIT


class Account(models.Model):
    """One side of money. Never changed, never deleted."""

    class Kind(models.TextChoices):
        FLOAT = "float", _("deposits behind the cards")
        CARD = "card", _("card")
        MERCHANT = "merchant", _("shop at the network")
        FEES = "fees", _("network fees")
        NETWORK = "network", _("owed by the network")
        SELLER = "seller", _("seller")
        COMMISSION = "commission", _("commission")
        DELIVERY = "delivery", _("delivery")
        PROMOTION = "promotion", _("vouchers")
        BANK = "bank", _("bank")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # Whose: a seller's id, a card account's number at the network; empty where there is only one.
    owner = models.CharField(_("owner"), max_length=64, blank=True, db_default="", default="")
    currency = models.CharField(_("currency"), max_length=3, db_default="KPW", default="KPW")
    opened_at = models.DateTimeField(_("opened at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["kind", "owner"], name="account_one_per_owner"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "float", "card", "merchant", "fees",
                        "network", "seller", "commission", "delivery", "promotion", "bank",
                    ]
                ),
                name="account_kind_known",
            ),
            models.CheckConstraint(condition=Q(currency="KPW"), name="account_won_only"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.owner}".strip()


class TransferKind(models.Model):
    """One allowed shape of a transfer: which account kinds it joins and which role may write it. Sealed."""

    kind = models.CharField(_("kind"), max_length=16, primary_key=True)
    debit = models.CharField(_("debit"), max_length=10)
    credit = models.CharField(_("credit"), max_length=10)
    role = models.CharField(_("written by"), max_length=16)  # shop_app, network_app or bank_desk

    class Meta:
        verbose_name = _("kind of transfer")
        verbose_name_plural = _("kinds of transfers")

    def __str__(self) -> str:
        return f"{self.kind}: {self.debit} → {self.credit}"


class Transfer(models.Model):
    """One movement of money, for ever: debits one account and credits another by the same amount."""

    seq = models.BigAutoField(primary_key=True)
    # The message that caused it (card book) or uuid5(message, kind) (shop book): a repeat moves nothing.
    uuid = models.UUIDField(unique=True, db_column="id", default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=16)
    # No foreign key in the database: checking one would churn the row of a busy seller. A trigger checks both.
    debit_account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False, verbose_name=_("debit")
    )
    credit_account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False, verbose_name=_("credit")
    )
    amount = models.BigIntegerField(_("amount"))  # whole won
    # The authorisation (card book), the payment (shop book), or what else it is about.
    reference = models.UUIDField(_("about"))
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="transfer_amount_in_range"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfer_between_two_accounts"
            ),
        ]
        indexes = [
            models.Index(fields=["debit_account", "seq"], include=["amount"], name="transfer_debits"),
            models.Index(fields=["credit_account", "seq"], include=["amount"], name="transfer_credits"),
            models.Index(fields=["reference"], name="transfer_about"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.amount}"


class Payment(models.Model):
    """One attempt to pay one order. Its totals are kept by the database from transfers and answers."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for the network")
        AUTHORISED = "authorised", _("held on the card")
        DONE = "done", _("captured or released in full")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("cancelled")

    # The key the payment page carried: any repetition of the form is this payment.
    id = models.UUIDField(primary_key=True)
    order_code = models.CharField(_("order"), max_length=12)
    amount = models.BigIntegerField(_("amount"))
    captured = models.BigIntegerField(_("captured"), db_default=0, default=0)
    refunded = models.BigIntegerField(_("refunded"), db_default=0, default=0)
    released = models.BigIntegerField(_("released"), db_default=0, default=0)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, db_default="pending", default=State.PENDING
    )
    # What the network answered in the end: 00, or why not (words.py). None while nothing is known.
    code = models.CharField(_("code"), max_length=2, null=True, blank=True)
    last4 = models.CharField(_("card"), max_length=4, blank=True, db_default="", default="")
    expires_at = models.DateTimeField(_("held until"), null=True, blank=True)  # the network's word
    created_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="payment_amount_in_range"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, released__gte=0, refunded__lte=F("captured"))
                & Q(amount__gte=F("captured") + F("released")),
                name="payment_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "authorised", "done", "declined", "cancelled"]),
                name="payment_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["authorised", "done"]) | Q(captured=0),
                name="payment_captured_only_when_authorised",
            ),
            # Done is a fact, not a flag: nothing is held any more.
            models.CheckConstraint(
                condition=(Q(state="done") & Q(amount=F("captured") + F("released")))
                | ~Q(state__in=["authorised", "done"])
                | (Q(state="authorised") & Q(amount__gt=F("captured") + F("released"))),
                name="payment_done_when_used_up",
            ),
            models.UniqueConstraint(
                fields=["order_code"],
                condition=Q(state__in=["pending", "authorised", "done"]),
                name="payment_one_live_per_order",
            ),
        ]
        indexes = [
            models.Index(fields=["order_code", "-created_at"], name="payment_of_order"),
            # The second condition keeps a search by id and state, as the triggers do it, off this index: while hardly
            # any payment is held it looks the cheaper way in, and then it is read whole for each of thousands.
            models.Index(
                fields=["expires_at"],
                condition=Q(state="authorised", expires_at__isnull=False),
                name="payment_expiring",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_code} {self.amount} {self.state}"

    @property
    def held(self) -> int:
        """Whole won still kept back on the card for this payment."""
        return self.amount - self.captured - self.released if self.state == self.State.AUTHORISED else 0


class Message(models.Model):
    """One question to the network and its one answer. Written before the call, answered once."""

    class Verb(models.TextChoices):
        AUTHORISE = "authorise", _("authorise")
        CAPTURE = "capture", _("capture")
        RELEASE = "release", _("release")
        REFUND = "refund", _("refund")
        REVERSE = "reverse", _("reverse")

    id = models.UUIDField(primary_key=True)  # uuid5(payment, verb:parcel:part)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="messages", verbose_name=_("payment"))
    verb = models.CharField(_("question"), max_length=10, choices=Verb.choices)
    parcel = models.PositiveSmallIntegerField(_("parcel"), null=True, blank=True)  # its number in the order
    # Which release or refund of that parcel: a line, a return number.
    part = models.CharField(_("part"), max_length=40, blank=True, db_default="", default="")
    # Whose goods; an id of the catalogue, which this app does not know.
    seller_id = models.BigIntegerField(_("seller"), null=True, blank=True)
    amount = models.BigIntegerField(_("amount"))
    goods = models.BigIntegerField(_("goods"), db_default=0, default=0)
    fare = models.BigIntegerField(_("delivery fee"), db_default=0, default=0)
    # What the bureau adds or takes back because a voucher paid it: not part of `amount`.
    subsidy = models.BigIntegerField(_("voucher"), db_default=0, default=0)
    commission_bp = models.PositiveSmallIntegerField(_("commission, basis points"), db_default=0, default=0)
    tries = models.PositiveIntegerField(_("tries"), db_default=0, default=0)
    next_at = models.DateTimeField(_("asked again at"))
    tried_at = models.DateTimeField(_("last tried at"), null=True, blank=True)
    code = models.CharField(_("code"), max_length=2, null=True, blank=True)
    # The network's own reference for the receipt; a chargeback's settlement file.
    ref = models.CharField(_("network reference"), max_length=32, blank=True, db_default="", default="")
    file_id = models.UUIDField(_("settlement file"), null=True, blank=True)
    created_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("question to the network")
        verbose_name_plural = _("questions to the network")
        permissions = [("ask_network", _("Can see what the network has not answered, and ask again"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(verb__in=["authorise", "capture", "release", "refund", "reverse"]),
                name="message_verb_known",
            ),
            models.CheckConstraint(condition=Q(amount__range=(1, LIMIT)), name="message_amount_in_range"),
            models.CheckConstraint(
                condition=Q(verb__in=["capture", "refund"], seller_id__isnull=False, amount=F("goods") + F("fare"))
                | (~Q(verb__in=["capture", "refund"]) & Q(goods=0, fare=0, subsidy=0)),
                name="message_amount_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(goods__gte=0, fare__gte=0, subsidy__gte=0), name="message_parts_positive"
            ),
            models.CheckConstraint(
                condition=Q(code__isnull=True, answered_at__isnull=True)
                | Q(code__isnull=False, answered_at__isnull=False),
                name="message_answered_with_time",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(code__isnull=True), name="message_due")]

    def __str__(self) -> str:
        return f"{self.verb} {self.amount} {self.code or '…'}"


class DayCut(models.Model):
    """The end of a day: the last transfer that belongs to it. Quiet days share a seq."""

    day = models.DateField(_("day"), unique=True)
    seq = models.BigIntegerField(_("last transfer"))
    made_at = models.DateTimeField(_("made at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")

    def __str__(self) -> str:
        return f"{self.day} ≤ {self.seq}"


class Closing(models.Model):
    """What an account that moved since the cut before held at a cut: credits minus debits."""

    pk = models.CompositePrimaryKey("account_id", "cut_id")
    account = models.ForeignKey(Account, models.PROTECT, related_name="closings", db_index=False)
    cut = models.ForeignKey(DayCut, models.PROTECT, related_name="closings")
    balance = models.BigIntegerField()  # negative where a seller owes after a late refund

    class Meta:
        verbose_name = _("closing balance")
        verbose_name_plural = _("closing balances")

    def __str__(self) -> str:
        return f"{self.account_id} at {self.cut_id}: {self.balance}"


class Seal(models.Model):
    """A closed day's digest, chained to the day before: tampering shows and no writer ever waits for it."""

    cut = models.OneToOneField(DayCut, models.PROTECT, primary_key=True, related_name="seal")
    digest = models.BinaryField()

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class MemberCard(models.Model):
    """A member's card as the shop knows it: a token of the network and four digits to recognise it by."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="cards", verbose_name=_("member"))
    token = models.UUIDField(_("token"))
    last4 = models.CharField(_("last four digits"), max_length=4)
    linked_at = models.DateTimeField(_("linked at"), db_default=Now(), editable=False)
    unlinked_at = models.DateTimeField(_("unlinked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("member's card")
        verbose_name_plural = _("members' cards")
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(unlinked_at__isnull=True), name="member_card_one_linked"
            ),
            models.CheckConstraint(condition=Q(last4__regex=r"^[0-9]{4}$"), name="member_card_four_digits"),
        ]

    def __str__(self) -> str:
        return f"•••• {self.last4}"


class AuditRun(models.Model):
    """One audit: when, how long, what it found. The nightly job, the command and staff begin one each.

    What it found is the database's own word: a run goes on by raising `done` by one (audit_run_step in
    sql/0007_said_by_the_database.sql), and nothing else of it can be written.
    """

    class Subject(models.TextChoices):
        LEDGER = "ledger", _("ledger")
        ORDERS = "orders", _("orders")

    subject = models.CharField(
        _("what is audited"), max_length=10, choices=Subject.choices, db_default="ledger", default=Subject.LEDGER
    )
    started_at = models.DateTimeField(_("started at"), db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    done = models.PositiveSmallIntegerField(_("audits done"), db_default=0, default=0)
    # Filled in at the end; sums are whole won, by name: ledger_counted(), orders_counted().
    is_clean = models.BooleanField(_("all in order"), null=True, blank=True)
    counted = models.JSONField(_("sums"), default=dict, blank=True)
    findings = models.JSONField(_("breaks"), default=list, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")
        constraints = [
            models.CheckConstraint(condition=Q(subject__in=["ledger", "orders"]), name="audit_run_subject_known")
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


# The settlement's tables have a file of their own; Django looks for them here.
from payments import settlement_models  # noqa: E402, F401
