"""What the search reads: a narrow document beside every product, the words of the shop, synonyms, fruitless queries.

Written by catalog/search/index.py alone; nothing here is edited by hand but the synonyms.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models.products import Product


class SearchDoc(models.Model):
    """One product as the search sees it. What the columns hold is said in catalog/search/documents.py."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, related_name="search_doc")
    seller_id = models.BigIntegerField()
    category_id = models.BigIntegerField()
    visible = models.BooleanField()
    in_stock = models.BooleanField()
    pop = models.PositiveIntegerField()  # pieces sold in 30 days
    key_version = models.PositiveSmallIntegerField()  # the rules that wrote the keys
    n = models.TextField()  # the name without spaces
    k = models.TextField()  # keystrokes
    f = models.TextField(blank=True)  # folded keystrokes, where folding changes them
    c = models.TextField(blank=True)  # initial consonants
    r = models.TextField(blank=True)  # romanised skeletons
    e = models.TextField(blank=True)  # the English name
    d = ArrayField(models.TextField(), default=list, blank=True)  # words of description, kind and variants

    objects: models.Manager[SearchDoc] = models.Manager()

    class Meta:
        verbose_name = _("search document")
        verbose_name_plural = _("search documents")
        indexes = [
            # Without a pending list: a search never has to read through unsorted entries. And not partial: the words of
            # a query could not be combined (PostgreSQL never ANDs bitmaps that share a partial index's condition).
            GinIndex(
                *(OpClass(column, name="gin_trgm_ops") for column in "kfcre"),
                "d",
                name="searchdoc_words",
                fastupdate=False,
            ),
            models.Index(fields=["seller_id"], name="searchdoc_seller"),
            models.Index(fields=["category_id"], name="searchdoc_category"),
        ]


class SearchName(models.Model):
    """The name of a seller or a category in the same keys: a renamed seller is one row here, not ten thousand."""

    class Kind(models.TextChoices):
        SELLER = "s", _("seller")
        CATEGORY = "c", _("category")

    kind = models.CharField(max_length=1, choices=Kind.choices)
    ref = models.BigIntegerField()
    k = models.TextField()
    f = models.TextField(blank=True)
    c = models.TextField(blank=True)
    r = models.TextField(blank=True)
    e = models.TextField(blank=True)

    objects: models.Manager[SearchName] = models.Manager()

    class Meta:
        verbose_name = _("search name")
        verbose_name_plural = _("search names")
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="searchname_once")]
        indexes = [
            GinIndex(
                *(OpClass(column, name="gin_trgm_ops") for column in "kfcre"), name="searchname_keys", fastupdate=False
            )
        ]


class SearchTerm(models.Model):
    """A word of the shop: what corrections choose from, what unspaced queries are cut into, what is suggested."""

    class Kind(models.TextChoices):
        KOREAN = "k", _("Korean word")
        INITIALS = "c", _("initial consonants")
        ROMAN = "r", _("romanised word")
        ENGLISH = "e", _("English word")

    kind = models.CharField(max_length=1, choices=Kind.choices)
    key = models.TextField()  # the form that is compared: folded keystrokes, skeleton, plain English
    term = models.TextField()  # the form that is shown and searched
    size = models.PositiveSmallIntegerField()  # length of the key
    df = models.PositiveIntegerField()  # how many products have it

    objects: models.Manager[SearchTerm] = models.Manager()

    class Meta:
        verbose_name = _("search term")
        verbose_name_plural = _("search terms")
        constraints = [models.UniqueConstraint(fields=["kind", "key", "term"], name="searchterm_once")]
        indexes = [
            models.Index(fields=["kind", "size"], include=["key", "term", "df"], name="searchterm_size"),
            models.Index(models.F("kind"), OpClass("key", name="text_pattern_ops"), name="searchterm_prefix"),
            models.Index(fields=["term"], name="searchterm_term"),
        ]


class SearchSynonym(models.Model):
    """A word people write and the word the shop uses for it: 라면, 즉석국수."""

    south = models.CharField(_("people write"), max_length=40)
    north = models.CharField(_("the shop says"), max_length=40)
    is_approved = models.BooleanField(_("in use"), default=True)
    source = models.CharField(_("source"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("added at"), db_default=Now(), editable=False)

    objects: models.Manager[SearchSynonym] = models.Manager()

    class Meta:
        verbose_name = _("synonym")
        verbose_name_plural = _("synonyms")
        ordering = ["south", "id"]
        constraints = [
            models.UniqueConstraint(fields=["south", "north"], name="searchsynonym_once"),
            models.CheckConstraint(condition=~Q(south="") & ~Q(north=""), name="searchsynonym_words"),
        ]

    def __str__(self) -> str:
        return f"{self.south} → {self.north}"


class SearchLog(models.Model):
    """A query that found nothing and how often it was asked. Never who asked."""

    query = models.CharField(_("query"), max_length=64, unique=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first asked"), db_default=Now())
    last_at = models.DateTimeField(_("last asked"), db_default=Now())

    objects: models.Manager[SearchLog] = models.Manager()

    class Meta:
        verbose_name = _("query without result")
        verbose_name_plural = _("queries without result")
        ordering = ["-times", "-last_at"]
        indexes = [models.Index(fields=["-times", "-last_at"], name="searchlog_most_asked")]

    def __str__(self) -> str:
        return self.query


class SearchDue(models.Model):
    """Something whose search keys may have changed: noted by the database's triggers, taken away by the job."""

    class Kind(models.TextChoices):
        PRODUCT = "p", _("product")
        FLAGS = "f", _("what is shown and in stock")
        SELLER = "s", _("seller")
        CATEGORY = "c", _("category")

    kind = models.CharField(max_length=1, choices=Kind.choices)
    ref = models.BigIntegerField()

    objects: models.Manager[SearchDue] = models.Manager()

    class Meta:
        verbose_name = _("search note")
        verbose_name_plural = _("search notes")
