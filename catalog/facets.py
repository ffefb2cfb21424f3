"""Counting what each filter would leave: a list as bits, one for each product, and a few ANDs.

Inside a group one answer is enough (white or blue), between groups all must hold (white and cotton). A group's own
counts leave its own choice out of account, so that they say what another answer would bring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog import tokens

PRICE = "price"


@dataclass
class Chosen:
    """What a list is narrowed by: the tokens of each group, any of which will do, and the price."""

    groups: dict[str, list[int]] = field(default_factory=dict)
    low: int | None = None
    high: int | None = None

    @property
    def has_price(self) -> bool:
        return self.low is not None or self.high is not None

    def __bool__(self) -> bool:
        return bool(self.groups) or self.has_price


@dataclass
class Bits:
    """Some products, each a bit: all of them, and those that carry each token."""

    everything: int
    of: dict[int, int]
    ids: Sequence[int] = ()  # the products by bit, where the bits were made from rows
    prices: Sequence[int] = ()  # likewise
    shelf: int = 0  # where the bits stand otherwise: their shelf, and the slot of the first
    first_slot: int = 0

    def at_most(self, price: int) -> int:
        """The products that cost `price` or less, found bit by bit from the highest."""
        below, equal = 0, self.everything
        for bit in reversed(range(tokens.PRICE_BITS)):
            ones = self.of.get(tokens.token(tokens.PRICE, part=bit), 0)
            if price >> bit & 1:
                below |= equal & ~ones
                equal &= ones
            else:
                equal &= ~ones
        return below | equal

    def priced(self, low: int | None, high: int | None) -> int:
        if self.prices:
            least, most = low or 0, high if high is not None else max(self.prices)
            return sum(1 << place for place, price in enumerate(self.prices) if least <= price <= most)
        found = self.everything if high is None else self.at_most(high)
        return found & ~self.at_most(low - 1) if low else found

    def carrying(self, any_of: Iterable[int]) -> int:
        found = 0
        for token in any_of:
            found |= self.of.get(token, 0)
        return found


@dataclass
class Count:
    total: int
    of: Counter[int]  # by token
    left: list[tuple[Bits, int]]  # each part of the list with the bits of what is left


def from_rows(rows: Iterable[tuple[int, int, Sequence[int]]]) -> Bits:
    """Bits of (product, price, tokens), in the order of the rows."""
    of: dict[int, int] = {}
    ids, prices = [], []
    for place, (pk, price, carried) in enumerate(rows):
        ids.append(pk)
        prices.append(price)
        for token in carried:
            of[token] = of.get(token, 0) | 1 << place
    return Bits(everything=(1 << len(ids)) - 1, of=of, ids=ids, prices=prices)


def count(parts: Iterable[Bits], *, groups: dict[str, list[int]], chosen: Chosen) -> Count:
    """How many products are left, and how many each token of each group would leave."""
    total, of, left = 0, Counter[int](), []
    for part in parts:
        held = {name: part.carrying(wanted) for name, wanted in chosen.groups.items()}
        if chosen.has_price:
            held[PRICE] = part.priced(chosen.low, chosen.high)
        whole = _all_of(part.everything, held.values())
        total += whole.bit_count()
        left.append((part, whole))
        for name, offered in groups.items():
            others = whole
            if name in held:
                others = _all_of(part.everything, (bits for other, bits in held.items() if other != name))
            for token in offered:
                if bits := part.of.get(token):
                    of[token] += (others & bits).bit_count()
    return Count(total=total, of=of, left=left)


def _all_of(everything: int, held: Iterable[int]) -> int:
    for bits in held:
        everything &= bits
    return everything


def places(bits: int) -> list[int]:
    """Which bits are set, lowest first."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found
