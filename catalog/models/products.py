"""What is offered: kinds, products and their variants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog import wording
from catalog.models import addresses
from catalog.models.shelves import Category, Seller

if TYPE_CHECKING:
    from catalog.models.pictures import Picture
    from catalog.models.stock import Stock


class ProductKind(models.Model):
    """The same thing offered by several sellers, and the unit their prices are compared by."""

    slug = models.SlugField(_("address word"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.ForeignKey(Category, models.PROTECT, related_name="kinds", verbose_name=_("category"))
    # "" compares whole pieces; "g" and "ml" compare by weight and volume.
    comparison_unit = models.CharField(_("compared by"), max_length=4, blank=True)

    objects: models.Manager[ProductKind] = models.Manager()

    class Meta:
        verbose_name = _("kind of product")
        verbose_name_plural = _("kinds of product")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


TEXT_COLUMNS = ("", "_ko_kp", "_en")  # a translated text has its own column and one for each language


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale(self) -> ProductQuerySet:
        """Products a shopper may see: listed, of an open seller, in a shown category, with something to buy."""
        return self.filter(
            Exists(ProductVariant.objects.filter(product=OuterRef("pk"), is_active=True)),
            is_active=True,
            seller__is_active=True,
            category__is_active=True,
        )

    def in_stock(self) -> ProductQuerySet:
        free = F("stock__on_hand") - F("stock__reserved")
        return self.filter(
            Exists(
                ProductVariant.objects.filter(product=OuterRef("pk"), is_active=True)
                .alias(free=free)
                .filter(free__gt=0)
            )
        )

    def marked_down(self, now: datetime) -> ProductQuerySet:
        lowered = ProductVariant.objects.filter(markdown_from__lte=now, markdown_until__gt=now, is_active=True)
        return self.filter(Exists(lowered.filter(product=OuterRef("pk"))))

    def with_price(self, now: datetime) -> ProductQuerySet:
        """Annotates `price_now`, the price on the card: the lowest that is in stock, else the lowest."""
        price = Case(When(markdown_from__lte=now, markdown_until__gt=now, then=F("markdown_price")), default=F("price"))
        gone = Case(When(stock__on_hand__gt=F("stock__reserved"), then=0), default=1)
        cheapest = ProductVariant.objects.filter(product=OuterRef("pk"), is_active=True).alias(gone=gone)
        return self.annotate(price_now=Subquery(cheapest.annotate(now=price).order_by("gone", "now").values("now")[:1]))

    def untranslated(self) -> ProductQuerySet:
        """Products whose Korean name only stands in for the English one, or that have no English name."""
        stands_in = Q(name_ko_kp=F("name_en")) & ~Q(name_ko_kp__regex="[가-힣]")
        untranslated: ProductQuerySet = self.rewrite(False)  # type: ignore[attr-defined]
        return untranslated.filter(stands_in | Q(name_en__isnull=True) | Q(name_en=""))

    def most_ordered(self) -> ProductQuerySet:
        return self.order_by("-sold_30_days", "-pk")

    def for_cards(self) -> ProductQuerySet:
        """All a list of cards shows, in one query whatever its length. No descriptions, the first picture only, of the
        variants what their price and stock are told from."""
        products: ProductQuerySet = self.select_related("seller__district", "kind")
        products = products.annotate(card_picture=Subquery(_first_picture()), card_variants=_variants_of_card())
        # modeltranslation would read "description" as the language's own column and load the others.
        products = products.rewrite(False)  # type: ignore[attr-defined]
        texts = [field + suffix for field in ("description", "seller__introduction") for suffix in TEXT_COLUMNS]
        listed: ProductQuerySet = products.defer(*texts)
        return listed

    def for_product_page(self) -> ProductQuerySet:
        """Products with seller, place, kind, variants on the list, stock and pictures."""
        variants = ProductVariant.objects.filter(is_active=True).select_related("stock")
        company = ("seller__district", "seller__neighbourhood", "kind")
        return self.select_related(*company).prefetch_related(models.Prefetch("variants", variants), "pictures")


def _first_picture() -> QuerySet[Any, Any]:
    """The first picture of the outer query's product, as the values its renditions are found by."""
    pictures: QuerySet[Any] = apps.get_model("catalog", "Picture")._default_manager.filter(product=OuterRef("pk"))
    found = JSONObject(digest="digest", width="width", height="height", renditions="renditions")
    first: QuerySet[Any, Any] = pictures.order_by("position", "pk").annotate(found=found).values("found")[:1]
    return first


