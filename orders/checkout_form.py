"""The checkout page's one form: who receives, where, how each parcel comes, gift. It cleans and validates only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.forms import NeighbourhoodField
from accounts.models import Address, User
from accounts.phone import PhoneField
from accounts.text import LineField, NameField
from orders.choices import Choice, Method, Offer
from orders.models import Parcel
from orders.placing import Destination, Wish
from orders.positions import ParcelPlan

ME, OTHER, NEW = "me", "other", "new"
_LINES = re.compile(r"[0-9]{1,9}:[0-9]{1,3}(,[0-9]{1,9}:[0-9]{1,3})*")
_TOTAL = re.compile(r"[0-9]{1,9}")


def _number() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "numeric"})


class CheckoutForm(forms.Form):
    # Fields of choices not taken are hidden; a browser would refuse to send the form for their sake.
    use_required_attribute = False

    who = forms.ChoiceField(label=_("Recipient"), choices=[(ME, _("Me")), (OTHER, _("Somebody else"))], initial=ME)
    recipient_name = NameField(
        label=_("Recipient's name"),
        error_messages={"required": _("Write the recipient's name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    recipient_phone = PhoneField(
        label=_("Recipient's mobile number"),
        error_messages={"required": _("Write the recipient's mobile number.")},
        help_text=_("The courier calls first."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    address = forms.CharField(label=_("Address"), required=False, max_length=12)
    neighbourhood = NeighbourhoodField()
    unit = LineField(
        label=_("Neighbourhood unit"),
        max_length=20,
        required=False,
        widget=_number(),
    )
    building = LineField(label=_("Building"), max_length=40, error_messages={"required": _("Write the building.")})
    floor = LineField(label=_("Floor"), max_length=10, required=False, widget=_number())
    door = LineField(label=_("Door"), max_length=10, required=False, widget=_number())
    note = LineField(
        label=_("Note for the courier"),
        help_text=_("When the lift stands still, how the door opens"),
        max_length=200,
        required=False,
    )
    meets_at_entrance = forms.BooleanField(label=_("Meet the courier at the entrance"), required=False)
    keep_address = forms.BooleanField(label=_("Keep this address for next time"), required=False, initial=True)
    is_gift = forms.BooleanField(label=_("Wrap it as a gift"), required=False)
    gift_text = LineField(
        label=_("Card text"), max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    voucher = LineField(
        label=_("Voucher code"),
        max_length=30,
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "data-live-input": ""}
        ),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User,
        addresses: Sequence[Address],
        offers: Sequence[Offer],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        self.addresses = {address.code: address for address in addresses}
        self.offers = offers
        for offer in offers:
            self._add_parcel(offer)
        if data is not None:
            self._ask_only_what_was_chosen(data)

    def _ask_only_what_was_chosen(self, data: QueryDict) -> None:
        """Another recipient's fields are asked when chosen, a new address when chosen and something goes there."""
        is_delivered = any(data.get(names_of(offer)[0]) == Method.DELIVERY for offer in self.offers)
        is_new = data.get("address", NEW) in ("", NEW)
        for name in ("recipient_name", "recipient_phone"):
            self.fields[name].required = data.get("who") == OTHER
        for name in ("neighbourhood", "building"):
            self.fields[name].required = is_delivered and is_new

    @property
    def gift_letters_left(self) -> int:
        """How many letters the card still takes beside those typed."""
        return max(200 - len(self["gift_text"].value() or ""), 0)

    # ------------------------------------------------------------ cleaning

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for offer in self.offers:
            self._clean_parcel(offer)
        return cleaned

    def clean_address(self) -> str:
        code: str = self.cleaned_data["address"] or NEW
        if code != NEW and code not in self.addresses:
            raise ValidationError(_("This address is not in your address book any more. Choose another."))
        return code

    def _clean_parcel(self, offer: Offer) -> None:
        how, when = names_of(offer)[:2]
        method = self.cleaned_data.get(how)
        if not offer.methods:
            text = _("This parcel can neither come there nor be collected. Choose another address, or take it out.")
            self.add_error(how, text)
        elif method == Method.DELIVERY and not offer.window(self.cleaned_data.get(when, "")):
            self.add_error(when, _("This time is no longer free. Choose another."))

    # ------------------------------------------------------------ what was chosen

    def wish(self, *, shown: QueryDict) -> Wish:
        """The cleaned form as placing takes it; `shown` carries what the page said beside it."""
        cleaned = self.cleaned_data
        is_other = cleaned["who"] == OTHER
        return Wish(
            checkout_token=token_in(shown) or UUID(int=0),
            shown_total=_total_in(shown.get("shown_total", "")),
            shown_lines=_lines_in(shown.get("shown_lines", "")),
            recipient_name=cleaned["recipient_name"] if is_other else self.user.name,
            recipient_phone=cleaned["recipient_phone"] if is_other else self.user.phone,
            choices={offer.plan.seller.pk: self._choice(offer) for offer in self.offers},
            destination=self._destination() if self._is_delivered() else None,
            meets_at_entrance=cleaned["meets_at_entrance"] and self._is_delivered(),
            is_gift=cleaned["is_gift"] or bool(cleaned["gift_text"]),
            gift_text=cleaned["gift_text"],
            voucher=cleaned["voucher"],
        )

    @property
    def wants_address_kept(self) -> bool:
        return bool(self.cleaned_data["keep_address"] and self.cleaned_data["address"] == NEW)

    def _choice(self, offer: Offer) -> Choice:
        how, when, short = (self.cleaned_data[name] for name in names_of(offer))
        window = offer.window(when) if how == Method.DELIVERY else None
        return Choice(how, window, if_short=short)

    def _destination(self) -> Destination:
        source: Any = self._chosen_address()
        if source is not None:
            names = ("neighbourhood", "building", "unit", "floor", "door", "note")
            return Destination(**{name: getattr(source, name) for name in names})
        cleaned = self.cleaned_data
        return Destination(
            neighbourhood=cleaned["neighbourhood"],
            building=cleaned["building"],
            unit=cleaned["unit"],
            floor=cleaned["floor"],
            door=cleaned["door"],
            note=cleaned["note"],
        )

    def _chosen_address(self) -> Address | None:
        return self.addresses.get(self.cleaned_data.get("address", NEW))

    def _is_delivered(self) -> bool:
        return any(self.cleaned_data.get(names_of(offer)[0]) == Method.DELIVERY for offer in self.offers)

    # ------------------------------------------------------------ fields of one parcel

    def _add_parcel(self, offer: Offer) -> None:
        seller, default = offer.plan.seller, offer.default
        how, when, short = names_of(offer)
        self.fields[how] = forms.ChoiceField(
            label=seller.name,
            choices=[(method, method) for method in offer.methods],
            initial=default.method if default else None,
            required=bool(offer.methods),
            error_messages={
                "invalid_choice": _("This parcel cannot come this way now. Choose another."),
                "required": _("Choose how this parcel comes."),
            },
        )
        self.fields[when] = forms.CharField(
            label=_("%(seller)s, time") % {"seller": seller.name},
            max_length=20,
            required=False,
            initial=offer.first_window.key if offer.first_window else None,
        )
        self.fields[short] = forms.ChoiceField(
            label=_("If something is missing"),
            choices=Parcel.Shortage.choices,
            initial=Parcel.Shortage.SEND_REST,
        )


def names_of(offer: Offer) -> tuple[str, str, str]:
    """The names of one parcel's three fields: how it comes, when, and what if something is missing."""
    seller = offer.plan.seller.pk
    return f"how-{seller}", f"when-{seller}", f"short-{seller}"


def shown_lines(plans: Iterable[ParcelPlan]) -> str:
    """What the page says is ordered, as its form repeats it: variant:pieces,variant:pieces."""
    bought = (position for plan in plans for position in plan.positions)
    return ",".join(f"{position.variant.pk}:{position.quantity}" for position in bought)


def token_in(data: QueryDict) -> UUID | None:
    """The checkout token of a posted form, or None where it is none."""
    try:
        return UUID(data.get("checkout_token", ""))
    except ValueError:
        return None


def _total_in(text: str) -> int:
    return int(text) if _TOTAL.fullmatch(text) else -1


def _lines_in(text: str) -> dict[int, int]:
    if len(text) > 1000 or not _LINES.fullmatch(text):
        return {}
    return {int(variant): int(pieces) for variant, pieces in (pair.split(":") for pair in text.split(","))}
