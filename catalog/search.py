"""A plain first search: every word somewhere in the name, the seller's name or the SKU, in either language."""

from __future__ import annotations

import unicodedata

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Replace

from catalog.models import Product, ProductQuerySet, ProductVariant, Seller

QUERY_LIMIT = 64
WORD_LIMIT = 8


def normalise(text: str) -> str:
    """The query as it is searched: composed (NFC, never NFKC: that breaks lone consonants), no control
    characters, single spaces, at most 64 characters."""
    composed = unicodedata.normalize("NFC", text[: 4 * QUERY_LIMIT])
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in composed)
    return " ".join(plain.split())[:QUERY_LIMIT].strip()


def matching(query: str) -> ProductQuerySet:
    """Products on sale that match the normalised query. ILIKE's own signs % and _ are escaped by Django."""
    words = query.split()[:WORD_LIMIT]
    if not words:
        return Product.objects.none()
    sku = Exists(ProductVariant.objects.filter(product=OuterRef("pk"), is_active=True, sku__iexact=query))
    every_word = Q()
    for word in words:
        every_word &= (
            Q(name_ko_kp__icontains=word)
            | Q(name_en__icontains=word)
            | Q(seller__name_ko_kp__icontains=word)
            | Q(seller__name_en__icontains=word)
        )
    joined = "".join(words)
    found: ProductQuerySet = (
        Product.objects.on_sale()
        .alias(unspaced=Replace(F("name_ko_kp"), Value(" "), Value("")))
        .filter(Q(unspaced__icontains=joined) | every_word | Q(sku))
    )
    return found


def matching_sellers(query: str) -> list[Seller]:
    """At most four open sellers whose name holds every word."""
    words = query.split()[:WORD_LIMIT]
    if not words:
        return []
    named = Q()
    for word in words:
        named &= Q(name_ko_kp__icontains=word) | Q(name_en__icontains=word)
    return list(Seller.objects.filter(named, is_active=True).select_related("district")[:4])
