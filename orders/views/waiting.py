"""The money desk for what the card network has not answered, or has refused: /admin/desk/money/waiting/."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.private import member
from accounts.staff import staff_page
from okryu.money import format_won
from orders import healing, parcels, refunds
from orders import waiting as reading
from orders.models import Parcel
from payments.gateway import APPROVED, NoAnswer
from payments.models import Message

PERMISSION = "payments.ask_network"
HERE = "orders:waiting"


@require_safe
@staff_page(PERMISSION)
def waiting(request: HttpRequest) -> HttpResponse:
    after = _key(request.GET.get("after", ""))
    found = reading.unanswered(after=after)
    refused = [] if after else reading.refused_captures()
    context = {
        "waiting": found,
        "rows": [(question, deed(question.message)) for question in found.questions],
        "refused": [(parcel, reading.refusal_words(parcel)) for parcel in refused],
        "refunds": [(each, deed(each)) for each in ([] if after else reading.refused_refunds())],
        "releases": [(each, deed(each)) for each in ([] if after else reading.refused_releases())],
        "now": timezone.now(),
        "alert_minutes": reading.ALERT_AFTER.seconds // 60,
        "is_first": after is None,
        "next_url": f"?after={found.next_key}" if found.next_key else "",
    }
    return render(request, "desk/waiting.html", context)


@require_POST
@staff_page(PERMISSION)
def tries(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask one question again now. The network answers the same to the same question: a repeat moves nothing."""
    message = get_object_or_404(Message.objects.select_related("payment"), pk=key)
    try:
        healing.ask_now(message)
    except NoAnswer:
        messages.warning(request, _("The network still does not answer. It is asked again by itself; nothing is lost."))
    except healing.NoOrder:
        messages.error(request, _("This order does not exist. Nothing was asked; tell the administrator its number."))
    else:
        message.refresh_from_db()
        _say_answer(request, message)
    return redirect(HERE)


def _say_answer(request: HttpRequest, message: Message) -> None:
    words = {"deed": deed(message), "code": message.code}
    if message.code is None:
        messages.info(request, _("Somebody is asking this very question just now: %(deed)s.") % words)
    elif message.code == APPROVED:
        messages.success(request, _("Answered: %(deed)s. Done.") % words)
    else:
        messages.success(request, _("Answered: %(deed)s. Refused with code %(code)s; the order says so.") % words)


@require_POST
@staff_page(PERMISSION)
def capture(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Ask once more for the money of a parcel whose capture was refused."""
    parcel = get_object_or_404(Parcel, order__code=code, number=number)
    if parcel.captured_at is None:
        if not parcel.events.filter(kind="capture_refused").exists():
            raise Http404
        try:
            parcel = parcels.take_payment(order_code=code, number=number, by=None)
        except parcels.Refused as refused:
            messages.error(request, str(refused))
            return redirect(HERE)
    if parcel.captured_at:
        messages.success(request, _("The money of this parcel is taken."))
    else:
        messages.warning(request, _("The money is not taken. This list says why."))
    return redirect(HERE)


@require_POST
@staff_page(PERMISSION)
def refund(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask once more for a refund that was refused, for what of it is left."""
    try:
        asked = refunds.ask_refund_anew(message_id=key, by=member(request))
    except Message.DoesNotExist:
        raise Http404 from None
    except parcels.Refused as refused:
        messages.error(request, str(refused.reason))
        return redirect(HERE)
    _say_answer(request, asked)
    return redirect(HERE)


def deed(message: Message) -> str:
    """What the question asks for, in a sentence of staff."""
    amount = format_won(message.amount, get_language() or "ko-kp")
    return str(reading.DEEDS[message.verb]) % {"amount": amount, "parcel": message.parcel}


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
