"""Korean letters as keystrokes: the alphabet in which the search compares words.

A syllable is written as the keys that type it on the southern two-set keyboard (KS X 5002), in lower case: 평 is
`vud`. A half-typed word is then a prefix of the whole one (평ㅇ `vudd`, 평양 `vuddid`), a word typed with the Latin
keyboard on is the same text, and lower case folds what Shift tells apart (ㄲ ㄱ, ㅖ ㅔ), which the northern and the
southern spelling often do not agree on. Plain arithmetic on Unicode; nothing here knows the shop.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

INITIAL_KEYS = "r R s e E f a q Q t T d w W c z x v g".split()
VOWEL_KEYS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l".split()
FINAL_KEYS = ["", *"r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split()]
CONSONANTS = "ㄱㄲㄳㄴㄵㄶㄷㄸㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅃㅄㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
LETTER_KEYS = dict(
    zip(CONSONANTS, "r R rt s sw sg e E f fr fa fq ft fx fv fg a q Q qt t T d w W c z x v g".split(), strict=True)
) | dict(zip(VOWELS, VOWEL_KEYS, strict=True))
INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
FINALS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
# The domestic keyboard (KPS 9256): which letter each Latin key writes; Shift doubles a consonant.
_KPS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "ㅂㅁㄷㄹㅎㅕㅜㅓㅐㅔㅈㄱㅇㄴㅅㅗㅏㅣㅡㅋㅌㅊㅍㅠㅛㅑ", strict=True))
_KPS |= dict(zip("SEQGAOP", "ㄲㄸㅃㅆㅉㅒㅖ", strict=True))
_KS = {keys: letter for letter, keys in LETTER_KEYS.items() if len(keys) == 1}
LAYOUTS = {"KS": _KS, "KPS": _KPS}
_TYPED = {layout: {letter: key for key, letter in keys.items()} for layout, keys in LAYOUTS.items()}

FIRST, LAST = 0xAC00, 0xD7A3
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_HALF_WIDTH = {
    **dict(zip(range(0xFFA1, 0xFFBF), CONSONANTS, strict=True)),
    **dict(zip([*range(0xFFC2, 0xFFC8), *range(0xFFCA, 0xFFD0), *range(0xFFD2, 0xFFD8)], VOWELS, strict=False)),
    **dict(zip(range(0xFFDA, 0xFFDD), "ㅡㅢㅣ", strict=True)),
}
# Conjoining letters that stand alone after composing: a lone ᄑ is the ㅍ somebody typed.
_CONJOINING = (
    dict(zip(range(0x1100, 0x1113), INITIALS, strict=True))
    | dict(zip(range(0x1161, 0x1176), VOWELS, strict=True))
    | dict(zip(range(0x11A8, 0x11C3), FINALS[1:], strict=True))
)
_LETTERS = _FULL_WIDTH | _HALF_WIDTH | _CONJOINING
# Fillers and the middle dot of keypads that compose vowels from ㅣ ㆍ ㅡ say nothing.
_SILENT = dict.fromkeys([0x3164, 0x115F, 0x1160, 0xFFA0, 0x318D, 0x119E, 0x11A2, 0x00AD])

NIEUN, RIEUL, IEUNG = 2, 5, 11
Y_VOWELS = {2, 3, 6, 7, 12, 17, 20}  # ㅑㅒㅕㅖㅛㅠㅣ
# ㄹ inside a word folds before these, never before ㅣ: 오리 (duck) is no 오이 (cucumber).
FOLDING_VOWELS = {0, 1, 2, 6, 7, 8, 12, 13, 17}
FRONT_VOWELS = {1, 5, 11, 16, 19, 20}  # ㅐㅔㅚㅟㅢㅣ


class Syllable(NamedTuple):
    initial: int
    vowel: int
    final: int

    @property
    def char(self) -> str:
        return chr(FIRST + self.initial * 588 + self.vowel * 28 + self.final)


def syllable(char: str) -> Syllable | None:
    code = ord(char) - FIRST
    return Syllable(code // 588, code % 588 // 28, code % 28) if 0 <= code <= LAST - FIRST else None


def compose(text: str) -> str:
    """Composed Korean, full and half width made plain, lone letters as the keyboard shows them.

    NFC, never NFKC, which turns the ㅍ of a consonant query into a conjoining letter.
    """
    return unicodedata.normalize("NFC", text.translate(_HALF_WIDTH)).translate(_LETTERS).translate(_SILENT)


def has_hangul(text: str) -> bool:
    return any(FIRST <= ord(char) <= LAST or char in LETTER_KEYS for char in text)


def key(text: str) -> str:
    """The keystrokes of a text in lower case; Latin letters and digits stay, a point stays between digits."""
    keys = []
    for place, char in enumerate(text):
        if part := syllable(char):
            keys.append(INITIAL_KEYS[part.initial] + VOWEL_KEYS[part.vowel] + FINAL_KEYS[part.final])
        elif char in LETTER_KEYS:
            keys.append(LETTER_KEYS[char])
        elif char.isascii() and (char.isalnum() or (char == "." and between_digits(text, place))):
            keys.append(char)
    return "".join(keys).lower()


def between_digits(text: str, place: int) -> bool:
    return 0 < place < len(text) - 1 and text[place - 1].isdigit() and text[place + 1].isdigit()


def fold(word: str) -> str:
    """One spelling for north and south: 랭면 and 냉면, 녀자 and 여자, 나무잎 and 나뭇잎, 비률 and 비율."""
    parts = [syllable(char) for char in word]
    out = []
    for place, part in enumerate(parts):
        if part is None:
            out.append(word[place])
            continue
        before = parts[place - 1] if place else None
        is_last = place == len(parts) - 1 or parts[place + 1] is None
        out.append(_folded(part, before, is_last=is_last).char)
    return "".join(out)


def _folded(part: Syllable, before: Syllable | None, *, is_last: bool) -> Syllable:
    initial, vowel, final = part
    inside = not is_last and vowel in FOLDING_VOWELS
    rate = vowel in (6, 17) and final in (4, 8)  # 렬, 률, 련, 륜
    if initial == RIEUL and (before is None or rate or inside):
        initial = IEUNG if vowel in Y_VOWELS else NIEUN
    elif initial == NIEUN and before is None and vowel in Y_VOWELS:
        initial = IEUNG
    if final == 19 and not is_last:  # the ㅅ between the halves of a compound
        final = 0
    if initial == IEUNG and vowel == 6 and final in (0, 20) and before and not before.final:
        vowel = 4 if before.vowel in FRONT_VOWELS else vowel
    return Syllable(initial, vowel, final)


def initials(text: str) -> str:
    """The first consonants in the key alphabet: 평양랭면 is `vdfa`. Digits and Latin letters are left out."""
    keys = []
    for char in text:
        if part := syllable(char):
            keys.append(INITIAL_KEYS[part.initial])
        elif char in CONSONANTS:
            keys.append(LETTER_KEYS[char])
    return "".join(keys).lower()


def is_initials(text: str) -> bool:
    """Whether the text is nothing but consonants: ㅍㅇㄹㅁ."""
    letters = text.replace(" ", "")
    return bool(letters) and all(char in CONSONANTS for char in letters)


def decode(typed: str, layout: str) -> str:
    """Latin text as the Korean that the same keys write: vuddid is 평양 on KS, skwck is 김치 on KPS."""
    keys = LAYOUTS[layout]
    if len(typed) > 3 and typed.isupper():  # Caps Lock
        typed = typed.lower()
    return assemble("".join(keys.get(char) or keys.get(char.lower()) or char for char in typed))


def encode(text: str, layout: str) -> str:
    """Korean text as the Latin that the same keys write: ㅣ메새ㅔ is laptop on KS."""
    typed = _TYPED[layout]
    out = []
    for char in text:
        letters = "".join(_apart(letter) for letter in _letters(char))
        out.append("".join(typed.get(letter) or letter for letter in letters))
    return "".join(out).lower()


def _letters(char: str) -> str:
    part = syllable(char)
    return INITIALS[part.initial] + VOWELS[part.vowel] + FINALS[part.final] if part else char


_BY_KEYS = {keys: letter for letter, keys in LETTER_KEYS.items()}
_PAIRS = {(_BY_KEYS[keys[0]], _BY_KEYS[keys[1]]): letter for letter, keys in LETTER_KEYS.items() if len(keys) == 2}
_SPLIT = {letter: pair for pair, letter in _PAIRS.items()}


def _apart(letter: str) -> str:
    """A letter as the keys that are pressed for it: ㅘ is ㅗ and ㅏ."""
    return "".join(_SPLIT.get(letter, (letter,)))


def assemble(letters: str) -> str:
    """Letters as typed one after another joined into syllables, the way a phone does it."""
    out: list[str] = []
    initial = vowel = final = ""

    def close() -> None:
        nonlocal initial, vowel, final
        if initial and vowel:
            parts = Syllable(INITIALS.index(initial), VOWELS.index(vowel), FINALS.index(final))
            out.append(parts.char)
        else:
            out.append(initial + vowel)
        initial = vowel = final = ""

    for letter in letters:
        if letter in VOWELS:
            if final:  # the last consonant begins the next syllable
                kept, moved = _SPLIT.get(final, ("", final))
                final = kept
                close()
                initial, vowel = moved, letter
            elif (vowel, letter) in _PAIRS:
                vowel = _PAIRS[vowel, letter]
            elif initial and not vowel:
                vowel = letter
            else:
                close()
                vowel = letter
        elif letter in CONSONANTS:
            if initial and vowel and not final and letter in FINALS:
                final = letter
            elif final and _PAIRS.get((final, letter), "") in FINALS[1:]:
                final = _PAIRS[final, letter]
            else:
                close()
                initial = letter
        else:
            close()
            out.append(letter)
    close()
    return "".join(out)


def is_whole(text: str) -> bool:
    """Whether the text is Korean syllables only, spaces and digits aside; the last letter may be half typed."""
    letters = re.sub(r"[\s\d.]", "", text)
    return bool(letters) and all(syllable(char) for char in letters[:-1] or letters)
