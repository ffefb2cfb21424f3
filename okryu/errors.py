"""Error pages in the shop's look and in both languages, each with the telephone of the order desk.

The handlers read no form data, no session and, from 500 on, no database: whatever broke the request
must not break its answer. When even that fails, a fixed plain text answers.
"""

import logging
import sys
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, get_language_from_request, override
from django.utils.translation import gettext_lazy as _

from okryu.context import LANGUAGES
from okryu.logs import request_id

log = logging.getLogger(__name__)

TO_HOME = _("To the home page")


@dataclass(frozen=True)
class Words:
    """What one kind of error page says and where its button leads; an empty link means this page again."""

    title: str | Promise
    text: str | Promise
    button: str | Promise = TO_HOME
    link: str = "/"
    drawing: str = "stream"
    with_navigation: bool = True


PAGES = {
    400: Words(
        _("This request could not be read"),
        _("Something in it arrived broken. Please go back and send it once more."),
    ),
    403: Words(
        _("This page is not open to you"),
        _("It belongs to the staff, or to another member. Nothing was changed."),
    ),
    404: Words(
        _("This page does not exist"),
        _("The address may be mistyped, or the product is no longer sold."),
        drawing="search",
    ),
    405: Words(
        _("This address does not work that way"),
        _("It cannot be opened directly. Please use the buttons of the shop."),
    ),
    411: Words(_("This request could not be read"), _("It did not say how long it is, so it was not read.")),
    413: Words(_("That was too large"), _("What you sent is larger than this page takes, so it was not read.")),
    429: Words(
        _("Too many tries"),
        _("To keep guessers out, this page rests for a while. Please try again later."),
    ),
    500: Words(
        _("Something failed at our side"),
        _(
            "The failure is written down. Your cart and your orders are kept, "
            "and doing it again never orders twice and never pays twice."
        ),
        with_navigation=False,
    ),
    503: Words(
        _("The shop is busy right now"),
        _(
            "Your place is kept: what lies in your cart and what was set aside for you stays. "
            "Please try again in a moment; it never orders twice and never pays twice."
        ),
        _("Try again"),
        "",
        with_navigation=False,
    ),
}

# A form without our token, or with an old one.
OLD_FORM = Words(
    _("Please try again"),
    _(
        "This page stood open for too long, or it was sent from another place, so nothing was changed. "
        "Open it again and repeat the last step; cookies must be allowed for this."
    ),
    _("Open the page again"),
    "",
)


def error_page(request: HttpRequest, status: int, *, words: Words | None = None, **more: object) -> HttpResponse:
    """The page for `status`; `more` goes to the template, e.g. `retry_at`."""
    try:
        response = HttpResponse(_page(request, words or PAGES[status], more), status=status)
    except Exception:
        log.exception("The error page for %s failed.", status)
        return last_resort(status)
    response["Cache-Control"] = "no-store, private"
    return response


def _page(request: HttpRequest, words: Words, more: dict[str, object]) -> str:
    context = {"words": words, "link": words.link or _same_place(request), "order_desk": settings.ORDER_DESK_PHONE}
    with override(_language_of(request)):
        if words.with_navigation:
            return render_to_string("error.html", context | more, request)
        page_language = LANGUAGES.get(get_language() or "", LANGUAGES["ko-kp"])
        context |= {"page_language": page_language, "failure": request_id.get()}
        return render_to_string("error.html", context | more)


def _same_place(request: HttpRequest) -> str:
    """The page to open again: this one, or the one whose form was sent. The body is not read for it."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    source = request.headers.get("Referer", "")
    return source if url_has_allowed_host_and_scheme(source, allowed_hosts={request.get_host()}) else request.path


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, 403, words=OLD_FORM)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever was not expected; a database that is away or overrun is told apart, because waiting helps there."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return busy(request)
    return error_page(request, 500)


def busy(request: HttpRequest) -> HttpResponse:
    response = error_page(request, 503)
    response["Retry-After"] = "5"
    return response


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    response = error_page(request, 405)
    response["Allow"] = allowed
    return response


def too_many(request: HttpRequest, retry_at: datetime) -> HttpResponse:
    """The answer to a guesser, with the moment from which the next try counts."""
    response = error_page(request, 429, retry_at=retry_at)
    response["Retry-After"] = str(max(1, round((retry_at - timezone.now()).total_seconds())))
    return response


def last_resort(status: int) -> HttpResponse:
    """Fixed text that needs no template, no translation and no database."""
    digits = settings.ORDER_DESK_PHONE
    number = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    text = (
        "옥류: 지금은 이 페지를 보여드릴수 없습니다. 잠시후 다시 해보십시오. 두번 주문되거나 두번 지불되지 않습니다. "
        f"전화 {number}\n"
        "Okryu: this page cannot be shown right now. Please try again in a moment. "
        f"Nothing is ordered or paid twice. Telephone {number}\n"
    )
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store, private"
    return response


def _language_of(request: HttpRequest) -> str:
    """The request's language, also where the locale middleware has not run yet."""
    return getattr(request, "LANGUAGE_CODE", None) or get_language_from_request(request)
