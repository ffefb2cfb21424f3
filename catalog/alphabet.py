"""The domestic letter order: plain consonants, doubled ones, and words that begin with a vowel last (ㅇ)."""

from __future__ import annotations

FIRST, LAST = 0xAC00, 0xD7A3  # 가 … 힣
# The place of each initial, vowel and final (in the code's own order) among the domestic ones.
INITIALS = (0, 13, 1, 2, 14, 3, 4, 5, 15, 6, 16, 18, 7, 17, 8, 9, 10, 11, 12)
VOWELS = (0, 10, 1, 11, 2, 12, 3, 13, 4, 17, 19, 14, 5, 6, 18, 20, 15, 7, 8, 16, 9)
FINALS = (0, 1, 26, *range(2, 19), 27, *range(19, 26))


def letter_key(name: str) -> str:
    """The name rewritten so that plain comparison is the domestic letter order; the database's `catalog_letters`.

    Each syllable becomes the one that stands at its place; other signs stay, in lower case, before all Korean.
    """
    return "".join(_moved(char) for char in name.lower())


def _moved(char: str) -> str:
    code = ord(char)
    if not FIRST <= code <= LAST:
        return char
    place = code - FIRST
    initial, vowel, final = INITIALS[place // 588], VOWELS[place % 588 // 28], FINALS[place % 28]
    return chr(FIRST + (initial * 21 + vowel) * 28 + final)
