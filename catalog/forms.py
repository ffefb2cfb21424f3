"""How a list is narrowed. A wrong value is told and left out; the list still comes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from okryu.money import parse_won

PRICE_LIMIT = 10_000_000  # the dearest price a variant may have


class WonField(forms.CharField):
    """Whole won as people write them: 80, 1,250. Empty is None."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, required=False, empty_value=None, **options)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if text is None:
            return None
        try:
            won = parse_won(text)
        except ValueError as wrong:
            raise forms.ValidationError(_("Write the price as a whole number of won, like 250.")) from wrong
        if won > PRICE_LIMIT:
            raise forms.ValidationError(_("No price is higher than 10,000,000 won."))
        return won


class PriceForm(forms.Form):
    """`min` and `max` of the address."""

    min = WonField(label=_("From"))
    max = WonField(label=_("Up to"))

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        low, high = cleaned.get("min"), cleaned.get("max")
        if low is not None and high is not None and low > high:
            self.add_error("max", _("The highest price is below the lowest one."))
            self.add_error("min", "")
        return cleaned