CARD_MOMENTS = ("markdown_from", "markdown_until")
CARD_VARIANT = ("price", "markdown_price", *CARD_MOMENTS)
CARD_STOCK = ("on_hand", "reserved", "low_threshold")


def _variants_of_card() -> ArraySubquery:
    """The variants on the list of the outer query's product, each as one object."""
    stock = {field: f"stock__{field}" for field in CARD_STOCK}
    facts = JSONObject(**{field: field for field in CARD_VARIANT}, **stock)
    listed = ProductVariant.objects.filter(product=OuterRef("pk"), is_active=True).order_by("position", "id")
    return ArraySubquery(listed.annotate(facts=facts).values("facts"))


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
    # What one piece holds, for prices by weight, volume or count.
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
        return addresses.of_product(self.pk, self.slug)

    @property
    def rating(self) -> float | None:
        """The mean of all published stars, 1 to 5, or None without reviews."""
        return self.rating_sum / self.rating_count if self.rating_count else None

    # What cards show. These read the variants on the list and the pictures as for_cards() or for_product_page() loaded
    # them.

    @cached_property
    def listed_variants(self) -> list[ProductVariant] | list[CardVariant]:
        """The variants on the list. From for_cards() they know their price and stock, and nothing else."""
        if hasattr(self, "card_variants"):
            return [CardVariant.of(facts) for facts in self.card_variants]
        return list(self.variants.all())

    @cached_property
    def shown_variant(self) -> ProductVariant | CardVariant | None:
        """The variant whose price stands on cards: the lowest that is in stock, else the lowest."""
        return min(self.listed_variants, key=lambda v: (v.available == 0, v.unit_price), default=None)

    @cached_property
    def price_varies(self) -> bool:
        return len({variant.unit_price for variant in self.listed_variants}) > 1

    @cached_property
    def available(self) -> int:
        """How many pieces can be ordered now, of all variants together."""
        return sum(variant.available for variant in self.listed_variants)

    @property
    def most_of_one(self) -> int:
        """The largest number of pieces of one variant that can be ordered now."""
        return max((variant.available for variant in self.listed_variants), default=0)

    @cached_property
    def main_picture(self) -> Picture | None:
        if hasattr(self, "card_picture"):  # from for_cards()
            return apps.get_model("catalog", "Picture")(**self.card_picture) if self.card_picture else None
        return next(iter(self.pictures.all()), None)

    @property
    def is_sold_out(self) -> bool:
        return self.available == 0

    @property
    def shown_price(self) -> int | None:
        return self.shown_variant.unit_price if self.shown_variant else None

    @property
    def old_price(self) -> int | None:
        """The price before it was lowered, or None at the full price."""
        return self.shown_variant.price if self.shown_variant and self.shown_variant.is_marked_down else None

    @property
    def cut_percent(self) -> int:
        return self.shown_variant.cut_percent if self.shown_variant else 0

    @property
    def unit_price_text(self) -> str:
        return wording.unit_price(self, self.shown_price)

    @property
    def content_text(self) -> str:
        return wording.content(self)

    @property
    def stock_text(self) -> str:
        return wording.stock(self, self.available)

    @property
    def sold_text(self) -> str:
        return wording.sold(self) if self.sold_30_days else ""

    @property
    def weight_text(self) -> str:
        return wording.weight(self.weight_g)

    @cached_property
    def packable_apart(self) -> bool:
        """Some choice of it can be packed apart."""
        return any(variant.packable_apart for variant in self.variants.all())

    @property
    def few_left(self) -> str:
        """ "7병 남음" when few pieces are left, else "". Said only when it is true, never to hurry people."""
        low = max((variant.low_threshold for variant in self.listed_variants), default=0)
        return wording.left(self, self.available) if 0 < self.available <= low else ""

    @property
    def is_compared_by_content(self) -> bool:
        """Prices stand by weight or volume; a dish or a 50 g jar is compared by the piece."""
        if self.content_unit not in (self.ContentUnit.GRAM, self.ContentUnit.MILLILITRE):
            return False
        if self.kind is not None:
            return self.kind.comparison_unit == self.content_unit
        return (self.content_amount or 0) >= 100 and self.seller.kind != Seller.Kind.RESTAURANT

    @cached_property
    def comparing_amount(self) -> int:
        """How much of the content a price for comparing is for: 100 g or 100 ml, a whole kg or litre of packs that
        hold as much, one piece."""
        if self.content_unit == self.ContentUnit.PIECE:
            return 1
        return 1000 if (self.content_amount or 0) >= 1000 else 100

    def comparing_price(self, price: int, amount: int) -> int | None:
        """What so much of the content costs at `price` a pack, in whole won rounded half up; None where that says
        nothing: of a dish, of a single piece, or less than a won."""
        if not self.content_amount:
            return None
        if self.content_unit == self.ContentUnit.PIECE:
            is_said = self.content_amount > 1 and self.seller.kind != Seller.Kind.RESTAURANT
        else:
            is_said = self.is_compared_by_content
        return (2 * price * amount + self.content_amount) // (2 * self.content_amount) or None if is_said else None


