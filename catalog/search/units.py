"""Amounts in one spelling: 500그람, 500그램, 0.5키로 and 500 g are all `500g`."""

from __future__ import annotations

import re
from decimal import Decimal

# canonical unit → (family, how many of the family's smallest unit), then every spelling.
_SPELLINGS: dict[tuple[str, int], str] = {
    ("mg", 1): "mg 밀리그람 밀리그램 미리그람",
    ("g", 1): "g gr gram grams gramme grammes 그람 그램 그람짜리",
    ("g", 1000): "kg kgs kilo kilos kilogram kilograms kilogramme 키로그람 키로그램 킬로그람 킬로그램 키로 킬로 ㎏",
    ("ml", 1): "ml cc millilitre millilitres milliliter milliliters 미리리터 밀리리터 미리 밀리 ㎖ ㏄",
    ("ml", 1000): "l lt litre litres liter liters 리터 ℓ",
    ("mm", 1): "mm 미리메터 밀리미터 밀리메터 ㎜",
    ("mm", 10): "cm centimetre centimetres centimeter centimeters 센치메터 센티메터 센티미터 센치미터 센치 센티 ㎝",
    ("mm", 1000): "m metre metres meter meters 메터 미터",
    ("in", 1): "inch inches 인치 \u2033",
    ("w", 1): "w watt watts 와트",
    ("w", 1000): "kw kilowatt kilowatts 키로와트 킬로와트 ㎾",
    ("v", 1): "v volt volts 볼트",
    ("mah", 1): "mah 밀리암페어시 미리암페아시",
    ("m2", 1): "m2 ㎡ 평방메터 평방미터 제곱메터 제곱미터",
    ("c", 1): "℃ °c 섭씨도",
}
_BY_SPELLING = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()}
_LARGER = {"g": "kg", "ml": "l"}
_WORDS = "|".join(re.escape(word) for word in sorted(_BY_SPELLING, key=len, reverse=True))
_AMOUNT = re.compile(rf"(?<![0-9.])([0-9]{{1,9}}(?:[.,][0-9]{{1,3}})?)[ -]?({_WORDS})(?![a-z0-9])")
AMOUNT_WORD = re.compile(r"[0-9]+(\.[0-9]+)?[a-z]{0,3}2?")


def fold_units(text: str) -> str:
    """Lower-case text with every amount as one word of its own: 평양랭면500그람 is `평양랭면 500g`."""
    return _AMOUNT.sub(_canonical, text)


def is_amount(word: str) -> bool:
    return bool(AMOUNT_WORD.fullmatch(word))


def _canonical(found: re.Match[str]) -> str:
    digits, spelling = found[1], found[2]
    thousands = re.fullmatch(r"[0-9]+,[0-9]{3}", digits)
    number = Decimal(digits.replace(",", "" if thousands else "."))
    family, factor = _BY_SPELLING[spelling]
    number *= factor
    if family in _LARGER and number >= 1000:
        return f" {_short(number / 1000)}{_LARGER[family]} "
    if family == "mm" and number >= 10:
        return f" {_short(number / 1000)}m " if number >= 1000 else f" {_short(number / 10)}cm "
    if family == "w" and number >= 1000:
        return f" {_short(number / 1000)}kw "
    return f" {_short(number)}{family} "


def _short(number: Decimal) -> str:
    return f"{number.normalize():f}"
