"""What staff do to a parcel: for each deed its form, its permission, when it fits, and the verb it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.guesses import TooManyGuesses
from accounts.models import User
from orders import carrying
from orders.cancelling import cancel_parcel
from orders.deed_forms import (
    ConfirmForm,
    CourierForm,
    DeclineForm,
    DeedForm,
    DeliverForm,
    DispatchForm,
    MissForm,
    RefundForm,
    TryForm,
)
from orders.models import Order, Parcel
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
from orders.paying import APPROVED, capture_is_asked
from orders.refunds import Goods, refund_lines, refund_undelivered
from payments.models import Message, Payment

Status = Parcel.Status


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


def _dispatch(parcel: Parcel, form: DeedForm, by: User) -> Parcel:
    assert isinstance(form, DispatchForm)  # noqa: S101 - each deed gets its own form
    courier = form.cleaned_data.get("courier")
    return dispatch_parcel(**_where(parcel, by), courier=courier, attempt=form.try_number)


def _phoned(parcel: Parcel, form: DeedForm, by: User) -> Parcel:
    assert isinstance(form, TryForm)  # noqa: S101 - each deed gets its own form
    return carrying.note_call(**_where(parcel, by), attempt=form.try_number)


def _not_home(parcel: Parcel, form: DeedForm, by: User) -> Parcel:
    assert isinstance(form, MissForm)  # noqa: S101 - each deed gets its own form
    given = form.cleaned_data
    window = form.windows.get(given.get("window", ""))
    goods = Goods(given.get("goods") or Goods.RESTOCK)
    return carrying.miss_parcel(**_where(parcel, by), attempt=form.try_number, window=window, goods=goods)


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
            do=_dispatch,
        ),
        Deed(
            name="phoned",
            title=gettext_lazy("Phoned"),
            permission="orders.carry_parcel",
            icon="call",
            form=TryForm,
            fits=lambda parcel, asked: (
                parcel.phoned_at is None
                and parcel.method == Parcel.Method.DELIVERY
                and parcel.status in {Status.READY, Status.DISPATCHED}
            ),
            do=_phoned,
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
            name="not-home",
            title=gettext_lazy("Nobody at home"),
            permission="orders.carry_parcel",
            icon="door_front",
            form=MissForm,
            fits=lambda parcel, asked: parcel.status == Status.DISPATCHED,
            do=_not_home,
        ),
        Deed(
            name="courier",
            title=gettext_lazy("Name the courier"),
            permission="orders.assign_courier",
            icon="person_pin_circle",
            form=CourierForm,
            fits=lambda parcel, asked: parcel.method == Parcel.Method.DELIVERY and parcel.status not in Parcel.FINAL,
            do=lambda parcel, form, by: carrying.assign_courier(
                **_where(parcel, by), courier=form.cleaned_data.get("courier")
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


def fits_now(deed: Deed, parcels: Iterable[Parcel]) -> set[int]:
    """Which of these parcels (by id) the deed fits as they stand. One query, however many there are."""
    paid = [parcel for parcel in parcels if parcel.order.status in {Order.Status.PAID, Order.Status.CLOSED}]
    captures = Message.objects.filter(
        Q(code=None) | Q(code=APPROVED),
        verb=Message.Verb.CAPTURE,
        payment__order_code__in={parcel.order.code for parcel in paid},
    )
    asked = set(captures.values_list("payment__order_code", "parcel"))
    return {parcel.pk for parcel in paid if deed.fits(parcel, (parcel.order.code, parcel.number) in asked)}


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
