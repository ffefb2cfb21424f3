"""The network's own desk for a card's holder, reached with the token the shop keeps."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.client import client_address
from accounts.guesses import TooManyGuesses
from accounts.private import member, private_page
from okryu.calendar import PYONGYANG
from payments.forms import CardForm
from payments.gateway import NoAnswer
from payments.linking import CardRefused, link_card, linked_card
from payments.models import MemberCard
from payments.network.claims import can_be_claimed
from payments.network.models import Instruction
from payments.network.statement import PAGE, Overview, movement, movements, overview
from payments.words import may_try_again, words_for


@sensitive_post_parameters("card", "pin")
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest) -> HttpResponse:
    """My card; a POST links one."""
    form = CardForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _link(request, form):
        messages.success(request, _("The card was linked."))
        return redirect("card:card")
    linked = linked_card(member(request))
    shown = None if linked is None or form.is_bound else overview(linked.token)
    if shown is None:
        gone = linked is not None and not form.is_bound
        context = {"form": form, "gone": gone}
        return render(request, "payments/link_card.html", context, status=422 if form.is_bound else 200)
    return render(request, "payments/card.html", _page(request, shown) | {"linked": linked})


@private_page
@require_safe
def another(request: HttpRequest) -> HttpResponse:
    """The form for a card that will stand in the place of the one linked now."""
    return render(request, "payments/link_card.html", {"form": CardForm()})


@private_page
@require_safe
def receipt(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One movement of my card."""
    linked = linked_card(member(request))
    shown = None if linked is None else overview(linked.token)
    line = None if shown is None else movement(shown.card, uuid)
    if line is None:
        raise Http404
    sent = Instruction.objects.filter(pk=uuid, account_id=shown.card.account_id).first() if shown else None
    context = {
        "line": line, "card": shown.card if shown else None, "sent": sent,
        "can_be_claimed": sent is not None and can_be_claimed(sent),
    }  # fmt: skip
    return render(request, "payments/movement.html", context)


@sensitive_variables("data")
def _link(request: HttpRequest, form: CardForm) -> MemberCard | None:
    """The linked card, or None with the reason in the form."""
    data = form.cleaned_data
    try:
        return link_card(user=member(request), number=data["card"], pin=data["pin"], address=client_address(request))
    except CardRefused as refused:
        # About the person, not about a typing mistake, once the PIN was right.
        form.add_error("card" if may_try_again(refused.code) else None, words_for(refused.code))
    except TooManyGuesses as full:
        when = f"{full.retry_at.astimezone(PYONGYANG):%H:%M}"
        form.add_error(None, _("Too many tries. Please try again after %(time)s.") % {"time": when})
    except NoAnswer:
        form.add_error(None, words_for("91"))
    return None


def _page(request: HttpRequest, shown: Overview) -> dict[str, object]:
    after = _uuid(request.GET.get("after", ""))
    lines = movements(shown.card, after=after)
    return {
        "shown": shown,
        "lines": lines[:PAGE],
        "next_url": f"?after={lines[PAGE - 1].id}#history" if len(lines) > PAGE else "",
        "first_url": "/card/#history" if after else "",
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
