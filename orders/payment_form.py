"""The card number and PIN as typed: read once, shown again never."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.gateway import normalise_card_number


class NeverShown(forms.TextInput):
    """A text field that comes back empty, whatever was typed."""

    def format_value(self, value: Any) -> None:
        return None


class PaymentForm(forms.Form):
    """`key` names the attempt: the same form posted again is the same payment."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    card = forms.CharField(
        label=_("E-money card number"),
        help_text=_("The 17 digits on the front of the card. Gaps do no harm."),
        max_length=80,
        strip=False,
        error_messages={"required": _("Enter the card number.")},
        widget=NeverShown(
            attrs={"class": "input--digits", "inputmode": "numeric", "autocomplete": "cc-number", "maxlength": None}
        ),
    )
    pin = forms.CharField(
        label=_("Card PIN"),
        help_text=_("Four digits. Three wrong ones lock the card."),
        max_length=80,
        strip=False,
        error_messages={"required": _("Enter the card's PIN.")},
        widget=forms.PasswordInput(
            attrs={"class": "input--digits input--pin", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )

    def clean_card(self) -> str:
        try:
            return normalise_card_number(unicodedata.normalize("NFKC", self.cleaned_data["card"]))
        except ValueError:
            raise forms.ValidationError(_("This is not a whole card number. It has 17 digits.")) from None

    def clean_pin(self) -> str:
        """Only the shape is looked at: a wrong shape is no try."""
        pin = str(self.cleaned_data["pin"])
        if not re.fullmatch("[0-9]{4}", pin):
            raise forms.ValidationError(_("The PIN has exactly four digits."))
        return pin
