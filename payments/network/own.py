"""Pages of a card's holder beyond the card itself: send money, claim it back, report the card lost, change limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID, uuid4

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.client import client_address
from accounts.guesses import TooManyGuesses, count_guess
from accounts.private import member, private_page
from okryu.calendar import PYONGYANG
from payments.gateway import APPROVED
from payments.linking import follow_card, linked_card
from payments.network import cards, claims, sending
from payments.network.acts import Refused
from payments.network.forms import AgreeForm, ClaimForm, LossForm, MyLimitsForm, OrderForm, SendForm
from payments.network.models import Card, Claim, Instruction
from payments.network.statement import overview
from payments.network.words import OUT_OF_DATE, words_for_code, words_for_reason

GUESS_KIND = "card-send"
ORDER_LIFE_SECONDS = 30 * 60
GET_POST = require_http_methods(["GET", "HEAD", "POST"])
P = ParamSpec("P")


def my_card_page(view: Callable[Concatenate[HttpRequest, Card, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """For members with a linked card, which the view is given; others link one first."""

    @wraps(view)
    def found(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        linked = linked_card(member(request))
        card = linked and cards.successor_of(linked.token)
        return view(request, card, *args, **kwargs) if card else redirect("card:card")

    return private_page(found)


# ---------------------------------------------------------------- sending


@sensitive_post_parameters("number")
@my_card_page
@GET_POST
def send(request: HttpRequest, card: Card) -> HttpResponse:
    """Whom and how much; a POST changes nothing and shows the sending to be confirmed."""
    form = SendForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (payee := _payee(request, form, card)):
        order = _sign(card, payee, form.cleaned_data["amount"], sending.fee_for_sending())
        return _confirm(request, card, OrderForm(initial={"order": order}))
    context = {"form": form, "shown": overview(card.token), "fee": sending.fee_for_sending()}
    return render(request, "payments/send.html", context, status=422 if form.is_bound else 200)


@sensitive_post_parameters("pin")
@my_card_page
@require_POST
def order(request: HttpRequest, card: Card) -> HttpResponse:
    """Send what the page before has shown; the same form again leads to the same receipt."""
    form = OrderForm(request.POST)
    try:
        key, token, amount, fee = _read(card, request.POST.get("order", ""))
        payee = Card.objects.get(token=token)
        if not form.is_valid():
            return _confirm(request, card, form)
        told = sending.send(
            key=key, payer=card, payee=payee, amount=amount, fee=fee, pin=form.cleaned_data["pin"]
        )  # fmt: skip
    except (signing.BadSignature, Refused):
        messages.error(request, OUT_OF_DATE)
        return redirect("card:send")
    if told.code == APPROVED:
        messages.success(request, _("The money was sent."))
        return redirect("card:receipt", told.pk)
    card.refresh_from_db()
    form.add_error("pin" if told.code == "55" else None, words_for_code(told.code, card))
    form.data = {"order": _sign(card, payee, amount, fee)}  # what was answered stays answered: this is another order
    return _confirm(request, card, form)


@sensitive_variables("number")
def _payee(request: HttpRequest, form: SendForm, card: Card) -> Card | None:
    """The card the money goes to, or None with the reason in the form. Every look counts: nobody hunts for cards."""
    number = form.cleaned_data["number"]
    try:
        count_guess(kind=GUESS_KIND, name=str(member(request).pk), address=client_address(request))
    except TooManyGuesses as full:
        when = f"{full.retry_at.astimezone(PYONGYANG):%H:%M}"
        form.add_error(None, _("Too many tries. Please try again after %(time)s.") % {"time": when})
        return None
    payee = sending.find_by_number(number)
    if payee is None:
        form.add_error("number", _("The network knows no card with this number."))
    elif payee.account_id == card.account_id:
        form.add_error("number", words_for_reason("own card"))
    else:
        return payee
    return None


def _confirm(request: HttpRequest, card: Card, form: OrderForm) -> HttpResponse:
    _key, token, amount, fee = _read(card, str(form["order"].value()))
    context = {
        "form": form, "card": card, "payee": Card.objects.get(token=token),
        "amount": amount, "fee": fee, "total": amount + fee,
    }  # fmt: skip
    return render(request, "payments/send_confirm.html", context, status=422 if form.is_bound else 200)


def _sign(card: Card, payee: Card, amount: int, fee: int) -> str:
    """The order as a page carries it: for this card alone, with a key of its own, and without any card's number."""
    return signing.dumps([str(uuid4()), str(payee.token), amount, fee], salt=f"card.sending.{card.account_id}")


