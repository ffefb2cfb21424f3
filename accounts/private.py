"""Pages for one member's eyes."""

from collections.abc import Callable
from typing import TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def private_page(view: View) -> View:
    """Only for who is signed in (others go to /sign-in/ and come back), and stored nowhere on the way."""
    return never_cache(login_required(view))


def member(request: HttpRequest) -> User:
    """The signed-in member of a private page, with its real type."""
    return cast(User, request.user)
