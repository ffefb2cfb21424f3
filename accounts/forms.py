"""Forms of accounts. They clean and validate; what happens then is the use case's."""

import re
from itertools import groupby
from operator import itemgetter
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Address, Neighbourhood, User
from accounts.phone import PhoneField
from accounts.text import LineField, NameField
from okryu.calendar import local_day
from okryu.money import format_won

LONGEST_PASSWORD = 128  # a hasher's time grows with it
FIRST_BIRTH_YEAR = 1900


class PasswordField(forms.CharField):
    """Kept exactly as typed: blanks at its ends belong to it. Never shown again."""

    def __init__(self, *, autocomplete: str, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Password"))
        super().__init__(
            strip=False,
            max_length=LONGEST_PASSWORD,
            widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
            **kwargs,
        )


class BirthYearField(forms.CharField):
    """A year in four digits, 1900 to this year."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Year of birth"))
        kwargs.setdefault("help_text", _("Four digits, for example 1990. Liquor is sold from 17 years."))
        super().__init__(max_length=20, **kwargs)
        self.widget.attrs |= {
            "inputmode": "numeric",
            "autocomplete": "bday-year",
            "class": "input--digits",
        }

    def clean(self, value: Any) -> Any:
        text = super().clean(value).translate(str.maketrans("０１２３４５６７８９", "0123456789"))
        if not re.fullmatch(r"[0-9]{4}", text):
            raise ValidationError(_("Write the year with four digits, like 1990."), code="digits")
        if not FIRST_BIRTH_YEAR <= int(text) <= local_day(timezone.now()).year:
            raise ValidationError(_("This year cannot be right."), code="range")
        return int(text)


class SignInForm(forms.Form):
    phone = PhoneField(widget=forms.TextInput(attrs={"autocomplete": "username"}))
    password = PasswordField(autocomplete="current-password")


class JoinForm(forms.Form):
    phone = PhoneField(widget=forms.TextInput(attrs={"autocomplete": "username"}))
    name = NameField(
        help_text=_("As it stands on your payment card."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    birth_year = BirthYearField()
    password = PasswordField(autocomplete="new-password", help_text=_("At least 8 characters, not digits alone."))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if password := cleaned.get("password"):
            self.check_password(password, User(phone=cleaned.get("phone", ""), name=cleaned.get("name", "")))
        return cleaned

    def check_password(self, password: str, user: User) -> None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.add_error("password", error)


class PasswordForm(forms.Form):
    """A new password; the present one is checked by the use case, after it was counted."""

    present = PasswordField(autocomplete="current-password", label=_("Present password"))
    new = PasswordField(autocomplete="new-password", label=_("New password"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["new"].help_text = (
            _("At least 15 characters.") if user.is_staff else _("At least 8 characters, not digits alone.")
        )

    def clean_new(self) -> str:
        password: str = self.cleaned_data["new"]
        validate_password(password, self.user)
        return password


class NameForm(forms.Form):
    name = NameField(
        help_text=_("As it stands on your payment card."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class LongSelect(forms.Select):
    """A select of hundreds of options, written in one go and not by a template for each: a third of a checkout page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        own = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", own, self._options(self.choices, chosen))

    def _options(self, choices: Any, chosen: set[str]) -> SafeString:
        return format_html_join("", "{}", ((self._option(value, label, chosen),) for value, label in choices))

    def _option(self, value: Any, label: Any, chosen: set[str]) -> SafeString:
        if isinstance(label, list):
            return format_html('<optgroup label="{}">{}</optgroup>', value, self._options(label, chosen))
        selected = mark_safe(" selected") if str(value) in chosen else ""
        return format_html('<option value="{}"{}>{}</option>', value, selected, label)


class _ByDistrict(ModelChoiceIterator):  # type: ignore[type-arg]
    """Neighbourhoods under their district with its fee: one field asks for both and works without scripts."""

    def __iter__(self) -> Any:
        yield "", _("Choose the neighbourhood")
        language = get_language() or "ko-kp"
        for (_id, fee, ko_kp, en), rows in groupby(self.queryset.values_list(*_OPTION), key=itemgetter(0, 1, 2, 3)):
            title = f"{_named(ko_kp, en, language)} · {_('delivery')} {format_won(fee, language)}"
            yield title, [(pk, _named(ko, en, language)) for *_district, pk, ko, en in rows]


_OPTION = ["district", "district__fee", "district__name_ko_kp", "district__name_en", "pk", "name_ko_kp", "name_en"]


def _named(ko_kp: str, en: str | None, language: str) -> str:
    return (language.startswith("en") and en) or ko_kp


class NeighbourhoodField(forms.ModelChoiceField):  # type: ignore[type-arg]
    iterator = _ByDistrict

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("District and neighbourhood"))
        kwargs.setdefault(
            "error_messages",
            {
                "required": _("Choose the neighbourhood."),
                "invalid_choice": _("Deliveries do not go to this neighbourhood. Choose one of the list."),
            },
        )
        super().__init__(deliverable_neighbourhoods(), widget=LongSelect, **kwargs)


def deliverable_neighbourhoods() -> Any:
    return (
        Neighbourhood.objects.filter(district__zone__isnull=False)
        .select_related("district__zone")
        .order_by("district__position", "district_id", "position", "id")
    )


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who receives and where. Checkout shows the same fields."""

    recipient_name = NameField(label=_("Recipient"), widget=forms.TextInput(attrs={"autocomplete": "name"}))
    recipient_phone = PhoneField(
        label=_("Recipient's mobile number"),
        help_text=_("The courier calls first."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )
    neighbourhood = NeighbourhoodField()
    unit = LineField(label=_("Neighbourhood unit"), max_length=20, required=False)
    building = LineField(label=_("Building"), max_length=40)
    floor = LineField(label=_("Floor"), max_length=10, required=False)
    door = LineField(label=_("Door"), max_length=10, required=False)
    note = LineField(
        label=_("Note for the courier"),
        help_text=_("For example: the lift stands still in the evening."),
        max_length=200,
        required=False,
    )

    class Meta:
        model = Address
        fields = ["recipient_name", "recipient_phone", "neighbourhood", "unit", "building", "floor", "door", "note"]

    def as_fields(self) -> dict[str, Any]:
        """What was cleaned, as the address book takes it."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
