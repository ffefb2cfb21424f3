"""Domestic mobile numbers: ten digits, 191-, 193- or 195-, in any spelling people use."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

DIGITS = 10
_DOMESTIC = re.compile(r"19[135][0-9]{7}")
# Keyboards of this country type full-width figures; only these are folded. NFKC would also make 2 of ².
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－（）．\u3000", "0123456789+-(). ")
_MARKS = re.compile(r"[\s\-‐‑‒–—.()/]+")
_LONGEST = 40  # nobody spells a number longer than this; cut before any other work


class NotAPhone(ValueError):
    """What was typed is not a mobile number at all."""


class WrongLength(NotAPhone):
    """Only digits, but not ten of them."""

    def __init__(self, digits: int) -> None:
        super().__init__(f"{digits} digits")
        self.digits = digits


class NotDomestic(ValueError):
    """A telephone number, but not a domestic mobile one."""


def normalise_phone(text: str) -> str:
    """The ten digits of a domestic mobile number: "+850 191-234-5678" and "１９１ ２３４ ５６７８" are 1912345678.

    Raises NotAPhone, WrongLength or NotDomestic, all of them ValueError.
    """
    if len(text) > _LONGEST:
        raise NotAPhone("too long")
    cleaned = _MARKS.sub("", text.translate(_FULL_WIDTH).strip())
    international = cleaned.startswith(("+", "00"))
    digits = cleaned.removeprefix("+").removeprefix("00") if international else cleaned
    if not re.fullmatch(r"[0-9]+", digits):
        raise NotAPhone("not only digits")
    if international and not digits.startswith("850"):
        raise NotDomestic("another country")
    if international or (digits.startswith("850") and len(digits) > DIGITS):
        digits = digits.removeprefix("850")
    if len(digits) == DIGITS + 1 and digits.startswith("0"):  # the trunk prefix of calls inside the country
        digits = digits[1:]
    if len(digits) != DIGITS:
        raise WrongLength(len(digits))
    if not _DOMESTIC.fullmatch(digits):
        raise NotDomestic("not a mobile number of this country")
    return digits


def shown_phone(digits: str) -> str:
    """A ten-digit mobile number as people write it: 191-234-5678."""
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if len(digits) == 10 else digits


class PhoneField(forms.CharField):
    """A form field that takes any spelling and gives the ten digits."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Mobile number"))
        kwargs.setdefault("help_text", _("For example 191-234-5678"))
        kwargs.setdefault("max_length", _LONGEST)
        super().__init__(**kwargs)
        # HTML knows no `username` on a telephone field, and password managers go by it: then a text field it is.
        if self.widget.attrs.get("autocomplete") != "username":
            self.widget.input_type = "tel"
        self.widget.attrs.setdefault("inputmode", "tel")
        self.widget.attrs.setdefault("class", "input--digits")

    def prepare_value(self, value: Any) -> Any:
        """A stored number is shown as people write it; what somebody typed stays as typed."""
        stored = isinstance(value, str) and _DOMESTIC.fullmatch(value)
        return f"{value[:3]}-{value[3:6]}-{value[6:]}" if stored else value

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if text in self.empty_values:
            return ""
        try:
            return normalise_phone(text)
        except WrongLength as wrong:
            message = ngettext(
                "It must have ten digits and has %(digits)d.",
                "It must have ten digits and has %(digits)d.",
                wrong.digits,
            )
            raise ValidationError(message % {"digits": wrong.digits}, code="length") from None
        except NotAPhone:
            raise ValidationError(_("Write the number with digits only, like 191-234-5678."), code="digits") from None
        except NotDomestic:
            raise ValidationError(
                _("Only domestic mobile numbers can be used: they begin with 191, 193 or 195."), code="domestic"
            ) from None
