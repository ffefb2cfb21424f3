"""What buyers and the bureau say: reviews and notices."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product


class Review(models.Model):
    """A buyer's stars and words about one purchase."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PUBLISHED = "published", _("Published")
        REFUSED = "refused", _("Refused")

    class Reason(models.TextChoices):
        """Why words stay off the pages; the writer reads it."""

        PERSON = "person", _("It names a person, a number or an address")
        RUDE = "rude", _("It insults somebody")
        NOT_GOODS = "not-goods", _("It is not about the goods")
        ADVERT = "advert", _("It advertises something else")
        OTHER = "other", _("Another reason")

    product = models.ForeignKey(Product, models.PROTECT, related_name="reviews", verbose_name=_("product"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews", verbose_name=_("member"))
    # The order line's public id: the catalogue does not know orders, one purchase gives one review.
    purchase = models.UUIDField(_("purchase"), unique=True)
    stars = models.PositiveSmallIntegerField(_("stars"))
    text = models.TextField(_("words"), max_length=1000, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    # Counted up by every change of the writer's, so that staff publish the very words they have read.
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    refusal = models.CharField(
        _("reason"), max_length=10, choices=Reason.choices, blank=True, db_default="", default=""
    )
    refusal_note = models.CharField(_("note"), max_length=200, blank=True, db_default="", default="")
    answer = models.TextField(_("seller's answer"), max_length=1000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-created_at", "-id"]
        permissions = [("answer_review", _("Can answer a review for the seller"))]
        constraints = [models.CheckConstraint(condition=Q(stars__range=(1, 5)), name="review_one_to_five_stars")]
        indexes = [
            models.Index(fields=["product", "state", "-created_at"], name="review_of_product"),
            models.Index(fields=["-created_at", "-id"], name="review_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.stars} {self.product}"

    @property
    def drawn_stars(self) -> range:
        return range(self.stars)

    @property
    def refusal_text(self) -> str:
        """Why it was refused, in the reader's language."""
        reason = "" if self.refusal == self.Reason.OTHER else self.get_refusal_display()
        return ". ".join(part for part in (str(reason), self.refusal_note) if part)

    @property
    def signature(self) -> str:
        """The writer's given name: the family name stays out of the open shop. 김은주 signs as 은주."""
        name = self.user.name
        return name[1:] if name.isalpha() and 2 < len(name) < 5 and "가" <= name[0] <= "힣" else name.split(" ")[-1]


class Notice(models.Model):
    """A short notice of the bureau on the home page."""

    title = models.CharField(_("title"), max_length=120)
    body = models.TextField(_("text"), max_length=2000, blank=True)
    published_at = models.DateTimeField(_("published at"), default=timezone.now)
    is_active = models.BooleanField(_("shown"), default=True)

    objects: models.Manager[Notice] = models.Manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-published_at", "-id"]

    def __str__(self) -> str:
        return self.title
