"""What a card's holder and the card desk type. Shapes alone are looked at here."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.text import LineField, NameField
from okryu.money import parse_won
from payments.forms import NumberField, PinField
from payments.network.cards import Limits
from payments.network.words import OUT_OF_DATE

DIGITS = {"class": "input--digits", "inputmode": "numeric", "autocomplete": "off"}


class WonField(forms.CharField):
    """Whole won, one or more."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Amount in won"))
        super().__init__(
            max_length=20,
            error_messages={"required": _("Enter an amount.")},
            widget=forms.TextInput(attrs=DIGITS),
            **kwargs,
        )

    def clean(self, value: Any) -> int:
        try:
            won = parse_won(super().clean(value))
        except ValueError:
            won = 0
        if won < 1:
            raise ValidationError(_("Enter whole won, like 1,250."))
        return won


class KeyedForm(forms.Form):
    """A form that is done once: it carries the key of its deed, made when the page was."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36, initial=lambda: str(uuid4()))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        try:
            data["key"] = UUID(data.get("key", ""))
        except ValueError:
            self.renew()
            self.add_error(None, OUT_OF_DATE)
        return data

    def renew(self) -> None:
        """What was typed was answered: the next try is another deed."""
        self.data = {**self.data.dict(), "key": str(uuid4())}  # type: ignore[attr-defined]


class SendForm(forms.Form):
    number = NumberField(
        label=_("Card number it goes to"), help_text=_("All 17 digits of the other card. Compare them twice.")
    )
    amount = WonField()


class OrderForm(forms.Form):
    """The sending as it was shown, signed, and the PIN that orders it."""

    order = forms.CharField(widget=forms.HiddenInput, required=False, max_length=600)
    pin = PinField()


class LossForm(KeyedForm):
    sure = forms.BooleanField(
        label=_("The card is lost"), error_messages={"required": _("Tick this if the card is lost.")}
    )


class LimitsForm(KeyedForm):
    per_payment = WonField(label=_("Won in one payment"))
    per_day = WonField(label=_("Won a day"))
    count_day = forms.IntegerField(
        label=_("Payments a day"), min_value=1, max_value=1_000, widget=forms.TextInput(attrs=DIGITS),
        error_messages={"required": _("Enter a number."), "invalid": _("Enter a whole number.")},
    )  # fmt: skip

    @property
    def limits(self) -> Limits:
        data = self.cleaned_data
        return Limits(data["per_payment"], data["per_day"], data["count_day"])


class MyLimitsForm(LimitsForm):
    pin = PinField()


class ClaimForm(forms.Form):
    reason = LineField(
        label=_("What happened"), max_length=300,
        help_text=_("Whoever received the money reads this. Write no card number."),
        error_messages={"required": _("Say in a sentence what happened.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class AgreeForm(KeyedForm):
    pin = PinField()


# ---------------------------------------------------------------- the desk


class FindForm(forms.Form):
    number = NumberField(label=_("Card number"))


class IdentityForm(KeyedForm):
    compared = forms.BooleanField(
        label=_("I have seen the holder's document and compared name and face"),
        error_messages={"required": _("Compare the document first.")},
    )


class LoadForm(KeyedForm):
    line = LineField(
        label=_("Deposit line of the bank"), max_length=40, help_text=_("As the bank's statement writes it."),
        error_messages={"required": _("Enter the deposit line.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    amount = WonField()


class PayoutForm(IdentityForm):
    amount = WonField()
    pin = PinField(help_text=_("The holder types it."))
    field_order = ["amount", "compared", "pin"]


class ConfirmForm(KeyedForm):
    """Nothing to type: the button says it."""


class NewPinForm(IdentityForm):
    """The holder types the new PIN twice; it is never shown."""

    new_pin = PinField(label=_("New PIN"), help_text=_("The holder types it, four digits."))
    again = PinField(label=_("New PIN again"), help_text="")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if {"new_pin", "again"} <= data.keys() and data["new_pin"] != data["again"]:
            self.add_error("again", _("The two PINs are not the same."))
        return data


class CardWithPinForm(NewPinForm):
    number = NumberField(label=_("Number of the new card"))
    holder = NameField(label=_("Holder's name, as on the document"), max_length=80)
    field_order = ["number", "holder", "compared", "new_pin", "again"]


class IssueForm(CardWithPinForm):
    resident = forms.BooleanField(label=_("The holder is a resident"), required=False, initial=True)
    field_order = ["number", "holder", "resident", "compared", "new_pin", "again"]
