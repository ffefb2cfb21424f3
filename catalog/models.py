"""What the shop offers: categories, sellers, products, variants, stock, pictures, reviews, notices."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import default_storage
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import District, Neighbourhood


class Category(models.Model):
    """A shelf of the shop; categories form a tree."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("inside")
    )
    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    icon = models.CharField(_("icon"), max_length=40, default="all")  # a symbol of static/img/icons.svg
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("shown"), default=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="category_not_its_own_parent"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:category", args=[self.slug])


class Seller(models.Model):
    """A restaurant, shop or producer that confirms and hands over its part of an order."""

    class Kind(models.TextChoices):
        RESTAURANT = "restaurant", _("Restaurant")
        SHOP = "shop", _("Shop")
        PRODUCER = "producer", _("Producer")

    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    district = models.ForeignKey(District, models.PROTECT, related_name="sellers", verbose_name=_("district"))
    neighbourhood = models.ForeignKey(
        Neighbourhood,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("neighbourhood"),
    )
    telephone = models.CharField(_("telephone"), max_length=20, blank=True)  # digits only
    introduction = models.TextField(_("introduction"), blank=True, max_length=2000)
    # Asia/Pyongyang hours of the day: an order after `closes_at` starts at the next opening.
    opens_at = models.TimeField(_("opens at"), default="09:00")
    closes_at = models.TimeField(_("closes at"), default="18:00")
    # Minutes from confirmation to being ready; days on top for provincial sellers.
    preparation_minutes = models.PositiveIntegerField(_("minutes to prepare"), default=240)
    lead_days = models.PositiveSmallIntegerField(_("days on the way"), default=0)
    is_active = models.BooleanField(_("open for orders"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("seller")
        verbose_name_plural = _("sellers")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["restaurant", "shop", "producer"]), name="seller_kind_known"),
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="seller_opens_before_closing"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:seller", args=[self.slug])


class ProductKind(models.Model):
    """The same thing offered by several sellers, and the unit their prices are compared by."""

    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.ForeignKey(Category, models.PROTECT, related_name="kinds", verbose_name=_("category"))
    # "" compares whole pieces; "g" and "ml" compare by 100 g and 100 ml.
    comparison_unit = models.CharField(_("compared by"), max_length=4, blank=True)

    class Meta:
        verbose_name = _("kind of product")
        verbose_name_plural = _("kinds of product")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale(self) -> ProductQuerySet:
        """Products a shopper may see: listed, of an open seller, in a shown category."""
        return self.filter(is_active=True, seller__is_active=True, category__is_active=True)


