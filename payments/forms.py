"""A card number and its PIN as typed: read once, never shown again."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from payments.gateway import normalise_card_number


class NeverShown(forms.TextInput):
    """A text field that comes back empty, whatever was typed."""

    def format_value(self, value: Any) -> None:
        return None


class NumberField(forms.CharField):
    """A whole card number, never shown again."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"class": "input--digits", "inputmode": "numeric", "autocomplete": kwargs.pop("autocomplete", "off")}
        kwargs.setdefault("help_text", _("The 17 digits on the front of the card. Gaps do no harm."))
        super().__init__(
            max_length=80,
            strip=False,
            error_messages={"required": _("Enter the card number.")},
            widget=NeverShown(attrs=attrs),
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        try:
            return normalise_card_number(unicodedata.normalize("NFKC", super().clean(value)))
        except ValueError:
            raise ValidationError(_("This is not a whole card number. It has 17 digits.")) from None


class PinField(forms.CharField):
    """Four digits, never shown again."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Card PIN"))
        kwargs.setdefault("help_text", _("Four digits. Three wrong ones lock the card."))
        super().__init__(
            max_length=80,
            strip=False,
            error_messages={"required": _("Enter the card's PIN.")},
            widget=forms.PasswordInput(
                attrs={"class": "input--digits input--pin", "inputmode": "numeric", "autocomplete": "off"}
            ),
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        pin = str(super().clean(value))
        if not re.fullmatch("[0-9]{4}", pin):
            raise ValidationError(_("The PIN has exactly four digits."))
        return pin


class CardForm(forms.Form):
    """Only shapes are looked at here: a wrong shape is no try of the PIN."""

    card = NumberField(label=_("E-money card number"), autocomplete="cc-number")
    pin = PinField()
