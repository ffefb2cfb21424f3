"""Text people type: one line or a few, composed Hangul, nothing that cannot be seen."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Letters by their category, but empty to the eye: Hangul fillers.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
# Format characters flip or hide text; others are controls, surrogates, private and unassigned code points.
_UNSEEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAME_MARKS = frozenset(" -'’.·")
_MARKS_ON_ONE_LETTER = 2
# Seventeen digits, gaps or not: a card's number typed into the wrong field would be kept and read by others.
_CARD_NUMBER = re.compile(r"(?<![0-9])(?<![0-9][ -])(?:[0-9][ -]?){16}[0-9](?![ -]?[0-9])")


# In words everybody reads, no number that leads to a person or a card: 13 to 19 digits in a row, gaps or not, a
# domestic mobile number, a number with the country's prefix or with an area's.
_TELLING_NUMBER = re.compile(
    r"(?<![0-9])(?:(?:[0-9][ .-]?){12,18}[0-9]|(?:\+?850[ .-]?|0)?19[135](?:[ .-]?[0-9]){7}|\+850(?:[ .-]?[0-9]){5,}"
    r"|0[0-9]{1,2}[ -][0-9]{3,4}[ -]?[0-9]{3,5})(?![0-9])"
)
_MOST_LINES = 30


class HiddenCharacter(ValueError):
    """The text holds a character that cannot be seen: a filler, a zero-width or a direction mark, a control."""


def one_line(text: str) -> str:
    """`text` in NFC on one line, runs of blanks made one. Raises HiddenCharacter.

    Line breaks and tabs become blanks: they come from pasting, and a line of a log or a slip stays one line.
    """
    composed = unicodedata.normalize("NFC", re.sub(r"[\r\n\t\v\f]", " ", text))
    marks = 0
    for character in composed:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in _UNSEEN or character in _FILLERS or marks > _MARKS_ON_ONE_LETTER:
            raise HiddenCharacter(f"U+{ord(character):04X}")
    return re.sub(r"\s+", " ", composed).strip()


class LineField(forms.CharField):
    """One line of text as one_line() makes it, at most `max_length` characters after that."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            line = one_line(text)
        except HiddenCharacter:
            raise ValidationError(
                _("There are characters in it that cannot be seen. Please type it anew."), code="hidden"
            ) from None
        if _CARD_NUMBER.search(unicodedata.normalize("NFKC", line)):
            raise ValidationError(_("Write no card number here: others will read this."), code="card")
        return line


class WordsField(forms.CharField):
    """A few lines for everybody to read: paragraphs as typed, without card or telephone numbers."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        lines = re.split(r"\r\n|[\r\n\v\f\x85\u2028\u2029]", text)
        try:
            text = "\n".join(one_line(line) for line in lines).strip()
        except HiddenCharacter:
            raise ValidationError(
                _("There are characters in it that cannot be seen. Please type it anew."), code="hidden"
            ) from None
        text = re.sub(r"\n{3,}", "\n\n", text)
        if text.count("\n") >= _MOST_LINES:
            raise ValidationError(_("Please write fewer lines."), code="lines")
        if _TELLING_NUMBER.search(_with_plain_digits(text)):
            raise ValidationError(
                _("Write no card number and no telephone number here: everybody will read this."), code="number"
            )
        return text


def _with_plain_digits(text: str) -> str:
    """Every script's digits as 0–9, every dash as a hyphen, on one line."""
    plain = unicodedata.normalize("NFKC", text.replace("\n", " "))
    return "".join(
        str(unicodedata.decimal(letter, "")) or ("-" if unicodedata.category(letter) == "Pd" else letter)
        for letter in plain
    )


class NameField(LineField):
    """A person's name: letters of any script, blanks, hyphens, apostrophes and dots."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Name"))
        kwargs.setdefault("max_length", 60)
        super().__init__(**kwargs)

    def validate(self, value: str) -> None:
        super().validate(value)
        letters = [character for character in value if unicodedata.category(character)[0] in "LM"]
        marks = [character for character in value if character in _NAME_MARKS]
        if value and (not letters or len(letters) + len(marks) < len(value)):
            raise ValidationError(_("Write the name with letters only."), code="letters")
