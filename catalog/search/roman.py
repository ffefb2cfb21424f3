"""Korean in Latin letters, whatever school wrote it: both sides are reduced to one coarse skeleton.

raengmyon, naengmyeon and P'yŏngyang raengmyŏn meet, because vowels lose their marks and doubled letters, and voiced,
tense and aspirated consonants become one.
"""

from __future__ import annotations

import re
import unicodedata

from catalog.search.hangul import IEUNG, NIEUN, RIEUL, Syllable, syllable

MIEUM = 6
_INITIALS = "g kk n d tt r m b pp s ss  j jj ch k t p h".split(" ")
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_FINALS = ["", *"k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()]
_LINKED = {"k": "g", "t": "d", "p": "b", "l": "r"}  # a final consonant before a vowel
_NASAL = {"k": "ng", "t": "n", "p": "m"}  # a final consonant before ㄴ and ㅁ
SIOT = (19, 20)
_RULES = [
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"[^a-z0-9]", ""),
        ("kh|gh", "k"),
        ("ph", "p"),
        ("(?<!t)th", "t"),
        ("eo", "o"),
        ("eu", "u"),
        ("ae", "e"),
        ("oe", "we"),
        ("ui", "i"),
        ("oo", "u"),
        ("ee", "i"),
        (r"ng(?![aeiou])", "x"),
        ("tch|ch|jj|j|z", "c"),
        ("sh", "s"),
        ("g|kk|q", "k"),
        ("d|tt", "t"),
        ("b|pp|f|v", "p"),
        ("l", "r"),
        (r"([a-z])\1+", r"\1"),
    )
]


def plain_latin(text: str) -> str:
    """Lower case without accents: P'yŏngyang is p'yongyang."""
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))


def skeleton(text: str) -> str:
    """What is left of Latin text when all schools of writing are made one."""
    text = plain_latin(text)
    for pattern, plain in _RULES:
        text = pattern.sub(plain, text)
    return text


def romanise(text: str, *, assimilated: bool = False) -> str:
    """Korean by its letters; `assimilated` as it is spoken: 독립 is dongnip."""
    parts: list[Syllable | None] = [syllable(char) for char in text]
    out = []
    for place, part in enumerate(parts):
        if part is None:
            out.append(text[place] if text[place].isascii() else " ")
            continue
        before = parts[place - 1] if place else None
        after = parts[place + 1] if place + 1 < len(parts) else None
        out.append(_onset(part, before, assimilated=assimilated) + _VOWELS[part.vowel])
        out.append(_coda(part, after, assimilated=assimilated))
    return "".join(out)


def _onset(part: Syllable, before: Syllable | None, *, assimilated: bool) -> str:
    closing = _FINALS[before.final] if before else ""
    if assimilated and part.initial == RIEUL and closing:
        return "l" if closing in ("n", "l") else "n"
    return _INITIALS[part.initial]


def _coda(part: Syllable, after: Syllable | None, *, assimilated: bool) -> str:
    closing = _FINALS[part.final]
    if not closing or after is None:
        return closing
    if after.initial == IEUNG and closing != "ng":
        return "s" if part.final in SIOT else _LINKED.get(closing, closing)
    if after.initial in (NIEUN, MIEUM) or (assimilated and after.initial == RIEUL):
        closing = _NASAL.get(closing, closing)
        return "l" if assimilated and after.initial == RIEUL and closing == "n" else closing
    return closing
