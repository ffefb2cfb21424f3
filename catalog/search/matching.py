"""Questions as SQL: which documents match, and how well. One list of grades serves the database and `explain_search`.

LIKE, never ILIKE: `UPPER(col) LIKE UPPER(…)` can use none of the indexes. Needles hold only [a-z0-9. ] or Korean
syllables (documents.plain lets nothing else through), so no sign of LIKE's can be smuggled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from catalog.search.asking import ask
from catalog.search.facts import naming
from catalog.search.query import Probe

# The most documents one question looks at. A rebuild writes the most ordered ones first, and pages are read in order:
# of a hundred thousand equal answers these are the ones that would be ranked first anyway.
CANDIDATES = 4_000
SHORT = {"r": 4, "e": 4}  # needles shorter than this (3 in other columns) must begin a word

Grade = tuple[str, int, str]
# How well a needle sits in a column: the first pattern that fits counts.
GRADES: tuple[Grade, ...] = (
    ("% {} ", 105, "the whole name"),
    (" {} %", 100, "the first word"),
    (" {}%", 80, "the name begins so"),
    ("% {} %", 70, "a word"),
    ("% {}%", 60, "a word begins so"),
    ("%{} %", 45, "a word ends so"),
    ("%{}%", 35, "inside a word"),
)
INITIAL_GRADES: tuple[Grade, ...] = (
    ("% {} %", 40, "the initials of a word"),
    ("% {}%", 36, "a word begins so"),
    ("%{}%", 32, "inside"),
)
PAIR_GRADES: tuple[Grade, ...] = (
    ("% {} %", 40, "the initials of a word"),
    ("% {}%", 36, "a word begins so"),
    ("% {0:U} %", 32, "inside"),
)
LITERAL_BONUS = 9  # the very letters, not only the same keys: 굴 and 꿀 differ
CORRECTED = "D"
SELLER, CATEGORY, DESCRIPTION = 30.0, 28.0, 20.0
NOBODY: Mapping[str, int] = MappingProxyType({})


@dataclass
class Group:
    """One word of a query, or the whole of it: a document has to answer at least one of its questions."""

    probes: list[Probe]
    literal: str = ""
    sellers: list[int] = field(default_factory=list)
    categories: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # of descriptions
    names: list[str] = field(default_factory=list)  # the statement itself finds out whom these texts mean

    def __bool__(self) -> bool:
        return bool(self.probes or self.sellers or self.categories or self.words)


@dataclass(frozen=True)
class Hit:
    product_id: int
    score: float
    in_stock: bool = True
    pop: int = 0
    length: int = 0

    @property
    def place(self) -> tuple[bool, float, int, int, int]:
        """Where it stands: sold out last, then by score, popularity and the shorter name."""
        return (not self.in_stock, -self.score, -self.pop, self.length, self.product_id)


def grades(probe: Probe) -> list[Grade]:
    """The patterns this probe may fit, best first, each with its points and its name."""
    needle = probe.needle
    if probe.column == "c":
        table = PAIR_GRADES if len(needle) == 2 else INITIAL_GRADES if len(needle) > 2 else INITIAL_GRADES[:2]
    else:
        is_short = len(needle) < SHORT.get(probe.column, 3)
        table = tuple(grade for grade in GRADES if not (is_short and grade[0].startswith("%{}")))
    if probe.whole_word:
        table = tuple(grade for grade in table if grade[0].strip("%") == " {} ")
    return [(_filled(pattern, needle), points, name) for pattern, points, name in table]


def _filled(pattern: str, needle: str) -> str:
    return pattern.replace("{0:U}", needle.upper()).replace("{}", needle)


def widest(probe: Probe) -> str:
    """The pattern all others are cases of: the one the index answers."""
    return grades(probe)[-1][0]


@dataclass
class Tier:
    """One question: a product answers when it answers every group. It is asked only while the ones before it found
    fewer than `below` products; a corrected one only when none but corrected ones found any."""

    letter: str
    name: str
    text: str
    groups: list[Group]
    below: int


@dataclass
class Aside:
    """What the same statement looks up beside the products, as selects of (what, number, word, other, count). `before`
    stands in front of them; t0, t1, … are the tiers' products."""

    before: list[str] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)


