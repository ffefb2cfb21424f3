"""Pages for the bureau's people, each for those with the right to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.private import private_page

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def staff_page(*permissions: str) -> Callable[[View], View]:
    """Only for staff who hold all `permissions` ("app.codename"); none named means any staff. Stored nowhere.

    Who is not signed in goes to /sign-in/ and comes back; everybody else gets the page "not open to you".
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.is_staff or not request.user.has_perms(permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return cast(View, private_page(guarded))

    return decorate
