"""Orders, parcels, delivery slots: what a shopper asked for and how far it has come."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Neighbourhood, Zone, random_code
from catalog.models import ProductVariant, Seller


def order_code() -> str:
    """A public order code, shown as 7K3M-Q9XB: read out over a bad line, guessed by nobody."""
    return random_code(8)


def handover_code() -> str:
    """Four digits the recipient tells the courier or the seller's counter."""
    return f"{secrets.randbelow(10_000):04d}"


class Vehicle(models.TextChoices):
    MOTORBIKE = "motorbike", _("motorbike")
    VAN = "van", _("van")


class DeliverySlot(models.Model):
    """How many parcels one vehicle kind can bring to one zone in one window, and how many are promised."""

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="slots", verbose_name=_("zone"))
    day = models.DateField(_("day"))
    start_hour = models.PositiveSmallIntegerField()
    end_hour = models.PositiveSmallIntegerField()
    vehicle = models.CharField(_("vehicle"), max_length=10, choices=Vehicle.choices)
    capacity = models.PositiveSmallIntegerField(_("places"))
    taken = models.PositiveSmallIntegerField(_("promised"), default=0)
    # Closed by the bureau: nothing more is promised for it, and what is promised stays so.
    is_closed = models.BooleanField(_("closed"), db_default=False, default=False)

    class Meta:
        verbose_name = _("delivery slot")
        verbose_name_plural = _("delivery slots")
        ordering = ["day", "start_hour"]
        constraints = [
            models.UniqueConstraint(fields=["zone", "day", "start_hour", "vehicle"], name="slot_once_per_window"),
            models.CheckConstraint(
                condition=Q(start_hour__lt=F("end_hour"), end_hour__lte=24), name="slot_hours_in_order"
            ),
            models.CheckConstraint(condition=Q(taken__gte=0) & Q(taken__lte=F("capacity")), name="slot_never_overfull"),
        ]

    def __str__(self) -> str:
        return f"{self.zone_id} {self.day} {self.start_hour}–{self.end_hour} {self.vehicle}"

    @property
    def left(self) -> int:
        """How many more parcels can be promised for it."""
        return 0 if self.is_closed else self.capacity - self.taken


