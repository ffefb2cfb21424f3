"""The staff desks' frame: who sees which desk, and what a desk's page may do."""

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.staff import staff_page
from okryu.desk import DESKS
from orders.roles import ROLES, ensure_roles
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def staff(role: str | None = None, **more):
    person = UserFactory(is_staff=True, **more)
    if role:
        person.groups.add(ensure_roles()[role])
    return person


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_index_is_for_staff(client: Client) -> None:
    assert client.get("/admin/desk/").headers["Location"] == "/sign-in/?next=/admin/desk/"
    assert signed_in(UserFactory()).get("/admin/desk/").status_code == 403
    assert signed_in(staff()).post("/admin/desk/").status_code == 405


def test_a_desk_page_is_stored_nowhere_and_runs_no_script_but_ours(client: Client) -> None:
    response = signed_in(staff(is_superuser=True)).get("/admin/desk/")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("language", ["ko-kp", "en"])
@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_desks_and_no_others(role: str, language: str) -> None:
    client = signed_in(staff(role))
    client.cookies["language"] = language
    page = client.get("/admin/desk/").content.decode()
    home = client.get("/admin/").content.decode()
    for desk in DESKS:
        assert (f'href="{desk.url}"' in page) == (desk.permission in ROLES[role])
        assert (f'href="{desk.url}"' in home) == (desk.permission in ROLES[role])
        assert client.get(desk.url).status_code == (200 if desk.permission in ROLES[role] else 403)


def test_the_admins_sidebar_lists_what_the_person_may_see() -> None:
    page = signed_in(staff("courier")).get("/admin/").content.decode()
    assert "/admin/orders/parcel/" in page
    assert "/admin/payments/transfer/" not in page


def test_every_desk_names_a_right_that_exists() -> None:
    for desk in DESKS:
        app, codename = desk.permission.split(".")
        assert Permission.objects.filter(content_type__app_label=app, codename=codename).exists()


def test_all_named_rights_are_needed() -> None:
    @staff_page("payments.view_message", "payments.view_transfer")
    def view(request):
        return HttpResponse("ok")

    request = RequestFactory().get("/admin/desk/x/")
    request.user = staff()
    request.user.user_permissions.add(Permission.objects.get(codename="view_message"))
    with pytest.raises(PermissionDenied):
        view(request)
    request.user = type(request.user).objects.get(pk=request.user.pk)  # rights are kept with the object
    request.user.user_permissions.add(Permission.objects.get(codename="view_transfer"))
    assert view(request).content == b"ok"