Told = tuple[str, int, str, str, int]


def find(tiers: list[Tier], limit: int, aside: Aside | None = None) -> tuple[list[tuple[int, Hit, int]], list[Told]]:
    """The best answers of each tier as (place of the tier, hit, how many answered it), and what was told aside, in one
    statement. The sellers and categories that `names` of groups turned out to mean are put into these groups."""
    aside = aside or Aside()
    groups = [group for tier in tiers for group in tier.groups if group.names]
    texts = list(dict.fromkeys(text for group in groups for text in group.names))
    naming_sql, args = naming(texts)
    known = {text: place for place, text in enumerate(texts)} if naming_sql else {}
    parts, selects = [naming_sql] if naming_sql else [], list(aside.selects)
    for place in range(len(tiers)):
        part, part_args = _ranked(tiers, place, limit, known)
        parts.append(f"t{place} AS MATERIALIZED ({part})")
        args += part_args
    if known:
        selects.append("SELECT 'seller', g, ref::text, '', 0 FROM named WHERE kind = 's'")
        selects.append("SELECT 'category', g, id::text, '', 0 FROM inside")
    if not tiers and not selects:
        return [], []
    union = [
        f"SELECT {n}, product_id, score, in_stock, pop, length, of, '', '', '' FROM t{n}" for n in range(len(tiers))
    ]
    union += [
        "SELECT -1, number, 0, false, count, 0, 0, what, word, other"
        f" FROM ({select}) AS told (what, number, word, other, count)"
        for select in selects
    ]
    tables = ", ".join([*parts, *aside.before])
    head = f"WITH RECURSIVE {tables} " if tables else ""
    rows = ask(head + " UNION ALL ".join(union), [*args, *aside.args])
    told: list[Told] = [(row[7], row[1], row[8], row[9], row[4]) for row in rows if row[0] < 0]
    for group in groups:
        meant = [known[text] for text in group.names if text in known]
        group.sellers += [int(ref) for what, place, ref, *_ in told if what == "seller" and place in meant]
        group.categories += [int(ref) for what, place, ref, *_ in told if what == "category" and place in meant]
    return [(row[0], Hit(row[1], float(row[2]), *row[3:6]), row[6]) for row in rows if row[0] >= 0], told


def none_of(tiers: int, *, above: float = 0) -> str:
    """True where the first so many tiers found no product (of a higher score than `above`)."""
    least = f" WHERE score >= {above}" if above else ""
    tests = [f"NOT EXISTS (SELECT FROM t{place}{least})" for place in range(tiers)]
    return " AND ".join(tests) or "true"


def _ranked(tiers: list[Tier], place: int, limit: int, known: Mapping[str, int]) -> tuple[str, list[Any]]:
    tier = tiers[place]
    where, where_args = _every(tier.groups, known)
    score, score_args = _score(tier.groups, known)
    gate = _gate(tiers, place)
    statement = f"""
        SELECT product_id, score, in_stock, pop, length, count(*) OVER () AS of FROM (
            SELECT product_id, in_stock, pop, length(n) AS length, {score} AS score
            FROM catalog_searchdoc WHERE {gate}visible AND {where} LIMIT {CANDIDATES}
        ) AS answered
        ORDER BY in_stock DESC, score DESC, pop DESC, length, product_id LIMIT {limit}"""
    return statement, [*score_args, *where_args]


def _gate(tiers: list[Tier], place: int) -> str:
    """PostgreSQL looks at this before it begins: a tier that is not needed costs nothing."""
    tier, before = tiers[place], range(place)
    if tier.letter != CORRECTED:
        return _fewer(list(before), tier.below)
    sure = [n for n in before if tiers[n].letter != CORRECTED]
    return _fewer(sure, 1) + _fewer([n for n in before if n not in sure], tier.below)


