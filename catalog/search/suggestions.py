"""Words to offer while somebody types, from the search's own vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language, gettext

from catalog.models import Category, Seller
from catalog.search import hangul
from catalog.search.asking import TooSlow, ask
from catalog.search.documents import plain
from catalog.search.facts import Facts, gather
from catalog.search.query import keyboard_readings
from catalog.search.roman import plain_latin, skeleton

OFFERED = 8
LONGEST_HOLDING = 12  # initials
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
        facts = gather([text])
        places = _places(facts, text)
        words = _words(text, query, facts)[: OFFERED - len(places)]
    except TooSlow:
        return []
    return [*(Suggestion(word) for word in words), *places]


def _words(text: str, typed: str, facts: Facts) -> list[str]:
    """Known words that begin as the text does: as it is written, folded, as a synonym, on the other keyboard."""
    whole = text.replace(" ", "")
    meant = [north for norths in facts.pairs.values() for north in norths] if hangul.is_whole(whole) else []
    found = _beginning(list(dict.fromkeys(_prefixes(whole, typed))))
    if hangul.is_initials(whole) and len(whole) > 1 and len(found) < OFFERED:
        found += _holding(hangul.initials(whole))
    return list(dict.fromkeys([*_sold(meant)[:2], *found]))[:OFFERED]


def _holding(initials: str) -> list[str]:
    """The most used words that hold these initials further in: ㄹㅁ is in 평양랭면."""
    return [
        row[0]
        for row in ask(
            "SELECT term FROM catalog_searchterm WHERE kind = 'c' AND size BETWEEN %s AND %s AND key LIKE %s AND df > 0"
            f" GROUP BY term ORDER BY max(df) DESC, length(term), term LIMIT {OFFERED}",
            [len(initials) + 1, LONGEST_HOLDING, f"_%{initials}%"],
        )
    ]


def _sold(words: list[str]) -> list[str]:
    """Those of the words that some product has."""
    if not words:
        return []
    rows = ask("SELECT term FROM catalog_searchterm WHERE kind = 'k' AND term = ANY(%s) AND df > 0", [words])
    return [word for word in words if (word,) in rows]


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
        [
            "(SELECT kind, term, df FROM catalog_searchterm WHERE kind = %s AND key LIKE %s AND df > 0"
            " ORDER BY df DESC LIMIT 20)"
        ]
        * len(prefixes)
    )
    args = [part for kind, prefix in prefixes for part in (kind, f"{prefix}%")]
    first = "e" if (get_language() or "").startswith("en") else "k"
    rows = ask(
        f"""SELECT term FROM ({ranges}) begun GROUP BY term
            ORDER BY bool_or(kind = %s) DESC, max(df) DESC, length(term), term LIMIT {OFFERED}""",
        [*args, first],
    )
    return [row[0] for row in rows]


def _places(facts: Facts, text: str) -> list[Suggestion]:
    sellers, categories = facts.sellers[text], facts.categories[text]
    found: list[Suggestion] = []
    if categories:
        shelves = Category.objects.filter(pk__in=categories, is_active=True)[:PLACES]
        found += [Suggestion(shelf.name, gettext("Category"), shelf.get_absolute_url()) for shelf in shelves]
    if sellers and len(found) < PLACES:
        open_ones = Seller.objects.filter(pk__in=sellers, is_active=True)[:PLACES]
        found += [Suggestion(seller.name, gettext("Seller"), seller.get_absolute_url()) for seller in open_ones]
    return found[:PLACES]