class Product(models.Model):
    """One seller's offer, with its own page, stock and reviews."""

    class ContentUnit(models.TextChoices):
        GRAM = "g", "g"
        MILLILITRE = "ml", "ml"
        PIECE = "piece", _("piece")

    seller = models.ForeignKey(Seller, models.PROTECT, related_name="products", verbose_name=_("seller"))
    category = models.ForeignKey(Category, models.PROTECT, related_name="products", verbose_name=_("category"))
    kind = models.ForeignKey(
        ProductKind, models.PROTECT, null=True, blank=True, related_name="products", verbose_name=_("kind")
    )
    slug = models.SlugField(_("address word"), max_length=80)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, max_length=4000)
    unit = models.CharField(_("unit"), max_length=20)  # 그릇, 병: what one piece is counted in
    # What one piece holds, for prices per 100 g or 100 ml.
    content_amount = models.PositiveIntegerField(_("content"), null=True, blank=True)
    content_unit = models.CharField(_("content unit"), max_length=5, choices=ContentUnit.choices, blank=True)
    weight_g = models.PositiveIntegerField(_("packed weight in grams"))
    needs_van = models.BooleanField(_("only by van"), default=False)
    minimum_age = models.PositiveSmallIntegerField(_("from age"), default=0)
    is_medicine = models.BooleanField(_("medicine"), default=False)
    is_active = models.BooleanField(_("listed"), default=True)
    listed_at = models.DateTimeField(_("listed at"), default=timezone.now)
    # Kept by jobs and by the review verbs, never edited by hand.
    sold_30_days = models.PositiveIntegerField(_("sold in 30 days"), default=0, editable=False)
    rating_sum = models.PositiveIntegerField(default=0, editable=False)
    rating_count = models.PositiveIntegerField(_("reviews"), default=0, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(content_amount__isnull=True, content_unit="")
                | Q(content_amount__gt=0, content_unit__in=["g", "ml", "piece"]),
                name="product_content_with_unit",
            ),
            models.CheckConstraint(
                condition=Q(rating_sum__gte=F("rating_count")) & Q(rating_sum__lte=F("rating_count") * 5),
                name="product_rating_within_stars",
            ),
        ]
        indexes = [
            models.Index(fields=["category", "-sold_30_days", "-id"], name="product_popular_in_category"),
            models.Index(fields=["seller", "-sold_30_days", "-id"], name="product_popular_of_seller"),
            models.Index(fields=["-sold_30_days", "-id"], name="product_popular"),
            models.Index(fields=["-listed_at", "-id"], name="product_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:product", args=[self.pk, self.slug])

    @property
    def rating(self) -> float | None:
        """The mean of all published stars, 1 to 5, or None without reviews."""
        return self.rating_sum / self.rating_count if self.rating_count else None


class ProductVariant(models.Model):
    """What is put in the cart: one size, colour or flavour of a product. A plain product has exactly one."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="variants", verbose_name=_("product"))
    sku = models.CharField("SKU", max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60, blank=True)  # blank for the only variant
    size = models.CharField(_("size"), max_length=20, blank=True)
    colour = models.CharField(_("colour"), max_length=30, blank=True)
    flavour = models.CharField(_("flavour"), max_length=30, blank=True)
    price = models.PositiveBigIntegerField(_("price"))  # whole won
    markdown_price = models.PositiveBigIntegerField(_("lowered price"), null=True, blank=True)
    markdown_from = models.DateTimeField(_("lowered from"), null=True, blank=True)
    markdown_until = models.DateTimeField(_("lowered until"), null=True, blank=True)
    is_active = models.BooleanField(_("listed"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__range=(1, 10_000_000)), name="variant_price_in_range"),
            models.CheckConstraint(
                condition=Q(markdown_price__isnull=True, markdown_from__isnull=True, markdown_until__isnull=True)
                | Q(
                    markdown_price__gte=1,
                    markdown_price__lt=F("price"),
                    markdown_from__isnull=False,
                    markdown_until__gt=F("markdown_from"),
                ),
                name="variant_markdown_whole_and_lower",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.name}".strip()

    @property
    def is_marked_down(self) -> bool:
        return (
            self.markdown_price is not None
            and self.markdown_from is not None
            and self.markdown_until is not None
            and self.markdown_from <= timezone.now() < self.markdown_until
        )

    @property
    def unit_price(self) -> int:
        """What one piece costs now, in whole won."""
        return self.markdown_price if self.is_marked_down and self.markdown_price is not None else self.price


class Stock(models.Model):
    """How many pieces of a variant stand on the shelf and how many of them are promised.

    Its own row, so that an edit of a variant's name can never write back an old count. Changed only by
    catalog/stock.py, which writes the movement in the same transaction.
    """

    variant = models.OneToOneField(
        ProductVariant, models.PROTECT, primary_key=True, related_name="stock", verbose_name=_("variant")
    )
    on_hand = models.PositiveIntegerField(_("on hand"), default=0)
    reserved = models.PositiveIntegerField(_("reserved"), default=0)
    low_threshold = models.PositiveIntegerField(_("low from"), default=5)

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stock")
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            )
        ]

    def __str__(self) -> str:
        return f"{self.available}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class StockMovement(models.Model):
    """One change of a stock row, for ever. The sums of a variant's movements are its stock row."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Receipt")
        HOLD = "hold", _("Held for an order")
        RELEASE = "release", _("Released")
        SALE = "sale", _("Sale")
        RETURN = "return", _("Return")
        COUNT = "count", _("Count")
        LOSS = "loss", _("Loss")

    stock = models.ForeignKey(Stock, models.PROTECT, related_name="movements", verbose_name=_("stock"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    on_hand_change = models.IntegerField(_("on hand"))
    reserved_change = models.IntegerField(_("reserved"))
    # What caused it, e.g. an order line's id or an import's row: the same cause never counts twice.
    cause = models.CharField(_("cause"), max_length=80)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["stock", "kind", "cause"], name="stock_movement_once_per_cause"),
            models.CheckConstraint(
                condition=~Q(on_hand_change=0, reserved_change=0), name="stock_movement_changes_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on_hand_change:+d}/{self.reserved_change:+d}"


class Picture(models.Model):
    """A photograph of a product. Pages show its renditions; the original is never served."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="pictures", verbose_name=_("product"))
    variant = models.ForeignKey(
        ProductVariant,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="pictures",
        verbose_name=_("variant"),
    )
    alt = models.CharField(_("what it shows"), max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    original = models.FileField(_("file"), upload_to="originals/")
    # SHA-256 of the original's bytes, shortened: the stem of every rendition's file name.
    digest = models.CharField(max_length=24, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    # Which files stand ready, like "webp320": pages offer only these.
    renditions = ArrayField(models.CharField(max_length=12), default=list, editable=False)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt or self.digest

    def rendition_path(self, name: str) -> str:
        """Where a rendition such as "webp320" stands in the media storage: pictures/<digest>-320.webp."""
        kind = name.rstrip("0123456789")
        return f"pictures/{self.digest}-{name[len(kind) :]}.{'jpg' if kind == 'jpeg' else kind}"

    def rendition_url(self, name: str) -> str:
        return default_storage.url(self.rendition_path(name))


class Review(models.Model):
    """A buyer's stars and words about one purchase."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PUBLISHED = "published", _("Published")
        REFUSED = "refused", _("Refused")

    product = models.ForeignKey(Product, models.PROTECT, related_name="reviews", verbose_name=_("product"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews", verbose_name=_("member"))
    # The order line's public id: the catalogue does not know orders, one purchase gives one review.
    purchase = models.UUIDField(_("purchase"), unique=True)
    stars = models.PositiveSmallIntegerField(_("stars"))
    text = models.TextField(_("words"), max_length=1000, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    answer = models.TextField(_("seller's answer"), max_length=1000, blank=True)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(stars__range=(1, 5)), name="review_one_to_five_stars")]
        indexes = [models.Index(fields=["product", "state", "-created_at"], name="review_of_product")]

    def __str__(self) -> str:
        return f"{self.stars} {self.product}"


class Notice(models.Model):
    """A short notice of the bureau on the home page."""

    title = models.CharField(_("title"), max_length=120)
    body = models.TextField(_("text"), max_length=2000, blank=True)
    published_at = models.DateTimeField(_("published at"), default=timezone.now)
    is_active = models.BooleanField(_("shown"), default=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-published_at", "-id"]

    def __str__(self) -> str:
        return self.title
