"""Words people write for what the shop calls otherwise. Read anew for every query: a new pair works at once."""

from __future__ import annotations

from django.db import transaction

from catalog.models import SearchSynonym
from catalog.search.documents import plain

REWRITES = 6
LONGEST = 16


def joined(text: str) -> str:
    """A word as pairs are kept and met: plain and without spaces."""
    return plain(text).replace(" ", "")


def parts_of(text: str) -> set[str]:
    """Everything in the text that a pair could be known for."""
    whole = text.replace(" ", "")
    return {whole[at:end] for at in range(len(whole)) for end in range(at + 1, min(len(whole), at + LONGEST) + 1)}


def rewrites(text: str, pairs: dict[str, list[str]]) -> list[str]:
    """The text with southern or foreign words replaced: at most six variants without spaces, likeliest first."""
    whole = text.replace(" ", "")
    if whole in pairs:
        return pairs[whole][:REWRITES]
    inside = {south: norths for south, norths in pairs.items() if _may_be_part(south, whole)}
    found: dict[str, None] = {}
    every = whole
    for south, norths in inside.items():
        if south in every and norths[0] not in every:
            every = every.replace(south, norths[0])
    if every != whole:
        found[every] = None
    for south, norths in inside.items():
        for north in norths:
            if south in whole and north not in whole:
                found[whole.replace(south, north)] = None
    return list(found)[:REWRITES]


def _may_be_part(south: str, whole: str) -> bool:
    """A Latin word is only ever replaced where it is the whole ("pc" is no part of "upc"), a syllable at the end."""
    if south.isascii():
        return False
    return len(south) > 1 or (whole.endswith(south) and len(whole) > 2 and whole.count(south) == 1)


def add(*, south: str, north: str, source: str) -> SearchSynonym:
    """Make the pair known, or put it back in use."""
    with transaction.atomic():
        pair, _ = SearchSynonym.objects.update_or_create(
            south=joined(south), north=joined(north), defaults={"is_approved": True, "source": source}
        )
    return pair
