"""The words of the shop. Corrections look for the nearest of them, never for the nearest product: what a correction
costs follows the number of words, which is bounded, not the number of products.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from django.db import connection, transaction

from catalog.models import SearchSynonym, SearchTerm
from catalog.search import hangul
from catalog.search.documents import english_key, plain
from catalog.search.roman import romanise, skeleton
from catalog.search.units import is_amount

LIMIT = 60_000  # Korean words kept, and as many English ones
SEEN_TWICE = 2
COMPOUND, LONGEST_COMPOUND = 4, 8  # syllables
Term = tuple[str, str, str]  # kind, key, term


def korean_words(name: str) -> list[str]:
    words = (word for word in plain(name).split() if len(word) > 1 and not is_amount(word))
    return [word for word in words if any(hangul.syllable(char) for char in word)]


def terms_of(korean: str, english: str = "") -> set[str]:
    """The Korean words of a name, the two of a compound, and each pair of neighbours as people write it together."""
    words = [word for word in plain(korean).split() if not is_amount(word)]
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    compounds = [half for word in words for half in halves(word)]
    return {term for term in (*korean_words(korean), *pairs, *compounds) if hangul.has_hangul(term)}


def english_words(english: str) -> set[str]:
    return {word for word in english_key(english).split() if len(word) > 2 and word.isalpha()}


def rows(korean: Iterable[str], english: Iterable[str]) -> Iterator[Term]:
    """How each word is kept: by keystrokes, initials and both romanisations; English by itself."""
    for term in korean:
        whole = term.replace(" ", "")
        folded = hangul.fold(whole)
        yield "k", hangul.key(folded), term
        for first in {hangul.initials(whole), hangul.initials(folded)}:
            yield "c", first, term
        for skeletal in {skeleton(romanise(whole)), skeleton(romanise(folded, assimilated=True))}:
            if " " not in term and len(skeletal) > 2:
                yield "r", skeletal, term
    for word in english:
        yield "e", word, word


def add(names: Iterable[tuple[str, str]]) -> None:
    """Make the words of these names known at once; how often they occur is counted by the next rebuild."""
    pairs = list(names)
    korean = set().union(*(terms_of(name) for name, _ in pairs)) if pairs else set()
    english = set().union(*(english_words(name) for _, name in pairs)) if pairs else set()
    new = [SearchTerm(kind=k, key=key, term=term, size=len(key), df=1) for k, key, term in rows(korean, english) if key]
    new.sort(key=lambda row: (row.kind, row.key, row.term))  # one order, so that two writers never wait for each other
    SearchTerm.objects.bulk_create(new, ignore_conflicts=True)


def rebuild(names: Iterable[tuple[str, str, int]]) -> int:
    """Count the words of all names (Korean, English, how many products) anew; how many entries there are now.

    Readers see the old words until the new ones are all there.
    """
    korean, english = _counted(names)
    _add_parts(korean)
    kept = dict(korean.most_common(LIMIT))
    # Known to corrections, but perhaps no word that any product has: never suggested.
    room = LIMIT - len(kept)
    guessed = sorted({piece for word in kept for piece in pieces(word, set(kept))} - set(kept))[:room]
    kept |= dict.fromkeys(guessed, 0) | dict.fromkeys(_understood() - set(kept), 0)
    kept_english = dict(english.most_common(LIMIT))
    counts = {**kept, **kept_english}
    entries = sorted({row for row in rows(kept, kept_english) if row[1]})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_searchterm IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM catalog_searchterm")
        with cursor.copy("COPY catalog_searchterm (kind, key, term, size, df) FROM STDIN") as copy:
            for kind, key, term in entries:
                copy.write_row((kind, key, term, len(key), counts[term]))
    return len(entries)


def _understood() -> set[str]:
    """Both sides of every pair in use: what people write and what the shop says."""
    pairs = SearchSynonym.objects.filter(is_approved=True).values_list("south", "north")
    return {word for pair in pairs for word in pair if hangul.is_whole(word) and len(word) > 1}


def halves(word: str) -> tuple[str, ...]:
    """평양랭면 is 평양 and 랭면: nearly all compounds of four syllables are made of two and two."""
    return (word[:2], word[2:]) if len(word) == COMPOUND and all(map(hangul.syllable, word)) else ()


def pieces(word: str, known: set[str]) -> set[str]:
    """What a longer compound may be made of: the noun it ends in, and what is left beside a word that is known.

    A small shop says 랭면 once, inside a longer name: without its pieces nobody who mistypes it would be understood.
    """
    if len(word) <= COMPOUND or len(word) > LONGEST_COMPOUND or not all(map(hangul.syllable, word)):
        return set()
    found = {word[-2:], word[-3:]}
    for at in range(2, len(word) - 1):
        head, tail = word[:at], word[at:]
        found |= {tail} if head in known else {head} if tail in known else set()
    return found


def _counted(names: Iterable[tuple[str, str, int]]) -> tuple[Counter[str], Counter[str]]:
    korean: Counter[str] = Counter()
    english: Counter[str] = Counter()
    for korean_name, english_name, count in names:
        for term in terms_of(korean_name):
            korean[term] += count
        for word in english_words(english_name):
            english[word] += count
    return korean, english


def _add_parts(korean: Counter[str]) -> None:
    """Words that stand inside others: 비누 begins or ends several words, so it is one itself."""
    parts: Counter[str] = Counter()
    weight: Counter[str] = Counter()
    for word, count in korean.items():
        if " " in word:
            continue
        heads = {word[:end] for end in range(2, min(len(word) - 1, 6))}
        tails = {word[start:] for start in range(max(1, len(word) - 6), len(word) - 1)}
        for part in heads | tails:
            parts[part] += 1
            weight[part] += count
    for part, words in parts.items():
        if words >= SEEN_TWICE:
            korean[part] = max(korean[part], weight[part])


def parts_of(text: str) -> list[str]:
    """Every piece of an unspaced query that may be a word of the shop."""
    shortest, longest = (3, 12) if text.isascii() else (2, 8)
    starts = range(len(text))
    return sorted({text[at:end] for at in starts for end in range(at + shortest, min(len(text), at + longest) + 1)})


def cut(text: str, known: set[str]) -> list[str]:
    """The fewest known words that make up the text, or nothing."""
    best: dict[int, list[str]] = {0: []}
    for at in range(len(text)):
        if at not in best:
            continue
        for word in (word for word in known if text.startswith(word, at)):
            end = at + len(word)
            if end not in best or len(best[at]) + 1 < len(best[end]):
                best[end] = [*best[at], word]
    found = best.get(len(text), [])
    return found if len(found) > 1 else []
