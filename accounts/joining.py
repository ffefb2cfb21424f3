"""Becoming a member."""

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.residency import require_domestic_number


class NumberTaken(Exception):
    """Somebody has joined with this number."""


def join(*, phone: str, name: str, birth_year: int, password: str, language: str) -> User:
    """Make the member. `phone` is ten digits. Raises NumberTaken, NotResident.

    The unique constraint decides, not a look before: of two joins at the same moment one wins.
    """
    require_domestic_number(phone)
    try:
        with transaction.atomic():
            return User.objects.create_user(phone, password, name=name, birth_year=birth_year, language=language)
    except IntegrityError:
        raise NumberTaken from None
