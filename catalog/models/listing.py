"""What lists read: one narrow row for each product on sale, and the same packed as bits for counting.

All of it is derived. The database keeps `Listing` (migration 0004_listing_kept) in the transaction that changes a
product; the job of catalog/packing.py keeps the bits within a second. `manage.py rebuild_listing` makes it anew.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models.products import Product
from catalog.models.shelves import Category, Seller


class Listing(models.Model):
    """A product on sale as lists filter and sort it. No row: not on sale."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, related_name="listing")
    shelf_id = models.BigIntegerField()  # the product's category
    seller_id = models.BigIntegerField()
    popularity = models.IntegerField()  # pieces sold in 30 days
    listed_at = models.DateTimeField()
    price = models.BigIntegerField()  # the card's price: the lowest that is in stock, else the lowest
    # For "cheapest by content": thousandths of a won per 100 g or 100 ml; pieces stand behind, see catalog_listing_now.
    unit_key = models.BigIntegerField()
    name_ko = models.TextField(db_collation="C")  # rewritten so that plain order is the domestic letter order
    name_en = models.TextField(db_collation="C")
    tokens = ArrayField(models.BigIntegerField())  # what it can be filtered by, see catalog/tokens.py
    # When a lowered price begins or ends next: the row is computed anew then.
    changes_at = models.DateTimeField(null=True)

    objects: models.Manager[Listing] = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["shelf_id", "-popularity", "-product"], name="listing_popular"),
            models.Index(fields=["shelf_id", "price", "product"], name="listing_price"),
            models.Index(fields=["shelf_id", "-listed_at", "-product"], name="listing_new"),
            models.Index(fields=["shelf_id", "unit_key", "product"], name="listing_unit"),
            models.Index(fields=["shelf_id", "name_ko", "product"], name="listing_name_ko"),
            models.Index(fields=["shelf_id", "name_en", "product"], name="listing_name_en"),
            models.Index(fields=["seller_id", "-popularity", "-product"], name="listing_seller"),
            models.Index(fields=["changes_at"], name="listing_changes", condition=models.Q(changes_at__isnull=False)),
        ]


class ListingDue(models.Model):
    """A product whose listing may have changed. Appended to freely, taken away by the packing job."""

    product_id = models.BigIntegerField()

    objects: models.Manager[ListingDue] = models.Manager()


class Packed(models.Model):
    """Which bit of its shelf's blocks stands for a product, and what has been written there."""

    product_id = models.BigIntegerField(primary_key=True)
    shelf_id = models.BigIntegerField()
    slot = models.IntegerField()
    price = models.BigIntegerField()
    tokens = ArrayField(models.BigIntegerField())

    objects: models.Manager[Packed] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shelf_id", "slot"], name="packed_slot_once")]


class Block(models.Model):
    """Up to 8,192 products of one shelf, one bit each: those that carry the token."""

    pk = models.CompositePrimaryKey("shelf_id", "token", "number")
    shelf_id = models.BigIntegerField()
    token = models.BigIntegerField()
    number = models.IntegerField()
    bits = models.BinaryField()  # see catalog/packing.py: pack_bits
    count = models.IntegerField()

    objects: models.Manager[Block] = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["token"], include=["shelf_id", "number", "count"], name="block_token"),
            models.Index(
                fields=["shelf_id", "-count", "token"],
                name="block_sellers",
                # Of the tokens of sellers alone, see catalog/tokens.py.
                condition=models.Q(token__gte=4 << 48, token__lt=5 << 48),
            ),
        ]


class OldSlug(models.Model):
    """An address a category or a seller once had; written by the database when the slug changes."""

    slug = models.SlugField(max_length=60)
    category = models.ForeignKey(Category, models.CASCADE, null=True, related_name="old_slugs")
    seller = models.ForeignKey(Seller, models.CASCADE, null=True, related_name="old_slugs")

    objects: models.Manager[OldSlug] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(category__isnull=False), name="old_slug_of_one_category"
            ),
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(seller__isnull=False), name="old_slug_of_one_seller"
            ),
            models.CheckConstraint(
                condition=models.Q(category__isnull=True, seller__isnull=False)
                | models.Q(category__isnull=False, seller__isnull=True),
                name="old_slug_of_one_thing",
            ),
        ]
