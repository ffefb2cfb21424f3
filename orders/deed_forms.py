"""The forms of the deeds: what staff say about a parcel. The admin dresses their plain widgets in its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import User
from okryu.calendar import local_day
from okryu.money import format_won
from orders import carrying
from orders.models import OrderLine, Parcel
from orders.parcels import Missing, Reason
from orders.promises import Window, is_dish_seller
from orders.refunds import Goods
from orders.roles import COURIER

_GOODS = [
    (Goods.RESTOCK.value, gettext_lazy("go back on sale")),
    (Goods.WRITE_OFF.value, gettext_lazy("cannot be sold again")),
]


class DeedForm(forms.Form):
    """A form about one parcel; a deed without questions uses it as it is."""

    def __init__(self, *args: Any, parcel: Parcel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parcel = parcel


class _LinesForm(DeedForm):
    """A number of pieces for each line, in fields named by the lines' public ids."""

    def add_lines(self, most: Callable[[OrderLine], int], *, start_full: bool) -> None:
        self.lines = [line for line in self.parcel.lines.all() if most(line) > 0]
        names = {}
        for line in self.lines:
            english = (get_language() or "").startswith("en")
            label = (line.name_en if english else "") or line.name_ko_kp
            names[f"line_{line.public_id}"] = forms.IntegerField(
                label=f"{label} ({format_won(line.unit_price, get_language() or 'ko-kp')})",
                help_text=_("0 to %(most)d") % {"most": most(line)},
                min_value=0,
                max_value=most(line),
                initial=most(line) if start_full else 0,
                required=False,
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )
        self.fields = names | self.fields

    @property
    def quantities(self) -> dict[uuid.UUID, int]:
        """The pieces typed, by the lines' public ids; a field left empty is not among them."""
        typed = {line.public_id: self.cleaned_data.get(f"line_{line.public_id}") for line in self.lines}
        return {key: pieces for key, pieces in typed.items() if pieces is not None}


class ConfirmForm(_LinesForm):
    missing = forms.ChoiceField(
        label=gettext_lazy("What is missing"),
        choices=Missing.choices,
        initial=Missing.NOT_IN_STOCK,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_lines(lambda line: line.quantity, start_full=True)


class DeclineForm(DeedForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[
            (each.value, each.label) for each in (Reason.NOT_IN_STOCK, Reason.CANNOT_MAKE, Reason.CLOSED, Reason.OTHER)
        ],
        widget=forms.RadioSelect,
    )


class TryForm(DeedForm):
    """Says which try to bring the parcel it is about: one that arrives after that try changes nothing."""

    attempt = forms.IntegerField(min_value=1, max_value=carrying.TRIES, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["attempt"].initial = self.now = min(self.parcel.failed_tries + 1, carrying.TRIES)

    @property
    def try_number(self) -> int:
        return self.cleaned_data.get("attempt") or self.now


class MissForm(TryForm):
    window = forms.ChoiceField(
        label=gettext_lazy("New time"),
        help_text=gettext_lazy("One new try is free. Agree on it by telephone if you can."),
        required=False,
        widget=forms.RadioSelect,
    )
    goods = forms.ChoiceField(
        label=gettext_lazy("The goods"),
        help_text=gettext_lazy("They go back to the seller and are refunded. The delivery fee is kept."),
        choices=_GOODS,
        initial=Goods.RESTOCK.value,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = carrying.new_try_places(self.parcel, timezone.now())
        self.windows = {place.window.key: place.window for place in places}
        choices = [(key, window_words(window)) for key, window in self.windows.items()]
        self.fields["window"].choices = choices  # type: ignore[attr-defined]
        if choices:
            self.fields["window"].initial = choices[0][0]
            del self.fields["goods"]
        else:
            del self.fields["window"]
            if is_dish_seller(self.parcel.seller):
                del self.fields["goods"]


def window_words(window: Window) -> str:
    """오늘, 18~20시; today, 18-20h."""
    ahead = (window.day - local_day(timezone.now())).days
    days = {0: _("today"), 1: _("tomorrow")}
    day = days.get(ahead) or date_format(window.day, "SHORT_DATE_FORMAT")
    return _("%(day)s, %(first)s-%(last)sh") % {"day": day, "first": window.start_hour, "last": window.end_hour}


class CourierForm(DeedForm):
    courier = forms.ModelChoiceField(
        label=gettext_lazy("Courier"),
        queryset=User.objects.filter(groups__name=COURIER, is_active=True).order_by("name"),
        required=False,
        empty_label=gettext_lazy("not named"),
    )


class DispatchForm(TryForm, CourierForm):
    pass


class DeliverForm(DeedForm):
    code = forms.CharField(
        label=gettext_lazy("Hand-over code"),
        max_length=8,
        required=False,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "class": "input--digits input--pin"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = _("Four digits the recipient tells.")
        without = _("Four digits the recipient tells. A delivery can be handed over without them.")
        self.fields["code"].help_text = told if self.parcel.method == Parcel.Method.COLLECTION else without


class RefundForm(_LinesForm):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    goods = forms.ChoiceField(
        label=gettext_lazy("The goods"),
        choices=_GOODS,
        widget=forms.RadioSelect,
    )
    with_fee = forms.BooleanField(label=gettext_lazy("Refund the delivery fee as well"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.parcel.delivered_at is not None:
            self.add_lines(lambda line: (line.confirmed_quantity or 0) - line.returned_quantity, start_full=False)
