"""What a product can be filtered by, each as one number: its type, the id it speaks of, and a part of that.

The database computes the same numbers in `catalog_listing_now` (catalog/sql/0004_listing_kept.sql).
"""

from __future__ import annotations

from catalog.models import Seller

OPTION, YES, BAND, SELLER, KIND, DISTRICT, IN_STOCK, LOWERED, RATED, SHELF, PRICE, ALL = range(1, 13)
_TYPE, _ID = 1 << 48, 1 << 8  # 40 bits of id, 8 of part

KINDS = [kind.value for kind in Seller.Kind]
STARS = (4, 3)  # "four stars and more"
PRICE_BITS = 24  # the dearest price is 10,000,000


def token(kind: int, of: int = 0, part: int = 0) -> int:
    return kind * _TYPE + of * _ID + part


def type_of(value: int) -> int:
    return value // _TYPE


def id_of(value: int) -> int:
    return value % _TYPE // _ID


def part_of(value: int) -> int:
    return value % _ID


def every(kind: int) -> tuple[int, int]:
    """The first token of a type and the first one after it."""
    return kind * _TYPE, (kind + 1) * _TYPE


def price_tokens(price: int) -> list[int]:
    """One token for each bit that is set in the price."""
    return [token(PRICE, part=bit) for bit in range(PRICE_BITS) if price >> bit & 1]
