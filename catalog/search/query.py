"""What was typed, made harmless and looked at from every side: the readings of a query and what each asks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.search import hangul
from catalog.search.documents import plain
from catalog.search.roman import plain_latin, skeleton

LENGTH_LIMIT = 64
WORDS_LIMIT = 8

# What a reading is worth beside the query as it was typed.
FOLDED = 0.92
SYNONYM = 0.9
SINGULAR = 0.9
CORRECTED = 0.8
INITIALS = 0.8
ROMANISED = 0.7
LATIN_KEYS = 0.6
OTHER_KEYS = 0.5


@dataclass(frozen=True)
class Probe:
    """One question to one column of the documents."""

    column: str
    needle: str
    weight: float
    why: str
    whole_word: bool = False  # ask for whole words only


def normalise(text: str) -> str:
    """The query as it is shown and searched: composed, no control or unseen characters, at most 64 characters.

    What breaks a line becomes a space; what nobody sees (zero width, marks that belong to no letter) goes.
    """
    composed = hangul.compose(text[: 4 * LENGTH_LIMIT])
    seen = "".join(_seen(char) for char in composed)
    return " ".join(seen.split())[:LENGTH_LIMIT].strip()


def _seen(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return "" if category[0] in "CM" else char


def words_of(query: str) -> list[str]:
    """The words that are searched, at most eight; those without a letter or digit we know say nothing."""
    return [word for word in plain(query).split() if _says_something(word)][:WORDS_LIMIT]


def _says_something(word: str) -> bool:
    return bool(hangul.key(word) or hangul.key(plain_latin(word)))


def probes(text: str, *, weight: float = 1.0, typed: str = "", why: str = "as written") -> list[Probe]:
    """Everything one text may be, most likely first. `typed` is the text with its capitals, for keyboards."""
    if hangul.is_initials(text):
        found = [Probe("c", hangul.initials(text), weight * INITIALS, "initial consonants")]
    elif hangul.has_hangul(text):
        found = list(_korean(text, weight, why))
    else:
        found = list(_latin(text, typed or text, weight, why))
    return [probe for probe in dict.fromkeys(found) if probe.needle]


def _korean(text: str, weight: float, why: str) -> Iterator[Probe]:
    whole = text.replace(" ", "")
    typed = hangul.key(whole)
    yield Probe("k", typed, weight, why)
    for folded in dict.fromkeys([hangul.key(hangul.fold(whole)), hangul.key(_each(text))]):
        yield Probe("f", folded, weight * FOLDED, "the other spelling")
        if folded != typed:  # a word whose spelling folding leaves alone stands in `k` only
            yield Probe("k", folded, weight * FOLDED, "the other spelling")
    if len(typed) >= 4 and not hangul.is_whole(whole):
        for layout in hangul.LAYOUTS:
            english = hangul.encode(whole, layout)
            if len(english) >= 4 and english.isascii() and english.isalnum():
                yield Probe("e", english, weight * OTHER_KEYS, f"{english}, typed with the Korean keyboard on")
    elif len(typed) >= 4:
        yield Probe("e", typed, weight * OTHER_KEYS, f"{typed}, typed with the Korean keyboard on")


def _each(text: str) -> str:
    return "".join(hangul.fold(word) for word in text.split())


def _latin(text: str, typed: str, weight: float, why: str) -> Iterator[Probe]:
    english = " ".join(re.findall("[a-z0-9.]+", plain_latin(text)))
    whole = english.replace(" ", "")
    yield Probe("e", english, weight, why)
    if (singular := _singular(english)) != english:
        yield Probe("e", singular, weight * SINGULAR, "the singular")
    yield Probe("k", whole, weight * LATIN_KEYS, "Latin letters in a Korean name, or the Latin keyboard left on")
    for layout, korean in keyboard_readings(typed):
        if layout == "KPS":
            yield Probe("k", hangul.key(korean), weight * OTHER_KEYS, f"{korean}, typed with the Latin keyboard on")
        yield Probe("f", hangul.key(hangul.fold(korean)), weight * OTHER_KEYS, f"{korean}, in the other spelling")
    if len(skeleton(text)) >= 3:
        yield Probe("r", skeleton(text), weight * ROMANISED, "romanised Korean")


def keyboard_readings(typed: str) -> list[tuple[str, str]]:
    """The Korean that the same keys would have written, on each layout on which it makes whole syllables."""
    letters = typed.replace(" ", "")
    if len(letters) < 4 or not letters.isascii() or not letters.isalpha():
        return []
    found = [(layout, hangul.decode(letters, layout)) for layout in hangul.LAYOUTS]
    return [(layout, korean) for layout, korean in found if hangul.is_whole(korean)]


def _singular(english: str) -> str:
    for ending, singular in (("ies", "y"), ("oes", "o"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if len(english) > len(ending) + 2 and english.endswith(ending) and not english.endswith("ss"):
            return english.removesuffix(ending) + singular
    return english
