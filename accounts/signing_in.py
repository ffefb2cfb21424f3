"""Signing in and out: guesses counted before the check, a new session, what other apps do on it."""

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest
from django.utils.module_loading import import_string

from accounts import sessions
from accounts.client import client_address
from accounts.guesses import count_guess, forget_guesses
from accounts.known_device import counted_name
from accounts.models import User

KIND = "sign-in"


class WrongPassword(Exception):
    """The number is unknown, the account is closed or the password is wrong: one answer and one time for all."""


def sign_in(request: HttpRequest, *, phone: str, password: str) -> User:
    """Check the password and begin a session. Raises TooManyGuesses (nothing was checked) or WrongPassword.

    Django's backend runs the hasher for unknown numbers too, so the time tells nothing.
    """
    name, address = counted_name(request, phone), client_address(request)
    count_guess(kind=KIND, name=name, address=address)
    user = authenticate(request, username=phone, password=password)
    if not isinstance(user, User):
        raise WrongPassword
    forget_guesses(kind=KIND, name=name, address=address)
    begin_session(request, user)
    return user


def begin_session(request: HttpRequest, user: User) -> None:
    """A session under a new key for `user`, then what `settings.AFTER_SIGN_IN` names, as (request, user).

    The list is how orders merges the visitor's cart: accounts lies below orders and may not import it.
    """
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    sessions.begin(request, user)
    for path in settings.AFTER_SIGN_IN:
        import_string(path)(request, user)


def sign_out(request: HttpRequest) -> None:
    """End this session; its row is deleted, so a copy of the cookie opens nothing."""
    logout(request)
