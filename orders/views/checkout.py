"""The checkout: one page, one POST that places the order."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import OperationalError
from django.forms import BooleanField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.http import require_http_methods

from accounts.address_book import AddressBookFull, add_address
from accounts.client import client_address
from accounts.districts import chosen_district, remember_district
from accounts.forms import deliverable_neighbourhoods
from accounts.guesses import TooManyGuesses, count_guess, forget_guesses
from accounts.models import Address, District, User
from accounts.private import member, private_page
from orders import cart as carts
from orders import drafts, placing, refusals, vouchers
from orders.busy import is_busy
from orders.checkout_form import NEW, CheckoutForm, names_of, shown_lines, token_in
from orders.choices import Choice, Method, Offer, fees_of, offers_for
from orders.models import Cart, Order
from orders.positions import ParcelPlan, Position, buyable, read_of
from orders.refusals import Notice

RETRY_SECONDS = 5
LEAVING = frozenset({"update", "back", "keep"})  # buttons that place nothing


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request, kept=drafts.read(request))
    user, token = member(request), token_in(request.POST)
    positions = read_of(user)
    plans = buyable(positions)
    form = _form(request, plans, data=request.POST) if plans else None
    is_right = form is not None and form.is_valid()
    # Looked up last: whoever finds the cart emptied, or the last place taken, by the same form sent twice
    # finds the order as well. What goes straight to placing finds it there, under the cart's lock.
    goes_straight = is_right and not request.POST.get("voucher") and not LEAVING.intersection(request.POST)
    if token and not goes_straight and (order := placing.order_of_token(user=user, token=token)):
        return _go_on(order)
    if form is not None and not goes_straight:
        drafts.keep(request, form)
    if {"keep", "back"} & request.POST.keys():
        return HttpResponse(status=204) if "keep" in request.POST else redirect("orders:cart")
    try:
        _count_voucher_guess(request, user)
    except TooManyGuesses as refused:
        without = request.POST.copy()
        without["voucher"] = ""
        return _show(request, kept=without, notice=refusals.too_many_codes(refused), status=429)
    if "update" in request.POST:
        return _show(request, kept=request.POST)
    return _place(request, user, form, positions, is_right=is_right)


def _place(
    request: HttpRequest, user: User, form: CheckoutForm | None, positions: list[Position], *, is_right: bool
) -> HttpResponse:
    if form is None:
        return _back_to_cart(request)
    if not is_right:
        return _show(request, data=request.POST, status=422)
    wish = form.wish(shown=request.POST)
    try:
        order = placing.place_order(user=user, wish=wish)
    except placing.Refused as refused:
        drafts.keep(request, form)
        return _show(request, data=request.POST, notice=refusals.notice(refused), status=422)
    except OperationalError as error:
        if not is_busy(error):
            raise
        drafts.keep(request, form)
        response = _show(request, data=request.POST, notice=refusals.busy_notice(), status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    drafts.forget(request)
    _keep_address(user, form, wish)
    response = _go_on(order)
    carts.show_count(request, response, _left_in_cart(positions, wish))
    if wish.destination:
        remember_district(response, wish.destination.neighbourhood.district)
    return response


def _left_in_cart(positions: list[Position], wish: placing.Wish) -> int:
    """The pieces in the cart once the order is placed: those it could not have, or all of a cart filled anew."""
    was_this_cart = positions[0].line.cart.checkout_token == wish.checkout_token
    return sum(each.line.quantity for each in positions if not (was_this_cart and each.variant.pk in wish.shown_lines))


def _count_voucher_guess(request: HttpRequest, user: User) -> None:
    """Codes are few enough to be tried one after the other: counted before one is looked at. Raises TooManyGuesses."""
    code = request.POST.get("voucher", "").strip()
    if not code:
        return
    guess = {"kind": "voucher", "name": str(user.pk), "address": client_address(request)}
    count_guess(**guess)
    if vouchers.is_known(code):
        forget_guesses(**guess)


def _go_on(order: Order) -> HttpResponse:
    """The same answer for every posting of one form: on to paying, or to what has become of the order."""
    return redirect("orders:payment" if order.status == Order.Status.PLACED else "orders:order", order.code)


def _back_to_cart(request: HttpRequest, notice: Notice | None = None) -> HttpResponse:
    for sentence in notice.sentences if notice else ():
        messages.error(request, sentence)
    return redirect("orders:cart")


def _keep_address(user: User, form: CheckoutForm, wish: placing.Wish) -> None:
    if not (wish.destination and form.wants_address_kept):
        return
    who = {"recipient_name": wish.recipient_name, "recipient_phone": wish.recipient_phone}
    try:
        add_address(user=user, fields=who | wish.destination.as_fields())
    except AddressBookFull:
        return  # the order stands; a full address book says so where addresses are kept


# ---------------------------------------------------------------- the page


def _show(
    request: HttpRequest,
    *,
    data: QueryDict | None = None,
    kept: QueryDict | None = None,
    notice: Notice | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page as the cart stands now. `data` is answered with its errors, `kept` is only kept in the fields."""
    positions = read_of(member(request))
    plans = buyable(positions)
    if not plans:
        return _back_to_cart(request, notice)
    form = _form(request, plans, data=data, kept=kept)
    context = _context(positions[0].line.cart, form, positions, typed=data or kept)
    context |= _voucher(member(request), plans, typed=data or kept)
    context["total"] -= context["discount"]
    return render(request, "orders/checkout.html", context | {"notice": notice}, status=status)


