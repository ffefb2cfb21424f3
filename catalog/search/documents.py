"""The one place that turns texts into what the search compares.

For 평양랭면 마른국수 500그람:

    n  평양랭면마른국수500g                          whether the very letters were asked for
    k  ` vuddidfodaus akfmsrnrtn 500g vuddid…500g `  words, then all of them without spaces
    f  ` vuddidsodaus vuddidsodaus…500g `            words whose folded spelling differs, and the whole
    c  ` vdfa akrt vdfaakrt VD DF FA … `             initials: words, whole, pairs in capitals; folded ones too
    r  ` pyoxyaxrexmyon marunkuksu … `               skeletons, by letter and by sound
    e  ` pyongyang cold noodles dried 500g `         English
    d  {vuddidsodaus, tnsaus, …}                     words of description, kind and variants, only ever matched whole

Raise KEY_VERSION when any rule changes: `rebuild_search` then rewrites what older rules wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from catalog.search import hangul
from catalog.search.particles import strip_particle
from catalog.search.roman import plain_latin, romanise, skeleton
from catalog.search.units import fold_units, is_amount

KEY_VERSION = 1
WORDS_LIMIT = 24  # of the description: what it says first it says loudest
_APOSTROPHES = re.compile("['’‘ʻʼ`´]")


@dataclass(frozen=True)
class Keys:
    """The text columns of one name."""

    n: str
    k: str
    f: str
    c: str
    r: str
    e: str


def plain(text: str) -> str:
    """Lower case, amounts in one spelling, letters and digits only, single spaces: the words of a text."""
    text = fold_units(_APOSTROPHES.sub("", hangul.compose(text).lower()))
    kept = (char if _is_letter(text, place) else " " for place, char in enumerate(text))
    return " ".join("".join(kept).split())


def _is_letter(text: str, place: int) -> bool:
    char = text[place]
    return char.isalnum() or (char == "." and hangul.between_digits(text, place))


def name_keys(korean: str, english: str = "") -> Keys:
    words = plain(korean).split()
    return Keys(
        n="".join(words),
        k=_spaced(_with_whole([_key(word) for word in words])),
        f=_folded(words),
        c=_initials([word for word in words if not is_amount(word)]),
        r=_skeletons([word for word in words if hangul.has_hangul(word)]),
        e=english_key(english),
    )


def english_key(text: str) -> str:
    return _spaced(re.findall("[a-z0-9.]+", plain_latin(plain(text))))


def description_words(*texts: str) -> list[str]:
    """Folded keys of the first words, particles taken off."""
    found: dict[str, None] = {}
    for text in texts:
        for word in plain(text[:400]).split():
            if len(word) > 1 and not is_amount(word):
                found[word_key(word)] = None
    found.pop("", None)
    return list(found)[:WORDS_LIMIT]


@lru_cache(maxsize=65536)
def word_key(word: str) -> str:
    """How one word of running text is compared."""
    if not hangul.has_hangul(word):
        return plain_latin(word) if word.isascii() or len(word) > 2 else ""
    return hangul.key(hangul.fold(strip_particle(word)))


@lru_cache(maxsize=65536)
def _key(word: str) -> str:
    return hangul.key(plain_latin(word) if not hangul.has_hangul(word) else word)


@lru_cache(maxsize=65536)
def _folded_key(word: str) -> str:
    return hangul.key(hangul.fold(word)) if hangul.has_hangul(word) else _key(word)


@lru_cache(maxsize=65536)
def _initials_of(word: str) -> str:
    return hangul.initials(word)


@lru_cache(maxsize=65536)
def _skeleton(word: str) -> str:
    return skeleton(romanise(word))


@lru_cache(maxsize=65536)
def _spoken_skeleton(word: str) -> str:
    return skeleton(romanise(hangul.fold(word), assimilated=True))


def _folded(words: list[str]) -> str:
    folded = [_folded_key(word) for word in words]
    changed = [new for word, new in zip(words, folded, strict=True) if new != _key(word)]
    if not changed:
        return ""
    return _spaced(dict.fromkeys([*changed, "".join(folded)]))


def _initials(words: list[str]) -> str:
    """Words and the whole in small letters, every pair of neighbours in capitals: two letters are asked as a pair.

    Trigrams know no capitals, so both are found through one index and told apart by LIKE.
    """
    found: dict[str, None] = {}
    for variant in ([_initials_of(word) for word in words], [_initials_of(hangul.fold(word)) for word in words]):
        for word in _with_whole([word for word in variant if word]):
            found[word] = None
    pairs = dict.fromkeys(word[at : at + 2].upper() for word in found for at in range(len(word) - 1))
    return _spaced([*found, *pairs])


def _skeletons(words: list[str]) -> str:
    found = [*_with_whole([_skeleton(word) for word in words])]
    found += _with_whole([_spoken_skeleton(word) for word in words])
    return _spaced(dict.fromkeys(word for word in found if word))


def _with_whole(words: list[str]) -> list[str]:
    words = [word for word in words if word]
    return [*words, "".join(words)] if len(words) > 1 else words


def _spaced(words: Iterable[str]) -> str:
    text = " ".join(words)
    return f" {text} " if text else ""
