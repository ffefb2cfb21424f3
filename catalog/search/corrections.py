"""The nearest words of the shop to one that was mistyped."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from catalog.search import hangul
from catalog.search.query import keyboard_readings
from catalog.search.roman import plain_latin, skeleton

OFFERED = 4
LOOKED_AT = 40
SHORTEST = 4


def edits_allowed(size: int) -> int:
    """How many slips of a finger a word of this many keys may hold."""
    return 1 if size < 6 else 2 if size < 12 else 3


def corrections(text: str, *, typed: str = "", rewritten: tuple[str, ...] = ()) -> list[str]:
    """Known words near this one, nearest and then most used first. `rewritten`: what synonyms make of it."""
    found: dict[str, tuple[float, int, int]] = {}
    whole = text.replace(" ", "")
    for kind, needle in _needles(whole, typed or whole, rewritten):
        allowed = edits_allowed(len(needle))
        for term, key, df in _near(kind, needle, allowed):
            edits = distance(needle, key)
            if edits <= allowed and term.replace(" ", "") != whole:
                rank = (edits / len(needle), int(term[0] != whole[0]), -df)
                found[term] = min(found.get(term, rank), rank)
    for term, df in _syllables_swapped(whole):
        found.setdefault(term, (0.1, 0, -df))
    return sorted(found, key=lambda term: found[term])[:OFFERED]


def _needles(whole: str, typed: str, rewritten: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if hangul.has_hangul(whole):
        needles = [("k", hangul.key(hangul.fold(text))) for text in (whole, *rewritten)]
        if not hangul.is_whole(whole):
            needles += [("e", hangul.encode(whole, layout)) for layout in hangul.LAYOUTS]
    else:
        needles = [("e", plain_latin(whole)), ("r", skeleton(whole))]
        needles += [("k", hangul.key(hangul.fold(korean))) for _, korean in keyboard_readings(typed)]
    yield from dict.fromkeys((kind, needle) for kind, needle in needles if SHORTEST <= len(needle) <= 120)


def _near(kind: str, needle: str, allowed: int) -> list[tuple[str, str, int]]:
    """Words within a little more than the allowed distance: two swapped keys are one slip, but two edits here."""
    looked = allowed + 1
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT term, key, df FROM (
                   SELECT term, key, df, levenshtein_less_equal(key, %s, %s) AS edits FROM catalog_searchterm
                   WHERE kind = %s AND size BETWEEN %s AND %s
               ) AS near WHERE edits <= %s ORDER BY edits, df DESC LIMIT %s""",
            [needle, looked, kind, len(needle) - allowed, len(needle) + allowed, looked, LOOKED_AT],
        )
        return list(cursor.fetchall())


def _syllables_swapped(whole: str) -> list[tuple[str, int]]:
    """탁세기 is 세탁기: whole syllables change places when thumbs hurry."""
    if not hangul.has_hangul(whole) or not 3 <= len(whole) <= 12:
        return []
    swapped = [whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :] for at in range(len(whole) - 1)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT term, df FROM catalog_searchterm WHERE kind = 'k' AND term = ANY(%s) ORDER BY df DESC", [swapped]
        )
        return list(cursor.fetchall())


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
