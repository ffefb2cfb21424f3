"""Changing a password, and what one must be beyond Django's own validators."""

from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.client import client_address
from accounts.guesses import count_guess, forget_guesses
from accounts.models import User
from accounts.signing_in import WrongPassword

KIND = "password-change"


def change_password(request: HttpRequest, *, user: User, present: str, new: str) -> None:
    """Change it after the present one was shown; every other session of this member ends at once.

    Raises TooManyGuesses (nothing was checked) or WrongPassword.
    """
    address = client_address(request)
    count_guess(kind=KIND, name=user.phone, address=address)
    if not user.check_password(present):
        raise WrongPassword
    forget_guesses(kind=KIND, name=user.phone, address=address)
    user.set_password(new)
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)


class StaffLengthValidator:
    """People of the bureau need a longer password: they see everyone's orders."""

    def __init__(self, min_length: int = 15) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: User | None = None) -> None:
        if user is not None and user.is_staff and len(password) < self.min_length:
            raise ValidationError(
                _("Staff passwords have at least %(min_length)d characters."),
                code="staff_too_short",
                params={"min_length": self.min_length},
            )

    def get_help_text(self) -> str:
        return _("Staff passwords have at least %(min_length)d characters.") % {"min_length": self.min_length}


class ContextWordValidator:
    """The shop's own words are what everyone tries first."""

    WORDS = ("okryugwan", "okryu", "pyongyang", "옥류관", "옥류", "평양", "조선")
    BEYOND = 4  # characters that must be left without them

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.casefold()
        for word in self.WORDS:
            rest = rest.replace(word, "")
        if len(rest) < self.BEYOND:
            raise ValidationError(_("This password is too easy to guess here."), code="context_word")

    def get_help_text(self) -> str:
        return _("The password is not made of the shop's or the city's name.")
