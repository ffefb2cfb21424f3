"""People and places: members, guess counters, delivery zones and districts, address books."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# Codes people read out over a bad telephone line: no 0/O, 1/I/L, no vowels that could spell a word.
CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"


def random_code(length: int = 12) -> str:
    """A public identifier nobody can guess: log2(27) = 4.75 bits a character."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))


class UserManager(BaseUserManager["User"]):
    def create_user(self, phone: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(phone=phone, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, phone: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(phone, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):
    """A member or a person of the bureau, known by a domestic mobile number."""

    # Ten digits without marks; shown as 191-234-5678 (accounts/phone.py).
    phone = models.CharField(_("mobile number"), max_length=10, unique=True)
    # As it stands on the member's card: the network compares it at the first purchase and at every payment.
    name = models.CharField(_("name"), max_length=60)
    # Set at the first purchase, when the network has compared the name with the card: from then on only the bureau
    # may change it.
    name_fixed_at = models.DateTimeField(_("name checked at"), null=True, blank=True, editable=False)
    birth_year = models.PositiveSmallIntegerField(_("year of birth"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=8, default="ko-kp")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("bureau staff"), default=False)
    joined_at = models.DateTimeField(_("joined at"), db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "phone"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.CheckConstraint(
                condition=Q(phone__regex=r"^19[135][0-9]{7}$"), name="user_phone_is_domestic_mobile"
            ),
            models.CheckConstraint(
                condition=Q(birth_year__isnull=True) | Q(birth_year__range=(1900, 2100)),
                name="user_birth_year_plausible",
            ),
        ]
        indexes = [models.Index(fields=["joined_at"], name="user_joined")]

    def __str__(self) -> str:
        return self.name or self.phone

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    def rename(self, name: str) -> bool:
        """Change the name unless a purchase has fixed it; False when it was too late."""
        changed = User.objects.filter(pk=self.pk, name_fixed_at__isnull=True).update(name=name)
        self.refresh_from_db(fields=["name", "name_fixed_at"])
        return bool(changed)

    def fix_name(self) -> None:
        """The card network has found this name on the member's card. Safe to repeat."""
        User.objects.filter(pk=self.pk, name_fixed_at__isnull=True).update(name_fixed_at=Now())


class Guess(models.Model):
    """How often one kind of secret was guessed for one name or from one address, counted before each check."""

    kind = models.CharField(max_length=20)  # sign-in, pin-unknown-card, …
    bucket = models.CharField(max_length=80)  # "name:<keyed digest>" or "address:10.0.0.7"
    tries = models.PositiveIntegerField()
    since = models.DateTimeField()  # when the last guess was let through

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "bucket"], name="guess_one_counter")]

    def __str__(self) -> str:
        return f"{self.kind} {self.bucket}: {self.tries}"


class Zone(models.Model):
    """A delivery zone of the city: A is nearest."""

    code = models.CharField(_("zone"), max_length=2, primary_key=True)
    # Whole won of one seller's goods before they are brought here; dishes have DISH_ZONE_MINIMUM_WON besides.
    minimum_won = models.PositiveIntegerField(_("smallest sum of a parcel"), db_default=0, default=0)
    # The farther, the less fits a motorbike; heavier parcels and furniture go by van.
    motorbike_limit_g = models.PositiveIntegerField(
        _("motorbike up to so many grams"), db_default=10_000, default=10_000
    )

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class District(models.Model):
    """A city district (구역) or another town a seller works from."""

    slug = models.SlugField(_("address word"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    # No zone and no fee: sellers may be there, deliveries do not go there.
    zone = models.ForeignKey(
        Zone, models.PROTECT, null=True, blank=True, related_name="districts", verbose_name=_("zone")
    )
    # Whole won for one parcel by motorbike; a van costs settings.VAN_FEE_FACTOR times as much.
    fee = models.PositiveBigIntegerField(_("delivery fee"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: models.Manager[District] = models.Manager()

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(zone__isnull=True, fee__isnull=True) | Q(zone__isnull=False, fee__isnull=False),
                name="district_zone_with_fee",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_deliverable(self) -> bool:
        return self.zone_id is not None


class Neighbourhood(models.Model):
    """A neighbourhood (동) of a district."""

    district = models.ForeignKey(District, models.CASCADE, related_name="neighbourhoods", verbose_name=_("district"))
    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: models.Manager[Neighbourhood] = models.Manager()

    class Meta:
        verbose_name = _("neighbourhood")
        verbose_name_plural = _("neighbourhoods")
        ordering = ["district", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["district", "name"], name="neighbourhood_once_per_district")]

    def __str__(self) -> str:
        return self.name


class Address(models.Model):
    """One entry of a member's address book. Orders copy it, so a change never touches an old order."""

    code = models.CharField(max_length=12, unique=True, default=random_code, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="addresses", verbose_name=_("member")
    )
    recipient_name = models.CharField(_("recipient"), max_length=60)
    recipient_phone = models.CharField(_("recipient's mobile number"), max_length=10)
    neighbourhood = models.ForeignKey(Neighbourhood, models.PROTECT, verbose_name=_("neighbourhood"))
    unit = models.CharField(_("neighbourhood unit"), max_length=20, blank=True)  # 인민반
    building = models.CharField(_("building"), max_length=40)
    floor = models.CharField(_("floor"), max_length=10, blank=True)  # lifts often stand still
    door = models.CharField(_("door"), max_length=10, blank=True)
    note = models.CharField(_("note for the courier"), max_length=200, blank=True)
    is_default = models.BooleanField(_("usual address"), default=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["-is_default", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="address_one_default_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.neighbourhood} {self.building}"


class InboxMessage(models.Model):
    """What the shop tells one member, in the member's language. Written by accounts/inbox.py."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="inbox", verbose_name=_("member"))
    # What it is about, e.g. "stock:17": the same cause is told once.
    cause = models.CharField(max_length=80, editable=False)
    title = models.CharField(_("title"), max_length=160)
    text = models.TextField(_("text"), max_length=1000, blank=True)
    path = models.CharField(max_length=200, blank=True, editable=False)  # the page of ours it leads to
    written_at = models.DateTimeField(_("written at"), db_default=Now(), editable=False)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    # When the operator's gateway took it as a short message; None until then.
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "cause"], name="inbox_message_once_per_cause")]
        indexes = [
            models.Index(fields=["user", "-id"], name="inbox_of_user"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="inbox_unread"),
        ]

    def __str__(self) -> str:
        return self.title
