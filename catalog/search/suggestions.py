"""Words to offer while somebody types, and words near one that found nothing. From the search's own vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import get_language, gettext

from catalog.models import Category, Seller
from catalog.search import corrections, hangul, names, synonyms
from catalog.search.documents import plain
from catalog.search.engine import TooSlow, hurried
from catalog.search.query import keyboard_readings, probes
from catalog.search.roman import plain_latin, skeleton

OFFERED = 8
PLACES = 2  # categories and sellers among them


@dataclass(frozen=True)
class Suggestion:
    text: str
    kind: str = ""  # what it is, in the page's language; empty for a word
    url: str = ""  # where a category or seller leads; words are searched


def suggestions(query: str) -> list[Suggestion]:
    """At most eight for what was typed so far: words of the shop, then categories and sellers. Never slow."""
    text = plain(query)
    if not text:
        return []
    try:
        with hurried():
            places = _places(text)
            words = _words(text, query)[: OFFERED - len(places)]
    except TooSlow:
        return []
    return [*(Suggestion(word) for word in words), *places]


def _words(text: str, typed: str) -> list[str]:
    """Known words that begin as the text does: as it is written, folded, as a synonym, on the other keyboard."""
    whole = text.replace(" ", "")
    prefixes = list(dict.fromkeys(_prefixes(whole, typed)))
    meant = [north for norths in synonyms.known(whole).values() for north in norths] if hangul.is_whole(whole) else []
    found = _beginning(prefixes)
    exact = [word for word in meant if synonyms.joined(word) and word not in found]
    return list(dict.fromkeys([*exact[:2], *found]))


def _prefixes(whole: str, typed: str) -> list[tuple[str, str]]:
    if hangul.is_initials(whole):
        return [("c", hangul.initials(whole))]
    if hangul.has_hangul(whole):
        return [("k", hangul.key(hangul.fold(whole))), ("k", hangul.key(whole))]
    found = [("e", plain_latin(whole)), ("r", skeleton(whole))]
    found += [("k", hangul.key(hangul.fold(korean))) for _, korean in keyboard_readings(typed)]
    return [(kind, prefix) for kind, prefix in found if prefix]


def _beginning(prefixes: list[tuple[str, str]]) -> list[str]:
    """The most used of the words that begin so, at most eight; a shop word before an English one in Korean."""
    if not prefixes:
        return []
    ranges = " UNION ALL ".join(
        ["(SELECT kind, term, df FROM catalog_searchterm WHERE kind = %s AND key LIKE %s ORDER BY df DESC LIMIT 20)"]
        * len(prefixes)
    )
    args = [part for kind, prefix in prefixes for part in (kind, f"{prefix}%")]
    first = "e" if (get_language() or "").startswith("en") else "k"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT term FROM ({ranges}) begun GROUP BY term
                ORDER BY bool_or(kind = %s) DESC, max(df) DESC, length(term), term LIMIT %s""",  # noqa: S608
            [*args, first, OFFERED],
        )
        return [row[0] for row in cursor.fetchall()]


def _places(text: str) -> list[Suggestion]:
    sellers, categories = names.matching(probes(text))
    found = [
        Suggestion(category.name, gettext("Category"), category.get_absolute_url())
        for category in Category.objects.filter(pk__in=categories, is_active=True)[:PLACES]
    ]
    found += [
        Suggestion(seller.name, gettext("Seller"), seller.get_absolute_url())
        for seller in Seller.objects.filter(pk__in=sellers, is_active=True)[:PLACES]
    ]
    return found[:PLACES]


def nearest(query: str) -> list[str]:
    """Words of the shop near one that found nothing: looser than a correction, so they are only offered."""
    text = plain(query).replace(" ", "")
    if not text or hangul.is_initials(text):
        return []
    try:
        with hurried():
            found = corrections.corrections(text, typed=query)
            if hangul.has_hangul(text):  # what begins with its first two syllables, then with the first
                for end in (3, 2):
                    if len(text) >= end:
                        found += _beginning([("k", hangul.key(hangul.fold(text[:end])))])
    except TooSlow:
        return []
    return list(dict.fromkeys(found))[:6]