def _read(card: Card, order: str) -> tuple[UUID, UUID, int, int]:
    """Raises BadSignature when it is another card's, altered or old."""
    salt = f"card.sending.{card.account_id}"
    key, token, amount, fee = signing.loads(order, salt=salt, max_age=ORDER_LIFE_SECONDS)
    return UUID(key), UUID(token), amount, fee


# ---------------------------------------------------------------- claims


@my_card_page
@GET_POST
def claim_new(request: HttpRequest, card: Card, uuid: UUID) -> HttpResponse:
    """Say that a sending was a mistake."""
    sent = get_object_or_404(Instruction, pk=uuid, account_id=card.account_id, kind="send", code=APPROVED)
    form = ClaimForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            claim = claims.make_claim(card=card, sent=sent, reason=form.cleaned_data["reason"])
            return redirect("card:claim", claim.pk)
        except Refused as refused:
            form.add_error(None, words_for_reason(refused.why))
    elif not form.is_bound and not claims.can_be_claimed(sent):
        return redirect("card:receipt", uuid)
    return render(
        request, "payments/claim_new.html", {"form": form, "sent": sent}, status=422 if form.is_bound else 200
    )


@sensitive_post_parameters("pin")
@my_card_page
@GET_POST
def claim(request: HttpRequest, card: Card, uuid: UUID) -> HttpResponse:
    """A claim of mine or against me; a POST of who received the money answers it."""
    shown = claims.claims_about(card).filter(pk=uuid).first()
    if shown is None:
        raise Http404
    form = AgreeForm(request.POST if request.method == "POST" and "refuse" not in request.POST else None)
    if request.method == "POST" and _answer(request, shown, card, form):
        return redirect("card:claim", uuid)
    if form.is_bound:
        shown.refresh_from_db()
    context = {"claim": shown, "form": form, "is_mine": shown.instruction.account_id == card.account_id, "card": card}
    return render(request, "payments/claim.html", context, status=422 if form.is_bound else 200)


def _answer(request: HttpRequest, claim: Claim, card: Card, form: AgreeForm) -> bool:
    """Whether the claim is answered now; otherwise the reason stands in the form."""
    if claim.instruction.payee_id != card.account_id:
        raise Http404
    try:
        if not form.is_bound:
            claims.refuse(claim=claim, card=card)
            return True
        if not form.is_valid():
            return False
        code = claims.agree(key=form.cleaned_data["key"], claim=claim, card=card, pin=form.cleaned_data["pin"])
    except Refused as refused:
        messages.error(request, words_for_reason(refused.why))
        return True
    if code != APPROVED:
        card.refresh_from_db()
        form.renew()
        form.add_error("pin" if code == "55" else None, words_for_code(code, card))
    return code == APPROVED


# ---------------------------------------------------------------- the card itself


@my_card_page
@GET_POST
def loss(request: HttpRequest, card: Card) -> HttpResponse:
    """From now on the card pays nothing. No PIN: who has lost the card must be able to say so at once."""
    form = LossForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            cards.report_lost(key=form.cleaned_data["key"], card=card)
            messages.success(request, _("The card is reported lost: it pays nothing more."))
            return redirect("card:card")
        except Refused as refused:
            form.renew()
            form.add_error(None, words_for_reason(refused.why))
    return render(request, "payments/loss.html", {"form": form, "card": card}, status=422 if form.is_bound else 200)


@sensitive_post_parameters("pin")
@my_card_page
@GET_POST
def limits(request: HttpRequest, card: Card) -> HttpResponse:
    """What the card may spend, up to the issuer's maximum."""
    now = {name: getattr(card, name) for name in ("per_payment", "per_day", "count_day")}
    form = MyLimitsForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid() and _limits_changed(form, card):
        messages.success(request, _("The limits were changed."))
        return redirect("card:card")
    context = {"form": form, "card": card, "most": cards.most_for_holder(card)}
    return render(request, "payments/limits.html", context, status=422 if form.is_bound else 200)


@sensitive_variables("data")
def _limits_changed(form: MyLimitsForm, card: Card) -> bool:
    data = form.cleaned_data
    try:
        code = cards.change_my_limits(key=data["key"], card=card, limits=form.limits, pin=data["pin"])
    except Refused as refused:
        form.renew()
        form.add_error(None, words_for_reason(refused.why))
        return False
    if code != APPROVED:
        form.renew()
        form.add_error("pin" if code == "55" else None, words_for_code(code, card))
    return code == APPROVED


@my_card_page
@require_POST
def successor(request: HttpRequest, card: Card) -> HttpResponse:
    """Keep the card that replaced the linked one, in the shop's book too."""
    follow_card(user=member(request), token=card.token, last4=card.last4)
    messages.success(request, _("Your new card is saved."))
    return redirect("card:card")