class Priced:
    """A price and the lowered one beside it."""

    price: int
    markdown_price: int | None
    markdown_from: datetime | None
    markdown_until: datetime | None

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

    @property
    def cut_percent(self) -> int:
        """How much lower the price is now, in whole per cent rounded down; 0 at the full price."""
        return (self.price - self.unit_price) * 100 // self.price


@dataclass(frozen=True, slots=True)
class CardVariant(Priced):
    """A variant as far as a card shows it: a list makes dozens, and a model each would cost more than the query."""

    price: int
    markdown_price: int | None
    markdown_from: datetime | None
    markdown_until: datetime | None
    available: int
    low_threshold: int

    @classmethod
    def of(cls, facts: dict[str, Any]) -> CardVariant:
        """From one object of for_cards(). A variant nobody received yet has no stock."""
        since, until = (facts[moment] and datetime.fromisoformat(facts[moment]) for moment in CARD_MOMENTS)
        available, low = (facts["on_hand"] or 0) - (facts["reserved"] or 0), facts["low_threshold"] or 0
        return cls(facts["price"], facts["markdown_price"], since, until, available, low)


class ProductVariant(Priced, models.Model):
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
    # The plan that lowered it (catalog/markdowns.py); None when it was typed here.
    markdown = models.ForeignKey(
        "catalog.Markdown", models.PROTECT, null=True, blank=True, related_name="variants", editable=False
    )
    # The lowest price of the thirty days before it was lowered; kept by the database.
    lowest_before = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    # Noodles and broth, rice and soup: the shopper may ask for them in separate vessels.
    packable_apart = models.BooleanField(_("can be packed apart"), db_default=False, default=False)
    is_active = models.BooleanField(_("listed"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: models.Manager[ProductVariant] = models.Manager()

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
        return f"{self.product} {self.label}".strip()

    @property
    def label(self) -> str:
        """How this variant is told from its brothers: its name, else size, colour and flavour; "" for the only one."""
        return self.name or " · ".join(part for part in (self.size, self.colour, self.flavour) if part)

    @property
    def own_picture(self) -> Picture | None:
        """The first picture of this choice, read from the product's pictures as its page loads them."""
        return next((picture for picture in self.product.pictures.all() if picture.variant_id == self.pk), None)

    @property
    def available(self) -> int:
        stock: Stock | None = getattr(self, "stock", None)  # a variant nobody received yet has no row
        return stock.available if stock else 0

    @property
    def low_threshold(self) -> int:
        stock: Stock | None = getattr(self, "stock", None)
        return stock.low_threshold if stock else 0

    @property
    def few_left(self) -> str:
        return wording.left(self.product, self.available) if 0 < self.available <= self.low_threshold else ""
