"""Queries made by rule: a thousand slips of the finger, two hundred words that are none. Seeded, so always the same."""

import random
import re
from collections.abc import Callable, Iterator

from catalog.search import hangul
from catalog.search.documents import plain
from catalog.search.units import is_amount

SEED = 7
NEAR_VOWELS = {
    "ㅏ": "ㅑㅓ",
    "ㅓ": "ㅕㅏ",
    "ㅗ": "ㅛㅜ",
    "ㅜ": "ㅠㅗ",
    "ㅡ": "ㅜㅣ",
    "ㅣ": "ㅡㅟ",
    "ㅐ": "ㅔ",
    "ㅔ": "ㅐ",
}
TENSE = dict(zip("ㄱㄷㅂㅅㅈㄲㄸㅃㅆㅉ", "ㄲㄸㅃㅆㅉㄱㄷㅂㅅㅈ", strict=True))
# Neighbours on the keyboard the letters stand on.
ROWS = ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ")


def spoken(name: str) -> str:
    """A name the way people type it: without its amount."""
    return " ".join(
        word for word in plain(name).split() if not is_amount(word) and not re.fullmatch(r"\d+\w{0,2}", word)
    )


def letters(word: str) -> list[str]:
    """Syllables as the letters that are pressed; other characters as they are."""
    return [letter for char in word for letter in hangul._letters(char) for letter in hangul._apart(letter)]


def typos(names: list[str], count: int) -> Iterator[tuple[str, str, str]]:
    """(wrong query, the name it is for, the kind of slip)."""
    rng = random.Random(SEED)
    words = [(spoken(name), name) for name in names]
    words = [(word, name) for word, name in words if len(word.replace(" ", "")) >= 3 and hangul.has_hangul(word)]
    kinds = list(SLIPS)
    made = 0
    while made < count:
        kind = kinds[made % len(kinds)]
        word, name = rng.choice(words)
        wrong = SLIPS[kind](word, rng)
        if wrong and wrong != word and hangul.key(wrong) != hangul.key(word):
            made += 1
            yield wrong, name, kind


def _on_letters(change: Callable[[list[str], int, random.Random], list[str] | None]) -> Callable[..., str | None]:
    def slip(word: str, rng: random.Random) -> str | None:
        typed = letters(word)
        at = rng.randrange(len(typed))
        changed = change(typed, at, rng)
        return hangul.assemble("".join(changed)) if changed else None

    return slip


def _vowel(typed: list[str], at: int, rng: random.Random) -> list[str] | None:
    near = NEAR_VOWELS.get(typed[at])
    return [*typed[:at], rng.choice(near), *typed[at + 1 :]] if near else None


def _adjacent(typed: list[str], at: int, rng: random.Random) -> list[str] | None:
    row = next((row for row in ROWS if typed[at] in row), "")
    place = row.find(typed[at])
    near = [row[n] for n in (place - 1, place + 1) if place >= 0 and 0 <= n < len(row)]
    return [*typed[:at], rng.choice(near), *typed[at + 1 :]] if near else None


def _omitted(typed: list[str], at: int, rng: random.Random) -> list[str] | None:
    return [*typed[:at], *typed[at + 1 :]] if typed[at] != " " else None


def _doubled(typed: list[str], at: int, rng: random.Random) -> list[str] | None:
    return [*typed[: at + 1], *typed[at:]] if typed[at] != " " else None


def _swapped(typed: list[str], at: int, rng: random.Random) -> list[str] | None:
    if at + 1 == len(typed) or " " in typed[at : at + 2]:
        return None
    return [*typed[:at], typed[at + 1], typed[at], *typed[at + 2 :]]


def _final_lost(word: str, rng: random.Random) -> str | None:
    at = rng.randrange(len(word))
    part = hangul.syllable(word[at])
    return word[:at] + part._replace(final=0).char + word[at + 1 :] if part and part.final else None


def _first_letter(word: str, rng: random.Random) -> str | None:
    part = hangul.syllable(word[0])
    return part._replace(initial=rng.randrange(19)).char + word[1:] if part else None


SLIPS: dict[str, Callable[..., str | None]] = {
    "vowel": _on_letters(_vowel),
    "adjacent": _on_letters(_adjacent),
    "omitted": _on_letters(_omitted),
    "doubled": _on_letters(_doubled),
    "swapped": _on_letters(_swapped),
    "final lost": _final_lost,
    "first letter": _first_letter,
}


def nonsense(names: list[str], count: int) -> Iterator[str]:
    """Words of two to five random syllables none of which, nor any two in a row, begin, end or make a word of the
    shop."""
    rng = random.Random(SEED)
    text = "".join(plain(name).replace(" ", "") for name in names)
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    made = 0
    while made < count:
        word = "".join(chr(hangul.FIRST + rng.randrange(11172)) for _ in range(rng.randint(2, 5)))
        if not any(word[at : at + 2] in pairs for at in range(len(word) - 1)):
            made += 1
            yield word
