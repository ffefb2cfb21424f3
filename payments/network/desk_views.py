"""The card desk of the bank, /admin/desk/cards/: one card's state and everything that can be done with it.

A card is found by its number, typed and posted: it is in no address and in no log. Addresses carry the network's
token, which moves nothing. Every deed leaves a line with who did it (acts.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.private import member
from accounts.staff import staff_page
from okryu.calendar import local_day
from payments.gateway import APPROVED
from payments.network import cards, forms, loads, sending
from payments.network.acts import Clerk, Refused
from payments.network.claims import claims_about
from payments.network.decide import PIN_TRIES
from payments.network.desk import WeakPin
from payments.network.models import Act, Card, Claim, LoadProposal
from payments.network.statement import overview
from payments.network.words import WEAK_PIN, words_for_code, words_for_reason

PERMISSION = "network.run_card_desk"
SHOWN = 50
GET_POST = require_http_methods(["GET", "HEAD", "POST"])
SECRETS = ("number", "holder", "pin", "new_pin", "again")
Status = Card.Status


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing the desk does with a card: its form and its verb, which answers a code."""

    title: Promise
    text: Promise
    form: type[forms.KeyedForm]
    run: Callable[[Card, dict[str, Any], Clerk], str]
    when: tuple[str, ...]  # the card's states in which it is offered


# ---------------------------------------------------------------- pages


@sensitive_post_parameters("number")
@GET_POST
@staff_page(PERMISSION)
def index(request: HttpRequest) -> HttpResponse:
    """Find a card; what waits for a second person; claims still open."""
    form = forms.FindForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if card := sending.find_by_number(form.cleaned_data["number"]):
            return redirect("card-desk:card", card.token)
        form.add_error("number", _("The network knows no card with this number."))
    last4 = request.GET.get("last4", "")
    context = {
        "form": form,
        "last4": last4,
        "found": _by_last4(last4),
        "proposals": LoadProposal.objects.filter(state="open").select_related("card").order_by("created_at")[:SHOWN],
        "claims": Claim.objects.filter(state="open").select_related("instruction").order_by("expires_at")[:SHOWN],
        "acts": Act.objects.select_related("card").order_by("-created_at")[:10],
    }
    return render(request, "desk/cards.html", context, status=422 if form.is_bound else 200)


@require_safe
@staff_page(PERMISSION)
def card(request: HttpRequest, token: UUID) -> HttpResponse:
    """One card: its state, what can be done, what was done."""
    shown = get_object_or_404(Card, token=token)
    context = {
        "card": shown,
        "in_use": cards.successor_of(token),
        "shown": overview(token),
        "is_locked": shown.pin_tries >= PIN_TRIES,
        "deeds": [(name, deed) for name, deed in DEEDS.items() if shown.status in deed.when],
        "acts": shown.acts.select_related("card").order_by("-created_at")[:SHOWN],
        "proposals": shown.load_proposals.filter(state="open").select_related("card"),
        "claims": claims_about(shown)[:SHOWN],
    }
    return render(request, "desk/card.html", context)


@sensitive_post_parameters(*SECRETS)
@sensitive_variables("data")
@GET_POST
@staff_page(PERMISSION)
def deed(request: HttpRequest, token: UUID, name: str) -> HttpResponse:
    """One deed's form; a POST does it once."""
    shown = get_object_or_404(Card, token=token)
    what = DEEDS.get(name)
    if what is None:
        raise Http404
    form = what.form(request.POST if request.method == "POST" else None, initial=_limits_of(shown))
    if form.is_valid() and _done(form, lambda data: what.run(shown, data, _clerk(request)), shown):
        _tell(request, what, form.cleaned_data)
        return redirect("card-desk:card", cards.successor_of(token).token)  # type: ignore[union-attr]
    context = {"form": form, "card": shown, "deed": what, "alone": loads.alone_limit() if name == "load" else None}
    return render(request, "desk/card_deed.html", context, status=422 if form.is_bound else 200)


@sensitive_post_parameters(*SECRETS)
@GET_POST
@staff_page(PERMISSION)
def issue(request: HttpRequest) -> HttpResponse:
    """A new card for a new holder."""
    form = forms.IssueForm(request.POST if request.method == "POST" else None)
    made: list[Card] = []

    @sensitive_variables("data")
    def run(data: dict[str, Any]) -> str:
        facts = {name: data[name] for name in ("key", "number", "holder", "resident")}
        made.append(cards.issue(**facts, pin=data["new_pin"], expires_on=_valid_until(), by=_clerk(request)))
        return APPROVED

    if form.is_valid() and _done(form, run, None):
        messages.success(request, _("The card was issued."))
        return redirect("card-desk:card", made[0].token)
    context = {"form": form, "until": _valid_until()}
    return render(request, "desk/card_issue.html", context, status=422 if form.is_bound else 200)


@require_POST
@staff_page(PERMISSION)
def load(request: HttpRequest, key: UUID) -> HttpResponse:
    """The second person's word on a proposed load: POST `answer` = agree or refuse."""
    proposal = get_object_or_404(LoadProposal, pk=key)
    try:
        if request.POST.get("answer") == "agree":
            loads.agree_load(proposal=proposal, by=_clerk(request))
            messages.success(request, _("Agreed: the card was topped up."))
        elif request.POST.get("answer") == "refuse":
            loads.refuse_load(proposal=proposal, by=_clerk(request))
            messages.success(request, _("Refused: nothing was topped up."))
    except Refused as refused:
        messages.error(request, words_for_reason(refused.why))
    return redirect("card-desk:card", proposal.card.token)


# ---------------------------------------------------------------- helpers


