"""Products by their SKU, whole or begun: what staff and sellers type."""

from __future__ import annotations

import re

from django.db.models import Q
from django.db.models.functions import Length

from catalog.models import ProductVariant

LIMIT = 20
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,39}")


def products(query: str) -> list[int]:
    """Products of which a listed SKU begins so, the whole SKU before the begun one; none where it cannot be one."""
    if not _SKU.fullmatch(query):
        return []
    begins = Q()
    for written in {query, query.upper(), query.lower()}:
        begins |= Q(sku__startswith=written)
    found = ProductVariant.objects.filter(begins, is_active=True, product__search_doc__visible=True)
    return list(dict.fromkeys(found.order_by(Length("sku"), "sku").values_list("product_id", flat=True)[:LIMIT]))
