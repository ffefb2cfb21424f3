"""Words of addresses."""

from __future__ import annotations

from django.utils.text import slugify

from catalog.search.roman import romanise

LONGEST = 80  # as Product.slug


def address_word(name: str, *, otherwise: str = "") -> str:
    """`name` in small Latin letters: pyongyang-raengmyon; of a name without letters `otherwise`, or "product"."""
    is_korean = any("가" <= char <= "힣" for char in name)
    word = slugify(romanise(name) if is_korean else name)[:LONGEST].strip("-")
    return word or slugify(otherwise)[:LONGEST] or "product"