class Order(models.Model):
    """A shopper's order: a snapshot of what was bought, where to, at which price."""

    class Status(models.TextChoices):
        PLACED = "placed", _("Waiting for payment")
        EXPIRED = "expired", _("Expired")
        PAID = "paid", pgettext_lazy("order", "Paid")  # the money is held on the card
        CANCELLED = "cancelled", _("Cancelled")
        CLOSED = "closed", _("Completed")  # every parcel has reached its end

    code = models.CharField(_("code"), max_length=12, unique=True, default=order_code, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", verbose_name=_("member"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PLACED)
    # The form's one-time token: any resubmission lands on this order.
    checkout_token = models.UUIDField(unique=True, editable=False)
    # The key the payment page carries; a decline issues a new one, any other value is out of date.
    payment_key = models.UUIDField(default=uuid.uuid4, editable=False)
    language = models.CharField(max_length=8, default="ko-kp")

    recipient_name = models.CharField(_("recipient"), max_length=60)
    recipient_phone = models.CharField(_("recipient's mobile number"), max_length=10)
    # None when every parcel is collected.
    neighbourhood = models.ForeignKey(
        Neighbourhood,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("neighbourhood"),
    )
    unit = models.CharField(_("neighbourhood unit"), max_length=20, blank=True)
    building = models.CharField(_("building"), max_length=40, blank=True)
    floor = models.CharField(_("floor"), max_length=10, blank=True)
    door = models.CharField(_("door"), max_length=10, blank=True)
    note = models.CharField(_("note for the courier"), max_length=200, blank=True)
    # The courier calls from below and the recipient comes down: lifts often stand still.
    meets_at_entrance = models.BooleanField(_("meets the courier at the entrance"), db_default=False, default=False)
    is_gift = models.BooleanField(_("gift"), default=False)
    gift_text = models.CharField(_("card text"), max_length=200, blank=True)

    # Whole won, as shown and agreed at placing. What was really taken is the payment's.
    goods_total = models.PositiveBigIntegerField(_("goods"))
    delivery_total = models.PositiveBigIntegerField(_("delivery"))
    discount_total = models.PositiveBigIntegerField(_("discount"), default=0)
    total = models.PositiveBigIntegerField(_("total"))

    placed_at = models.DateTimeField(_("placed at"), db_default=Now())
    # Stock and slots are held until then; None once paid, cancelled or expired.
    hold_until = models.DateTimeField(_("held until"), null=True, blank=True)
    hold_extensions = models.PositiveSmallIntegerField(default=0)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    expired_at = models.DateTimeField(_("expired at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(total=F("goods_total") + F("delivery_total") - F("discount_total")),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(condition=Q(total__range=(1, 10_000_000)), name="order_total_in_range"),
            models.CheckConstraint(
                condition=Q(status="placed", hold_until__isnull=False)
                | (~Q(status="placed") & Q(hold_until__isnull=True)),
                name="order_held_only_while_placed",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["paid", "closed"]) | Q(paid_at__isnull=False),
                name="order_paid_with_time",
            ),
            models.CheckConstraint(condition=Q(hold_extensions__lte=4), name="order_hold_extensions_limited"),
        ]
        indexes = [
            models.Index(fields=["hold_until"], name="order_holds", condition=Q(status="placed")),
            models.Index(fields=["user", "-placed_at", "-id"], name="order_of_user"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["paid_at"], name="order_paid"),
        ]

    def __str__(self) -> str:
        return self.shown_code

    def get_absolute_url(self) -> str:
        return reverse("orders:order", args=[self.code])

    @property
    def shown_code(self) -> str:
        return f"{self.code[:4]}-{self.code[4:]}"


class ParcelQuerySet(models.QuerySet["Parcel"]):
    def for_staff(self, user: AbstractBaseUser | AnonymousUser) -> ParcelQuerySet:
        """The paid parcels this person of the bureau may see: all, or those of the sellers they answer for."""
        paid = self.filter(order__paid_at__isnull=False)
        if isinstance(user, PermissionsMixin) and user.has_perm("orders.see_every_parcel"):
            return paid
        return paid.filter(seller__people__user=user.pk)


class Parcel(models.Model):
    """One seller's part of an order, with its own promise, fee and fate."""

    class Status(models.TextChoices):
        AWAITING = "awaiting", _("Waiting for the seller")
        CONFIRMED = "confirmed", _("Confirmed")
        READY = "ready", _("Ready")
        DISPATCHED = "dispatched", _("On its way")
        DELIVERED = "delivered", _("Delivered")
        RETURNED = "returned", _("Returned")
        DECLINED = "declined", _("Declined by the seller")
        CANCELLED = "cancelled", _("Cancelled")
        UNDELIVERABLE = "undeliverable", _("Could not be delivered")

    FINAL = (Status.DELIVERED, Status.RETURNED, Status.DECLINED, Status.CANCELLED, Status.UNDELIVERABLE)

    class Method(models.TextChoices):
        DELIVERY = "delivery", _("Delivery")
        COLLECTION = "collection", _("Collection")

    class Shortage(models.TextChoices):
        SEND_REST = "send_rest", _("Send the rest")
        CALL = "call", _("Call me")
        CANCEL = "cancel", _("Cancel this parcel")

    order = models.ForeignKey(Order, models.PROTECT, related_name="parcels", verbose_name=_("order"))
    number = models.PositiveSmallIntegerField(_("number"))  # 1, 2, … within the order: the public id
    seller = models.ForeignKey(Seller, models.PROTECT, related_name="parcels", verbose_name=_("seller"))
    status = models.CharField(_("status"), max_length=14, choices=Status.choices, default=Status.AWAITING)
    method = models.CharField(_("method"), max_length=10, choices=Method.choices)
    slot = models.ForeignKey(
        DeliverySlot, models.PROTECT, null=True, blank=True, related_name="parcels", verbose_name=_("slot")
    )
    vehicle = models.CharField(_("vehicle"), max_length=10, choices=Vehicle.choices, default=Vehicle.MOTORBIKE)
    weight_g = models.PositiveIntegerField(_("weight in grams"))
    # The promise: a delivery window, or from when to when it can be collected.
    promised_from = models.DateTimeField(_("promised from"))
    promised_until = models.DateTimeField(_("promised until"))
    # The new time of a parcel that is late (orders/lateness.py); the promise stays as it was.
    expected_from = models.DateTimeField(_("expected from"), null=True, blank=True)
    expected_until = models.DateTimeField(_("expected until"), null=True, blank=True)
    # Unanswered by then, a job declines the parcel; set when the order is paid.
    confirm_by = models.DateTimeField(_("answer due"), null=True, blank=True)
    if_short = models.CharField(
        _("if something is missing"), max_length=10, choices=Shortage.choices, default=Shortage.SEND_REST
    )
    fee = models.PositiveBigIntegerField(_("delivery fee"), default=0)
    goods_total = models.PositiveBigIntegerField(_("goods"))
    # Goods of the confirmed lines; None until the seller answered.
    confirmed_total = models.PositiveBigIntegerField(_("confirmed goods"), null=True, blank=True)
    commission_bp = models.PositiveSmallIntegerField(_("commission, basis points"))  # frozen at placing
    handover_code = models.CharField(_("hand-over code"), max_length=4, default=handover_code)
    courier = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=_("courier"),
    )
    # How often nobody was at home, and when the courier phoned on the present try.
    failed_tries = models.PositiveSmallIntegerField(_("tries in vain"), default=0, db_default=0)
    phoned_at = models.DateTimeField(_("phoned at"), null=True, blank=True)
    decline_reason = models.CharField(_("reason"), max_length=200, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)
    # The network's answer to this parcel's capture: nothing leaves before.
    captured_at = models.DateTimeField(_("paid for at"), null=True, blank=True)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    ended_at = models.DateTimeField(
        _("ended at"), null=True, blank=True
    )  # declined, cancelled, returned, undeliverable
    # By when the next step of a paid parcel is due: the answer, the packing, the hand-over. None at its end.
    due_at = models.GeneratedField(
        expression=models.Case(
            models.When(status="awaiting", then=F("confirm_by")),
            models.When(status="confirmed", then=F("promised_from")),
            models.When(status__in=["ready", "dispatched"], then=F("promised_until")),
        ),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
    )

    objects = ParcelQuerySet.as_manager()

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")
        ordering = ["order", "number"]
        permissions = [
            ("see_every_parcel", _("Can see the parcels of every seller")),
            ("answer_parcel", _("Can confirm or decline a parcel")),
            ("prepare_parcel", _("Can mark a parcel ready")),
            ("carry_parcel", _("Can dispatch and hand over a parcel")),
            ("cancel_parcel", _("Can cancel a parcel")),
            ("refund_parcel", _("Can refund a parcel")),
            ("see_runs", _("Can see the couriers' runs")),
            ("assign_courier", _("Can name a parcel's courier")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="parcel_number_once_per_order"),
            models.UniqueConstraint(fields=["order", "seller"], name="parcel_one_per_seller"),
            models.CheckConstraint(
                condition=Q(method="delivery", slot__isnull=False) | Q(method="collection", slot__isnull=True, fee=0),
                name="parcel_delivery_has_slot",
            ),
            models.CheckConstraint(condition=Q(promised_from__lt=F("promised_until")), name="parcel_promise_in_order"),
            models.CheckConstraint(
                condition=Q(expected_from__isnull=True, expected_until__isnull=True)
                | Q(expected_from__lt=F("expected_until")),
                name="parcel_expectation_in_order",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_total__isnull=True) | Q(confirmed_total__lte=F("goods_total")),
                name="parcel_confirms_no_more_than_ordered",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["dispatched", "delivered"]) | Q(captured_at__isnull=False),
                name="parcel_leaves_only_when_paid",
            ),
            models.CheckConstraint(condition=Q(failed_tries__lte=2), name="parcel_tried_twice_at_most"),
        ]
        indexes = [
            models.Index(fields=["status", "confirm_by"], name="parcel_answers_due"),
            models.Index(fields=["status", "promised_until"], name="parcel_promises"),
            models.Index(fields=["seller", "status"], name="parcel_of_seller"),
            models.Index(fields=["due_at", "id"], name="parcel_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["status", "due_at", "id"], name="parcel_due_in_state", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["courier", "due_at", "id"], name="parcel_due_of_courier", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["seller", "due_at", "id"], name="parcel_due_of_seller", condition=Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.shown_code}/{self.number}"

    @property
    def due_from(self) -> datetime:
        """From when the parcel comes, or can be collected, as the shopper was told last."""
        return self.expected_from or self.promised_from

    @property
    def due_until(self) -> datetime:
        return self.expected_until or self.promised_until


class OrderLine(models.Model):
    """One variant bought, with names and price as they were."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="lines", verbose_name=_("parcel"))
    variant = models.ForeignKey(ProductVariant, models.PROTECT, related_name="order_lines", verbose_name=_("variant"))
    # As sold, in both languages; a later edit of the catalogue never changes them.
    name_ko_kp = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    unit_ko_kp = models.CharField(max_length=20)
    unit_en = models.CharField(max_length=20, blank=True)
    sku = models.CharField("SKU", max_length=40)
    unit_price = models.PositiveBigIntegerField(_("price"))
    quantity = models.PositiveSmallIntegerField(_("quantity"))
    # What the seller can supply; None until answered.
    confirmed_quantity = models.PositiveSmallIntegerField(_("confirmed"), null=True, blank=True)
    returned_quantity = models.PositiveSmallIntegerField(_("returned"), default=0)
    line_total = models.PositiveBigIntegerField(_("total"))
    # As the names above say as well: whoever packs, carries or receives it reads it there.
    packed_apart = models.BooleanField(_("packed apart"), db_default=False, default=False)
    # This line's part of the order's voucher, for all its pieces.
    discount = models.PositiveBigIntegerField(_("discount"), db_default=0, default=0)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["parcel", "variant"], name="order_line_once_per_variant"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1) & Q(line_total=F("unit_price") * F("quantity")),
                name="order_line_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_quantity__isnull=True) | Q(confirmed_quantity__lte=F("quantity")),
                name="order_line_confirms_no_more",
            ),
            models.CheckConstraint(
                condition=Q(returned_quantity=0) | Q(returned_quantity__lte=F("confirmed_quantity")),
                name="order_line_returns_no_more",
            ),
            models.CheckConstraint(condition=Q(discount__lt=F("line_total")), name="order_line_never_free"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name_ko_kp}"

    @property
    def kept_quantity(self) -> int:
        """The pieces that are sold: what the seller confirmed, all of them until the answer."""
        return self.quantity if self.confirmed_quantity is None else self.confirmed_quantity

    def discount_of(self, pieces: int) -> int:
        """The voucher's part of the first `pieces` pieces, in whole won: adds up to `discount` without drift."""
        return self.discount * pieces // self.quantity

    def paid_for(self, pieces: int) -> int:
        """What the shopper's card pays for the first `pieces` pieces, in whole won."""
        return self.unit_price * pieces - self.discount_of(pieces)


class OrderEvent(models.Model):
    """Who did what to an order and when. Append-only, guarded in the database."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("order"))
    parcel = models.ForeignKey(
        Parcel, models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("parcel")
    )
    kind = models.CharField(_("what"), max_length=30)  # placed, paid, confirmed, …
    data = models.JSONField(_("details"), default=dict, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class SellerStaff(models.Model):
    """A person who answers for a seller."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="seller_roles", verbose_name=_("person")
    )
    seller = models.ForeignKey(Seller, models.CASCADE, related_name="people", verbose_name=_("seller"))

    class Meta:
        verbose_name = _("seller's person")
        verbose_name_plural = _("sellers' people")
        constraints = [models.UniqueConstraint(fields=["user", "seller"], name="seller_staff_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.seller}"
