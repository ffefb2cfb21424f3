"""The filters of a list: what is offered, what the address chose, and how both are worded.

Unknown names and values in an address are left out. What is read of it is bounded before anything is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext

from catalog import filter_names, tokens
from catalog.facets import Chosen, Count
from catalog.filter_names import Names
from catalog.models import Category, Seller
from catalog.scopes import Counting
from catalog.tree import CategoryTree

VALUES_LIMIT = 10  # chosen in one group
GROUPS_LIMIT = 10  # groups with a choice
ATTRIBUTES_OFFERED = 6  # of a list over many shelves
COUNTED_TO = 1000
ATTRIBUTE_PREFIX = "a-"
VALUE = re.compile(r"[A-Za-z0-9_-]{1,80}")

SIMPLE = ("stock", "lowered")


@dataclass
class Option:
    value: str  # as it stands in the address
    label: str
    tokens: list[int]
    is_chosen: bool = False
    count: int = 0
    is_exact: bool = True

    @property
    def counted(self) -> str:
        """3, 1,000+."""
        return at_least(self.count, is_exact=self.is_exact)


@dataclass
class Group:
    name: str  # of the parameter
    label: str
    options: list[Option]
    is_by_count: bool = False  # the most frequent answer first, instead of the given order

    @property
    def chosen(self) -> list[Option]:
        return [option for option in self.options if option.is_chosen]

    @property
    def shown(self) -> list[Option]:
        """What is chosen, and what would leave something."""
        shown = [option for option in self.options if option.is_chosen or option.count]
        return sorted(shown, key=lambda option: -option.count) if self.is_by_count else shown


@dataclass
class Filters:
    groups: list[Group]
    low: int | None = None
    high: int | None = None

    def chosen(self) -> Chosen:
        groups = {g.name: [t for o in g.chosen for t in o.tokens] for g in self.groups if g.chosen}
        return Chosen(groups=groups, low=self.low, high=self.high)

    def offered(self) -> dict[str, list[int]]:
        return {group.name: [token for option in group.options for token in option.tokens] for group in self.groups}

    def take_counts(self, count: Count, *, is_exact: bool) -> None:
        for group in self.groups:
            for option in group.options:
                option.count = sum(count.of[token] for token in option.tokens)
                option.is_exact = is_exact

    def pairs(self) -> list[tuple[str, str]]:
        """The chosen filters as the address writes them, in one order, so that equal lists have equal addresses."""
        chosen = [(group.name, option.value) for group in self.groups for option in group.chosen]
        priced = [(name, str(won)) for name, won in (("min", self.low), ("max", self.high)) if won is not None]
        return chosen + priced

    @property
    def simple(self) -> list[Group]:
        """Single ticks that stand together: in stock, lowered."""
        return [group for group in self.groups if group.name in SIMPLE and group.shown]

    @property
    def lists(self) -> list[Group]:
        """Groups worth a heading: more than one answer, or one that is chosen."""
        return [g for g in self.groups if g.name not in SIMPLE and (len(g.shown) > 1 or g.chosen)]


def at_least(count: int, *, is_exact: bool = True) -> str:
    """A count as lists show it: exact to 1,000, then 1,000+."""
    if count > COUNTED_TO:
        return f"{number_format(COUNTED_TO, force_grouping=True)}+"
    return f"{number_format(count, force_grouping=True)}{'' if is_exact else '+'}"


def wanted_values(query: QueryDict, name: str) -> list[str]:
    """What an address chose in one group: known forms only, each once, no more than a person would."""
    values = [value for value in query.getlist(name)[: 3 * VALUES_LIMIT] if VALUE.fullmatch(value)]
    return list(dict.fromkeys(values))[:VALUES_LIMIT]


def mark_chosen(groups: list[Group], query: QueryDict) -> None:
    left = GROUPS_LIMIT
    for group in groups:
        wanted = wanted_values(query, group.name)
        for option in group.options:
            option.is_chosen = left > 0 and option.value in wanted
        left -= bool(group.chosen)


def common_groups() -> list[Group]:
    """What every list can be narrowed by."""
    return [
        Group("stock", gettext("Stock"), [Option("1", gettext("In stock only"), [tokens.token(tokens.IN_STOCK)])]),
        Group(
            "lowered", gettext("Price"), [Option("1", gettext("Lowered prices only"), [tokens.token(tokens.LOWERED)])]
        ),
    ]


def stars_group() -> Group:
    stars = [
        Option(str(n), gettext("%(n)s stars and more") % {"n": n}, [tokens.token(tokens.RATED, part=n)])
        for n in tokens.STARS
    ]
    return Group("stars", gettext("Stars"), stars)


def kind_group() -> Group:
    labels = dict(Seller.Kind.choices)
    options = [
        Option(kind, str(labels[kind]), [tokens.token(tokens.KIND, part=place)])
        for place, kind in enumerate(tokens.KINDS)
    ]
    return Group("kind", gettext("Kind of seller"), options)


def category_group(tree: CategoryTree, counting: Counting) -> Group:
    """The top shelves, each with all inside it, that hold anything of the list."""
    present = counting.present(tokens.SHELF)
    options = []
    for root in tree.roots:
        inside = [tokens.token(tokens.SHELF, pk) for pk in tree.with_all_inside(root)]
        if held := [token for token in inside if token in present]:
            options.append(Option(root.slug, root.name, held))
    return Group("category", gettext("Category"), options)


def names_for(path: Iterable[Category], counting: Counting, *, seller_slugs: Sequence[str]) -> Names:
    """One query for the sellers and districts of a list and for the attributes its shelves ask about."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NAMES,
            {
                "path": [category.pk for category in path],
                "sellers": counting.sellers,
                "slugs": list(seller_slugs),
                "districts": [tokens.id_of(token) for token in counting.present(tokens.DISTRICT)],
            },
        )
        return Names(cursor.fetchall())


