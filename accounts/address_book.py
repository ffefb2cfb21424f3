"""A member's address book. Exactly one entry is the usual one, as long as there is any."""

from typing import Any

from django.db import transaction

from accounts.models import Address, User

LIMIT = 20  # entries of one member


class AddressBookFull(Exception):
    """The member has LIMIT addresses already."""


def add_address(*, user: User, fields: dict[str, Any]) -> Address:
    """Write `fields` (as AddressForm cleans them) as a new entry; the first one is the usual one.

    The same entry twice is one entry: a form sent twice adds nothing. Raises AddressBookFull.
    """
    with transaction.atomic():
        _lock(user)
        entries = Address.objects.filter(user=user)
        if (same := entries.filter(**fields).first()) is not None:
            return same
        if entries.count() >= LIMIT:
            raise AddressBookFull
        return entries.create(user=user, is_default=not entries.filter(is_default=True).exists(), **fields)


def change_address(address: Address, *, fields: dict[str, Any]) -> None:
    """Write `fields` into the entry. Raises Address.DoesNotExist when it was deleted meanwhile."""
    with transaction.atomic():
        _lock(address.user)
        if not Address.objects.filter(pk=address.pk).update(**fields):
            raise Address.DoesNotExist


def make_default(address: Address) -> None:
    """Make this entry the usual one. Raises Address.DoesNotExist when it was deleted meanwhile."""
    with transaction.atomic():
        _lock(address.user)
        if not Address.objects.filter(pk=address.pk).exists():
            raise Address.DoesNotExist
        Address.objects.filter(user=address.user, is_default=True).exclude(pk=address.pk).update(is_default=False)
        Address.objects.filter(pk=address.pk).update(is_default=True)


def delete_address(address: Address) -> None:
    """Delete the entry; if it was the usual one, the newest of the rest becomes it. Orders keep their copy."""
    with transaction.atomic():
        _lock(address.user)
        address.delete()
        entries = Address.objects.filter(user=address.user)
        if not entries.filter(is_default=True).exists() and (newest := entries.order_by("-id").first()):
            Address.objects.filter(pk=newest.pk).update(is_default=True)


def _lock(user: User) -> None:
    """One change of a member's book at a time; "no key" lets orders of the same member go on."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
