"""The nearest words of the shop to one that was mistyped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.search import hangul
from catalog.search.matching import Aside, Told
from catalog.search.query import keyboard_readings
from catalog.search.roman import plain_latin, skeleton

OFFERED = 4
LOOKED_AT = 40
SHORTEST, LONGEST = 4, 120  # keys


def edits_allowed(size: int) -> int:
    """How many slips of a finger a word of this many keys may hold."""
    return 1 if size < 6 else 2 if size < 12 else 3


def looking_for(asked: Sequence[Mistyped], when: Sequence[str]) -> Aside:
    """Words near each text, to be looked up in the search's own statement where the text's condition in `when` holds;
    and the synonyms in these words. `ranked` reads the answers."""
    near: list[str] = []
    args: list[Any] = []
    for number, (place, kind, needle) in enumerate(_questions(asked)):
        allowed, size = edits_allowed(len(needle)), len(needle)
        near.append(
            f"""(SELECT 'near', {number}, term, key, df FROM (
                   SELECT term, key, df, levenshtein_less_equal(key, %s, {allowed + 1}) AS edits FROM catalog_searchterm
                   WHERE {when[place]} AND kind = %s AND size BETWEEN {size - allowed} AND {size + allowed}
               ) AS near WHERE edits <= {allowed + 1} ORDER BY edits, df DESC LIMIT {LOOKED_AT})"""
        )
        args += [needle, kind]
    for place, one in enumerate(asked):
        if words := _swapped(one.whole):
            near.append(
                f"(SELECT 'swapped', {place}, term, '', df FROM catalog_searchterm"
                f" WHERE {when[place]} AND kind = 'k' AND term = ANY(%s))"
            )
            args.append(words)
    if not near:
        return Aside()
    before = [f"near (what, number, word, other, count) AS MATERIALIZED ({' UNION ALL '.join(near)})"]
    return Aside(before, ["SELECT * FROM near", _PAIRS], args)


_PAIRS = """SELECT 'pair', s.id::int, s.south, s.north, 0 FROM catalog_searchsynonym s WHERE s.is_approved
    AND EXISTS (SELECT FROM near WHERE position(s.south IN replace(near.word, ' ', '')) > 0)"""


def _questions(asked: Sequence[Mistyped]) -> list[tuple[int, str, str]]:
    return [(place, *needle) for place, one in enumerate(asked) for needle in one.needles()]


def ranked(asked: Sequence[Mistyped], told: Sequence[Told]) -> list[list[str]]:
    """For each text the known words near it, nearest and then most used first.

    Two swapped keys are one slip, but two edits to the database: it offers a little more than is allowed.
    """
    questions = _questions(asked)
    found: list[dict[str, tuple[float, int, int]]] = [{} for _ in asked]
    for what, number, term, key, df in told:
        if what == "swapped":  # whole syllables: 탁세기 is 세탁기
            found[number].setdefault(term, (0.1, 0, -df))
        elif what == "near":
            place, _, needle = questions[number]
            whole, ranks = asked[place].whole, found[place]
            edits = distance(needle, key)
            if edits <= edits_allowed(len(needle)) and term.replace(" ", "") != whole:
                rank = (edits / len(needle), int(term[0] != whole[0]), -df)
                ranks[term] = min(ranks.get(term, rank), rank)
    return [sorted(ranks, key=lambda term, ranks=ranks: ranks[term])[:OFFERED] for ranks in found]  # type: ignore[misc]


@dataclass(frozen=True)
class Mistyped:
    """A text nothing answers: without spaces, as it was typed, and what synonyms make of it."""

    whole: str
    typed: str = ""
    rewritten: tuple[str, ...] = ()

    def needles(self) -> list[tuple[str, str]]:
        if hangul.has_hangul(self.whole):
            needles = [("k", hangul.key(hangul.fold(text))) for text in (self.whole, *self.rewritten)]
            if not hangul.is_whole(self.whole):
                needles += [("e", hangul.encode(self.whole, layout)) for layout in hangul.LAYOUTS]
        else:
            needles = [("e", plain_latin(self.whole)), ("r", skeleton(self.whole))]
            readings = keyboard_readings(self.typed or self.whole)
            needles += [("k", hangul.key(hangul.fold(korean))) for _, korean in readings]
        return [pair for pair in dict.fromkeys(needles) if SHORTEST <= len(pair[1]) <= LONGEST]


def _swapped(whole: str) -> list[str]:
    """탁세기 is 세탁기: whole syllables change places when thumbs hurry."""
    if not hangul.has_hangul(whole) or not 3 <= len(whole) <= 12:
        return []
    return [whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :] for at in range(len(whole) - 1)]


def distance(a: str, b: str) -> int:
    """Edits between two words, a swap of neighbours counted as one (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
