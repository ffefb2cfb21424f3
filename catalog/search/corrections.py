"""The nearest words of the shop to one that was mistyped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.search import hangul
from catalog.search.asking import ask
from catalog.search.query import keyboard_readings
from catalog.search.roman import plain_latin, skeleton

OFFERED = 4
LOOKED_AT = 40
SHORTEST, LONGEST = 4, 120  # keys


def edits_allowed(size: int) -> int:
    """How many slips of a finger a word of this many keys may hold."""
    return 1 if size < 6 else 2 if size < 12 else 3


def corrections(asked: Sequence[Mistyped]) -> list[list[str]]:
    """For each text the known words near it, nearest and then most used first, in one question."""
    questions = [(place, *needle) for place, one in enumerate(asked) for needle in one.needles()]
    found: list[dict[str, tuple[float, int, int]]] = [{} for _ in asked]
    for number, term, key, df in _near(questions, [_swapped(one.whole) for one in asked]):
        place, kind, needle = questions[number] if number >= 0 else (-1 - number, "", "")
        whole, ranks = asked[place].whole, found[place]
        if not kind:
            ranks.setdefault(term, (0.1, 0, -df))
            continue
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


def _near(questions: list[tuple[int, str, str]], swapped: list[list[str]]) -> list[tuple[int, str, str, int]]:
    """(number of the question, word, its key, how often it occurs) within a little more than the allowed distance:
    two swapped keys are one slip, but two edits here. Words with swapped syllables have number -1 - their text's."""
    parts: list[str] = []
    args: list[Any] = []
    for number, (_, kind, needle) in enumerate(questions):
        allowed = edits_allowed(len(needle))
        parts.append(
            f"""(SELECT {number}, term, key, df FROM (
                   SELECT term, key, df, levenshtein_less_equal(key, %s, {allowed + 1}) AS edits FROM catalog_searchterm
                   WHERE kind = %s AND size BETWEEN {len(needle) - allowed} AND {len(needle) + allowed}
               ) AS near WHERE edits <= {allowed + 1} ORDER BY edits, df DESC LIMIT {LOOKED_AT})"""
        )
        args += [needle, kind]
    for place, words in enumerate(swapped):
        if words:
            parts.append(
                f"(SELECT {-1 - place}, term, '', df FROM catalog_searchterm WHERE kind = 'k' AND term = ANY(%s))"
            )
            args.append(words)
    return ask(" UNION ALL ".join(parts), args) if parts else []


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
