"""People of the bureau at their desks, for the tests of the desks' pages."""

from django.test import Client

from accounts.models import User
from catalog.models import Seller
from orders.models import SellerStaff
from orders.roles import ensure_roles
from tests.factories import StaffFactory

EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


def at_the_desk(role: str, *, seller: Seller | None = None, **facts: object) -> tuple[Client, User]:
    """Somebody with this role, signed in; with `seller` they answer for it."""
    person = StaffFactory(is_superuser=False, **facts)
    person.groups.add(ensure_roles()[role])
    if seller is not None:
        SellerStaff.objects.create(user=person, seller=seller)
    client = Client()
    client.force_login(person)
    return client, person
