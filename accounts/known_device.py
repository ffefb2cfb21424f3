"""Telephones and computers a member has signed in from before.

Somebody who tries a stranger's number uses up that number's guesses. The owner must get in all the same: a
device that has signed in with this number once counts its guesses by itself. It holds a random mark and a keyed
digest of mark and number: it names nobody, lets nobody in, and is worth nothing for another number.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

_LIFE_SECONDS = 365 * 24 * 3600
_MARK_BYTES = 9


def counted_name(request: HttpRequest, phone: str) -> str:
    """The name to count guesses at `phone` under: the number, or the number at this known device."""
    mark, _, digest = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "").partition(".")
    known = mark and constant_time_compare(digest, _digest(mark, phone))
    return f"{phone} at {mark}" if known else phone


def remember_device(response: HttpResponse, phone: str) -> None:
    """After a right password: this device is known for `phone` from now on."""
    mark = secrets.token_urlsafe(_MARK_BYTES)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        f"{mark}.{_digest(mark, phone)}",
        max_age=_LIFE_SECONDS,
        secure=settings.TLS,
        httponly=True,
        samesite="Lax",
    )


def _digest(mark: str, phone: str) -> str:
    return salted_hmac("accounts.known_device", f"{mark} {phone}", algorithm="sha256").hexdigest()[:32]
