"""Which column is what: guessed, remembered from the last file with the same header, or said by hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from accounts.models import User
from catalog.importing import answers
from catalog.importing.fields import BY_NAME, TARGETS, Target
from catalog.models import RememberedMapping


@dataclass(slots=True)
class Mapping:
    columns: dict[str, int] = field(default_factory=dict)  # field → the column's place in the file
    fixed: dict[str, str] = field(default_factory=dict)  # field → what holds where the file says nothing
    factor: str = "1"  # of prices; the product is rounded half up to whole won
    prefix: str = ""  # put before the file's own SKUs and codes of kinds and sellers
    shortens: bool = False  # cut texts that are too long, instead of refusing the row
    makes_missing: bool = False  # make categories, sellers and kinds the shop does not have, hidden at first
    district: str = ""  # of sellers made so: its address word

    @property
    def fields(self) -> list[str]:
        """Every field this says something about, in the order of TARGETS, then attributes by their address words."""
        told = self.columns.keys() | self.fixed.keys()
        return [*(target.name for target in TARGETS if target.name in told), *sorted(told - BY_NAME.keys())]

    @property
    def price_factor(self) -> Decimal:
        return Decimal(self.factor)

    def values_of(self, cells: list[str]) -> list[str]:
        """The row's texts, one for each of `fields`."""
        return [self._value(name, cells) for name in self.fields]

    def _value(self, name: str, cells: list[str]) -> str:
        place = self.columns.get(name)
        text = cells[place] if place is not None and place < len(cells) else ""
        return text if text.strip() else self.fixed.get(name, "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: dict[str, Any]) -> Mapping:
    return Mapping(**data)


def proposed(header: list[str], by: User) -> Mapping:
    """What the same person said about the same header the last time; else a guess by the columns' names."""
    found = RememberedMapping.objects.filter(by=by, header_digest=_digest(header)).first()
    return from_json(found.mapping) if found else guessed(header, [*TARGETS, *answers.targets()])


def remember(header: list[str], mapping: Mapping, *, by: User) -> None:
    RememberedMapping.objects.update_or_create(
        by=by, header_digest=_digest(header), defaults={"mapping": mapping.as_json()}
    )


def guessed(header: list[str], targets: Sequence[Target] = TARGETS) -> Mapping:
    """Columns by the names of an export first, then by words people use; every column is taken once."""
    plain = [_plain(name) for name in header]
    columns: dict[str, int] = {}
    for wanted in ([(t.name, (t.name,)) for t in targets], [(t.name, t.aliases) for t in targets]):
        for name, words in wanted:
            for word in map(_plain, words):
                if name not in columns and word in plain and plain.index(word) not in columns.values():
                    columns[name] = plain.index(word)
    return Mapping(columns=columns)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _digest(header: list[str]) -> str:
    return hashlib.sha256("\x1f".join(header).encode()).hexdigest()