_NAMES = filter_names.rows_for(path="%(path)s", sellers="%(sellers)s", districts="%(districts)s")


def shelf_groups(names: Names, counting: Counting) -> list[Group]:
    """Sellers, districts and the attributes of these shelves."""
    place = [
        Group("seller", gettext("Seller"), _named(names.of("seller"), tokens.SELLER), is_by_count=True),
        Group("district", gettext("Seller's district"), _named(names.of("district"), tokens.DISTRICT)),
    ]
    options = names.of("option")
    attributes = [_attribute(row, [o for o in options if o[9] == row[1]], counting) for row in names.of("attribute")]
    return [*attributes, *place]


def most_answered(groups: list[Group], counting: Counting, query: QueryDict) -> list[Group]:
    """Of a list over many shelves the attributes most of its products answer, and any that the address chose."""

    def answers(group: Group) -> int:
        asked = [token for option in group.options for token in option.tokens]
        return sum(part.carrying(asked).bit_count() for part in counting.parts)

    told = [group for group in groups if group.name.startswith(ATTRIBUTE_PREFIX)]
    best = sorted(told, key=answers, reverse=True)[:ATTRIBUTES_OFFERED]
    return [group for group in groups if group not in told or group in best or group.name in query]


def _named(rows: list[tuple[Any, ...]], kind: int) -> list[Option]:
    return [Option(row[2], _worded(row[3], row[4]), [tokens.token(kind, row[1])]) for row in rows]


def _attribute(row: tuple[Any, ...], options: list[tuple[Any, ...]], counting: Counting) -> Group:
    _, pk, slug, ko, en, kind, unit_ko, unit_en, bands, _ = row
    name, label = ATTRIBUTE_PREFIX + slug, _worded(ko, en)
    if kind == "choice":
        return Group(name, label, _named(options, tokens.OPTION))
    if kind == "yes_no":
        return Group(name, label, [Option("1", gettext("yes"), [tokens.token(tokens.YES, pk)])])
    return Group(name, label, _bands(pk, bands or [], _worded(unit_ko, unit_en)))


def _bands(pk: int, limits: list[int], unit: str) -> list[Option]:
    """Under 250 ml, 250–500 ml, 500 ml and over."""
    options = []
    for place in range(len(limits) + 1 if limits else 0):
        low = limits[place - 1] if place else None
        high = limits[place] if place < len(limits) else None
        value = f"{low or 0}-{high if high is not None else 'up'}"
        options.append(Option(value, _band_label(low, high, unit), [tokens.token(tokens.BAND, pk, place)]))
    return options


def _band_label(low: int | None, high: int | None, unit: str) -> str:
    least, most = (number_format(limit, force_grouping=True) for limit in (low or 0, high or 0))
    if low is None:
        return gettext("under %(most)s %(unit)s") % {"most": most, "unit": unit}
    if high is None:
        return gettext("%(least)s %(unit)s and more") % {"least": least, "unit": unit}
    return gettext("%(least)s to %(most)s %(unit)s") % {"least": least, "most": most, "unit": unit}


def _worded(korean: str | None, english: str | None) -> str:
    is_english = (get_language() or "").startswith("en")
    return (english or korean or "") if is_english else (korean or "")
