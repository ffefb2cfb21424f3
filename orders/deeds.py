"""What staff do to a parcel: for each deed its form, its permission, when it fits, and the verb it calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.guesses import TooManyGuesses
from accounts.models import User
from okryu.money import format_won
from orders.cancelling import cancel_parcel
from orders.models import Order, OrderLine, Parcel
from orders.parcels import (
    Missing,
    Reason,
    Refused,
    confirm_parcel,
    decline_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
    take_payment,
)
from orders.paying import capture_is_asked
from orders.refunds import Goods, refund_lines, refund_undelivered
from orders.roles import COURIER
from payments.models import Payment

Status = Parcel.Status
Cleaned = dict[str, Any]


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


class DispatchForm(DeedForm):
    courier = forms.ModelChoiceField(
        label=gettext_lazy("Courier"),
        queryset=User.objects.filter(groups__name=COURIER, is_active=True).order_by("name"),
        required=False,
        empty_label=gettext_lazy("not named"),
    )


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
        choices=[
            (Goods.RESTOCK.value, gettext_lazy("go back on sale")),
            (Goods.WRITE_OFF.value, gettext_lazy("cannot be sold again")),
        ],
        widget=forms.RadioSelect,
    )
    with_fee = forms.BooleanField(label=gettext_lazy("Refund the delivery fee as well"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.parcel.delivered_at is not None:
            self.add_lines(lambda line: (line.confirmed_quantity or 0) - line.returned_quantity, start_full=False)


# ------------------------------------------------------------------ the deeds


@dataclass(frozen=True)
class Deed:
    name: str  # the last word of its address
    title: str | Promise
    permission: str
    icon: str
    form: type[DeedForm]
    fits: Callable[[Parcel, bool], bool]  # the parcel, and whether its capture is asked
    do: Callable[[Parcel, DeedForm, User], Parcel]
    warning: str | Promise = ""


def _where(parcel: Parcel, by: User) -> dict[str, Any]:
    return {"order_code": parcel.order.code, "number": parcel.number, "by": by}


def _confirm(parcel: Parcel, form: DeedForm, by: User) -> Parcel:
    assert isinstance(form, ConfirmForm)  # noqa: S101 - each deed gets its own form
    missing = Missing(form.cleaned_data["missing"] or Missing.NOT_IN_STOCK)
    return confirm_parcel(**_where(parcel, by), quantities=form.quantities, missing=missing)


def _refund(parcel: Parcel, form: DeedForm, by: User) -> Parcel:
    assert isinstance(form, RefundForm)  # noqa: S101 - each deed gets its own form
    given = form.cleaned_data
    about = {"key": given["key"], "goods": Goods(given["goods"]), "with_fee": given["with_fee"]}
    if parcel.delivered_at is None:
        return refund_undelivered(**_where(parcel, by), **about)
    return refund_lines(**_where(parcel, by), **about, quantities=form.quantities)


DEEDS = {
    deed.name: deed
    for deed in (
        Deed(
            name="confirm",
            title=gettext_lazy("Confirm"),
            permission="orders.answer_parcel",
            icon="check",
            form=ConfirmForm,
            fits=lambda parcel, asked: parcel.status == Status.AWAITING,
            do=_confirm,
            warning=gettext_lazy("What is confirmed below the order is released to the shopper at once."),
        ),
        Deed(
            name="ready",
            title=gettext_lazy("Ready"),
            permission="orders.prepare_parcel",
            icon="package_2",
            form=DeedForm,
            fits=lambda parcel, asked: parcel.status == Status.CONFIRMED,
            do=lambda parcel, form, by: make_ready(**_where(parcel, by)),
            warning=gettext_lazy("A delivery's money is taken from the card now; a collection's at the hand-over."),
        ),
        Deed(
            name="capture",
            title=gettext_lazy("Ask for the money again"),
            permission="orders.prepare_parcel",
            icon="payments",
            form=DeedForm,
            fits=lambda parcel, asked: (
                parcel.status == Status.READY
                and parcel.method == Parcel.Method.DELIVERY
                and parcel.captured_at is None
                and not asked
            ),
            do=lambda parcel, form, by: take_payment(**_where(parcel, by)),
        ),
        Deed(
            name="dispatch",
            title=gettext_lazy("Dispatch"),
            permission="orders.carry_parcel",
            icon="two_wheeler",
            form=DispatchForm,
            fits=lambda parcel, asked: (
                parcel.status == Status.READY
                and parcel.method == Parcel.Method.DELIVERY
                and parcel.captured_at is not None
            ),
            do=lambda parcel, form, by: dispatch_parcel(**_where(parcel, by), courier=form.cleaned_data.get("courier")),
        ),
        Deed(
            name="deliver",
            title=gettext_lazy("Hand over"),
            permission="orders.carry_parcel",
            icon="handshake",
            form=DeliverForm,
            fits=lambda parcel, asked: (
                parcel.status == (Status.READY if parcel.method == Parcel.Method.COLLECTION else Status.DISPATCHED)
            ),
            do=lambda parcel, form, by: deliver_parcel(
                **_where(parcel, by), code=str(form.cleaned_data["code"]).strip()
            ),
        ),
        Deed(
            name="decline",
            title=gettext_lazy("Decline"),
            permission="orders.answer_parcel",
            icon="block",
            form=DeclineForm,
            fits=lambda parcel, asked: parcel.status in {Status.AWAITING, Status.CONFIRMED, Status.READY} and not asked,
            do=lambda parcel, form, by: decline_parcel(
                **_where(parcel, by), reason=Reason(form.cleaned_data["reason"])
            ),
            warning=gettext_lazy("The parcel ends. Its money, its delivery fee included, is free again at once."),
        ),
        Deed(
            name="cancel",
            title=gettext_lazy("Cancel for the shopper"),
            permission="orders.cancel_parcel",
            icon="cancel",
            form=DeedForm,
            fits=lambda parcel, asked: parcel.status in {Status.AWAITING, Status.CONFIRMED, Status.READY} and not asked,
            do=lambda parcel, form, by: cancel_parcel(**_where(parcel, by)),
            warning=gettext_lazy("Only when the shopper asked for it. The parcel ends and its money is free again."),
        ),
        Deed(
            name="refund",
            title=gettext_lazy("Refund"),
            permission="orders.refund_parcel",
            icon="undo",
            form=RefundForm,
            fits=lambda parcel, asked: (
                parcel.captured_at is not None
                and parcel.status
                in {Status.CONFIRMED, Status.READY, Status.DISPATCHED, Status.DELIVERED, Status.RETURNED}
            ),
            do=_refund,
            warning=gettext_lazy(
                "The money goes back to the card it came from. "
                "A parcel that was not handed over is refunded whole and ends."
            ),
        ),
    )
}


def fitting(parcel: Parcel, user: User) -> list[Deed]:
    """What this person may do to this parcel now."""
    if parcel.order.status not in {Order.Status.PAID, Order.Status.CLOSED}:
        return []
    asked = any(capture_is_asked(payment, parcel) for payment in Payment.objects.filter(order_code=parcel.order.code))
    return [deed for deed in DEEDS.values() if user.has_perm(deed.permission) and deed.fits(parcel, asked)]


def attempt(deed: Deed, parcel: Parcel, form: DeedForm, by: User) -> tuple[Parcel, str]:
    """Do it: the parcel afterwards, and why it was refused in words for staff ("" when it was done)."""
    try:
        return deed.do(parcel, form, by), ""
    except Refused as error:
        return parcel, str(error.reason)
    except TooManyGuesses as error:
        clock = f"{localtime(error.retry_at):%H:%M}"
        return parcel, _("Too many codes were tried. Try again after %(clock)s.") % {"clock": clock}


def outcome(parcel: Parcel, deed: Deed) -> tuple[str, bool]:
    """What to tell staff after a deed, and whether it is all well."""
    where = f"{parcel.order.shown_code}/{parcel.number}"
    waits = deed.name in {"ready", "capture"} and parcel.method == Parcel.Method.DELIVERY and not parcel.captured_at
    if waits:
        return _("%(parcel)s: the card network has not confirmed the money. Do not dispatch yet.") % {
            "parcel": where
        }, False
    return f"{where}: {parcel.get_status_display()}", True
