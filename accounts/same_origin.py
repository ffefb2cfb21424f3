"""POSTs from pages that carry no CSRF token.

Pages that are the same bytes for everyone hold no token of anyone (rulings: cacheable pages). The few POSTs they send
are exempt from the token and guarded here instead: the browser's `Origin`, or else `Referer`, must be this
very host. Where neither says so (very old browsers, proxies that strip them, another site's form), nothing happens
yet: a small page asks the person, and its form carries the ordinary token.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, RejectRequest
from django.shortcuts import render
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

View = Callable[..., HttpResponse]


def same_origin_post(*, question: str | Promise, button: str | Promise) -> Callable[[View], View]:
    """Let a POST through when it comes from our own pages; otherwise ask `question` with `button` to go on."""

    def decorator(view: View) -> View:
        # The one exemption from CSRF tokens; the reason stands above, the hostile tests in tests/accounts/.
        @csrf_exempt
        @require_POST
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_same_origin(request) or _carries_token(request):
                return view(request, *args, **kwargs)
            return _ask(request, question=question, button=button)

        return guarded

    return decorator


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the browser says that this request comes from a page of this host."""
    ours = (request.scheme, request.get_host())
    origin = request.META.get("HTTP_ORIGIN")
    source = origin if origin is not None else request.META.get("HTTP_REFERER", "")
    try:
        parts = urlsplit(source)
    except ValueError:
        return False
    return (parts.scheme, parts.netloc) == ours


def _carries_token(request: HttpRequest) -> bool:
    """Whether the body repeats the secret of this browser's CSRF cookie, as only a form of ours can."""
    check = CsrfViewMiddleware(lambda request: HttpResponse())
    try:
        check._check_token(request)  # type: ignore[attr-defined]
    except RejectRequest:
        return False
    return True


@never_cache
def _ask(request: HttpRequest, *, question: str | Promise, button: str | Promise) -> HttpResponse:
    fields = [
        (name, value) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken" for value in values
    ]
    context = {"question": question, "button": button, "fields": fields}
    return render(request, "accounts/same_origin.html", context, status=403)