def _fewer(tiers: list[int], below: int) -> str:
    return f"{' + '.join(f'(SELECT count(*) FROM t{n})' for n in tiers)} < {below} AND " if tiers else ""


def _every(groups: list[Group], known: Mapping[str, int]) -> tuple[str, list[Any]]:
    parts = [any_of(group, known) for group in groups]
    return " AND ".join(part for part, _ in parts), [arg for _, args in parts for arg in args]


def any_of(group: Group, known: Mapping[str, int] = NOBODY) -> tuple[str, list[Any]]:
    """The condition that a document answers the group; `known` are the places of the texts in `named`."""
    parts: dict[tuple[str, str], None] = dict.fromkeys((probe.column, widest(probe)) for probe in group.probes)
    conditions = [f"{column} LIKE %s" for column, _ in parts]
    args: list[Any] = [pattern for _, pattern in parts]
    for condition, condition_args, _ in _others(group, known):
        conditions.append(condition)
        args += condition_args
    return f"({' OR '.join(conditions)})", args


def _others(group: Group, known: Mapping[str, int]) -> list[tuple[str, list[Any], float]]:
    """What a document may answer beside the probes: (condition, its arguments, points)."""
    found: list[tuple[str, list[Any], float]] = []
    for condition, values, points in (
        ("seller_id = ANY(%s)", group.sellers, SELLER),
        ("category_id = ANY(%s)", group.categories, CATEGORY),
        ("d && %s::text[]", group.words, DESCRIPTION),
    ):
        if values:
            found.append((condition, [values], points))
    if places := [known[text] for text in group.names if text in known]:
        among = ", ".join(map(str, places))
        sellers = f"seller_id = ANY(ARRAY(SELECT ref FROM named WHERE g IN ({among}) AND kind = 's'))"
        shelves = f"category_id = ANY(ARRAY(SELECT id FROM inside WHERE g IN ({among})))"
        found += [(sellers, [], SELLER), (shelves, [], CATEGORY)]
    return found


def _score(groups: list[Group], known: Mapping[str, int]) -> tuple[str, list[Any]]:
    """The mean of the groups' best grades; several words never outrank the same words in one piece."""
    parts, args = [], []
    for group in groups:
        part, part_args = _group_score(group, known)
        parts.append(part)
        args += part_args
    share = 1.0 if len(groups) == 1 else 1 / (1.2 * len(groups))
    return f"({' + '.join(parts)}) * {share:.4f}", args


def _group_score(group: Group, known: Mapping[str, int]) -> tuple[str, list[Any]]:
    cases, args = [], []
    for probe in group.probes:
        case, case_args = _probe_score(probe)
        cases.append(case)
        args += case_args
    for condition, condition_args, points in _others(group, known):
        cases.append(f"CASE WHEN {condition} THEN {points} ELSE 0 END")
        args += condition_args
    score = f"greatest({', '.join(cases)}, 0)"
    if group.literal:
        score += f" + CASE WHEN n LIKE %s THEN {LITERAL_BONUS} ELSE 0 END"
        args.append(f"%{group.literal}%")
    return score, args


def _probe_score(probe: Probe) -> tuple[str, list[Any]]:
    """The widest pattern first: most documents match one probe only and stop at it."""
    fits = grades(probe)
    *better, (last, points, _) = fits
    inner = "".join(f" WHEN {probe.column} LIKE %s THEN {grade * probe.weight:.2f}" for _, grade, _ in better)
    inner = f"CASE{inner} ELSE {points * probe.weight:.2f} END" if better else f"{points * probe.weight:.2f}"
    return f"CASE WHEN {probe.column} LIKE %s THEN {inner} ELSE 0 END", [last, *(pattern for pattern, _, _ in better)]


def fits(text: str, pattern: str) -> bool:
    """LIKE as the database sees it, for explaining."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)