def _form(
    request: HttpRequest, plans: list[ParcelPlan], *, data: QueryDict | None = None, kept: QueryDict | None = None
) -> CheckoutForm:
    user = member(request)
    addresses = list(user.addresses.select_related("neighbourhood__district__zone"))
    district = _district(request, addresses, data or kept)
    offers = offers_for(plans, district=district, now=timezone.now()) if district else []
    form = CheckoutForm(data, user=user, addresses=addresses, offers=offers)
    if kept is not None:
        form.initial = {
            name: name in kept if isinstance(field, BooleanField) else kept.get(name, "")
            for name, field in form.fields.items()
        }
    elif addresses:
        form.initial = {"address": addresses[0].code}
    return form


def _district(request: HttpRequest, addresses: list[Address], typed: QueryDict | None) -> District | None:
    """The district the page shows fees and windows for: of the address chosen, else the one the visitor shops from."""
    chosen = typed.get("address", NEW) if typed is not None else addresses[0].code if addresses else NEW
    if found := next((address for address in addresses if address.code == chosen), None):
        return found.neighbourhood.district
    text = typed.get("neighbourhood", "") if typed is not None else ""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        neighbourhood = deliverable_neighbourhoods().filter(pk=int(text)).first()
        if neighbourhood is not None:
            return neighbourhood.district  # type: ignore[no-any-return]
    return chosen_district(request)


def _context(mine: Cart, form: CheckoutForm, positions: list[Position], *, typed: QueryDict | None) -> dict[str, Any]:
    rows = [_row(form, offer, typed) for offer in form.offers]
    plans = [offer.plan for offer in form.offers]
    choices = {row["offer"].plan.seller.pk: row["choice"] for row in rows}
    fees = fees_of(plans, choices, district=form.offers[0].district if form.offers else None)
    for row, fee in zip(rows, fees, strict=True):
        row["fee"] = fee
    goods = sum(plan.goods_total for plan in plans)
    return {
        "form": form,
        "rows": rows,
        "addresses": list(form.addresses.values()),
        "address_chosen": _address_chosen(form, typed),
        "district": form.offers[0].district if form.offers else None,
        "who": _value(form, "who", typed),
        "left_out": [position for position in positions if position.quantity < position.line.quantity],
        "checkout_token": mine.checkout_token,
        "shown_lines": shown_lines(plans),
        "pieces": sum(plan.quantity for plan in plans),
        "goods": goods,
        "total": goods + sum(fees),
        "hold_minutes": settings.ORDER_HOLD_MINUTES,
    }


def _voucher(user: User, plans: list[ParcelPlan], *, typed: QueryDict | None) -> dict[str, Any]:
    """What the typed voucher takes off, or why it takes off nothing."""
    code = typed.get("voucher", "") if typed is not None else ""
    words: str | Promise = ""
    if code.strip():
        try:
            quoted = vouchers.quote(code=code, user=user, plans=plans, now=timezone.now())
            return {"discount": quoted.total, "voucher_code": quoted.voucher.code, "voucher_refusal": ""}
        except vouchers.VoucherRefused as refused:
            words = refusals.voucher_words(refused)
    return {"discount": 0, "voucher_code": "", "voucher_refusal": words}


def _row(form: CheckoutForm, offer: Offer, typed: QueryDict | None) -> dict[str, Any]:
    """One parcel on the page: its fields, and what is chosen where it can be, else the default."""
    how, when, short = names_of(offer)
    default = offer.default or Choice(Method.COLLECTION)
    method, window = default.method, offer.first_window
    if typed is not None:
        method = typed.get(how, "") if typed.get(how) in offer.methods else method
        window = offer.window(typed.get(when, "")) or window
    is_first_day = bool(window and offer.days and window.day == offer.days[0][0])
    return {
        "offer": offer,
        "how": form[how],
        "when": form[when],
        "short": form[short],
        "choice": Choice(method, window if method == Method.DELIVERY else None),
        "window": window,
        "first_day": offer.days[0] if offer.days else None,
        "other_days": offer.days[1:],
        "is_other_day": not is_first_day,
    }


def _value(form: CheckoutForm, name: str, typed: QueryDict | None) -> Any:
    return typed.get(name) if typed is not None else form.get_initial_for_field(form.fields[name], name)


def _address_chosen(form: CheckoutForm, typed: QueryDict | None) -> str:
    chosen = _value(form, "address", typed) or NEW
    return chosen if chosen in form.addresses else NEW