@sensitive_variables("data")
def _done(form: forms.KeyedForm, run: Callable[[dict[str, Any]], str], card: Card | None) -> bool:
    """Whether the verb did it; otherwise the reason stands in the form, which is another deed from now on."""
    try:
        code = run(form.cleaned_data)
    except WeakPin:
        form.add_error("new_pin", WEAK_PIN)
    except Refused as refused:
        form.renew()
        field = {"number in use": "number", "other holder": "holder", "deposit used": "line"}.get(refused.why)
        form.add_error(field, words_for_reason(refused.why))
    else:
        if code == APPROVED or card is None:
            return True
        card.refresh_from_db()
        form.renew()
        form.add_error("pin" if code == "55" else None, words_for_code(code, card))
    return False


def _tell(request: HttpRequest, what: Deed, data: dict[str, Any]) -> None:
    if what.form is forms.LoadForm:
        waiting = LoadProposal.objects.filter(deposit=loads.deposit_id(data["line"]), state="open")
        if waiting.exists():
            messages.warning(request, _("Proposed. Somebody else at the desk must agree before the money is there."))
            return
        if not Act.objects.filter(pk=data["key"]).exists():  # another form did it
            messages.info(request, _("This deposit was loaded already. Nothing was loaded now."))
            return
    messages.success(request, _("Done: %(deed)s") % {"deed": what.title})


def _clerk(request: HttpRequest) -> Clerk:
    user = member(request)
    return Clerk(id=user.pk, phone=user.phone)


def _by_last4(last4: str) -> list[Card]:
    if len(last4) != 4 or not (last4.isascii() and last4.isdigit()):
        return []
    return list(Card.objects.filter(last4=last4).order_by("-issued_at")[:SHOWN])


def _limits_of(card: Card) -> dict[str, int]:
    return {name: getattr(card, name) for name in ("per_payment", "per_day", "count_day")}


def _valid_until() -> Any:
    today = local_day(timezone.now())
    return today.replace(year=today.year + settings.CARD_YEARS, month=today.month, day=min(today.day, 28))


# ---------------------------------------------------------------- deeds


def _load(card: Card, data: dict[str, Any], by: Clerk) -> str:
    loads.load_line(key=data["key"], card=card, line=data["line"], amount=data["amount"], by=by)
    return APPROVED


@sensitive_variables("data")
def _pay_out(card: Card, data: dict[str, Any], by: Clerk) -> str:
    return sending.redeem(key=data["key"], card=card, amount=data["amount"], pin=data["pin"], by=by).code


@sensitive_variables("data")
def _replace(card: Card, data: dict[str, Any], by: Clerk) -> str:
    facts = {name: data[name] for name in ("key", "number", "holder")}
    cards.replace(card=card, pin=data["new_pin"], expires_on=_valid_until(), by=by, **facts)
    return APPROVED


@sensitive_variables("data")
def _new_pin(card: Card, data: dict[str, Any], by: Clerk) -> str:
    cards.new_pin(key=data["key"], card=card, pin=data["new_pin"], by=by)
    return APPROVED


def _limits(card: Card, data: dict[str, Any], by: Clerk) -> str:
    limits = cards.Limits(data["per_payment"], data["per_day"], data["count_day"])
    cards.change_limits(key=data["key"], card=card, limits=limits, by=by)
    return APPROVED


def _simple(verb: Callable[..., None]) -> Callable[[Card, dict[str, Any], Clerk], str]:
    def run(card: Card, data: dict[str, Any], by: Clerk) -> str:
        verb(key=data["key"], card=card, by=by)
        return APPROVED

    return run


_USED = (Status.ACTIVE, Status.BLOCKED)
_NOT_CLOSED = (*_USED, Status.LOST, Status.STOLEN)
DEEDS: dict[str, Deed] = {
    "load": Deed(
        gettext_lazy("Top up"), gettext_lazy("From a deposit on the bank's statement. A line loads once."),
        forms.LoadForm, _load, _USED,
    ),
    "payout": Deed(
        gettext_lazy("Pay out"), gettext_lazy("The holder types the PIN; hand over the cash after the page says done."),
        forms.PayoutForm, _pay_out, (Status.ACTIVE,),
    ),
    "pin": Deed(
        gettext_lazy("New PIN"), gettext_lazy("For a forgotten PIN and a locked card. The holder types it twice."),
        forms.NewPinForm, _new_pin, _USED,
    ),
    "replacement": Deed(
        gettext_lazy("Replace or renew"),
        gettext_lazy("This card is closed; money, holds and refunds stay on the account of the new one."),
        forms.CardWithPinForm, _replace, _NOT_CLOSED,
    ),
    "limits": Deed(
        gettext_lazy("Limits"), gettext_lazy("What the card may spend in one payment and in a day."),
        forms.LimitsForm, _limits, _USED,
    ),
    "block": Deed(
        gettext_lazy("Block"), gettext_lazy("Out of use for now. It can be lifted."),
        forms.ConfirmForm, _simple(cards.block), (Status.ACTIVE,),
    ),
    "unblock": Deed(
        gettext_lazy("Lift the block"), gettext_lazy("The card can be used again."),
        forms.ConfirmForm, _simple(cards.unblock), (Status.BLOCKED,),
    ),
    "loss": Deed(
        gettext_lazy("Report lost"), gettext_lazy("For good: only another card on the account ends it."),
        forms.ConfirmForm, _simple(cards.report_lost), _USED,
    ),
    "theft": Deed(
        gettext_lazy("Report stolen"), gettext_lazy("For good: only another card on the account ends it."),
        forms.ConfirmForm, _simple(cards.report_stolen), (*_USED, Status.LOST),
    ),
}  # fmt: skip
