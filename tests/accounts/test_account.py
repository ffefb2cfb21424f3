"""The member's own page, name and password."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from accounts.passwords import StaffLengthValidator
from tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
NEW = "green-river-12"


@pytest.fixture
def shopper() -> User:
    return UserFactory(phone="1912345678", language="en")


@pytest.fixture
def signed_in(shopper: User) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.post("/sign-in/", {"phone": shopper.phone, "password": PASSWORD})
    return client


@pytest.mark.parametrize("path", ["/account/", "/account/name/", "/account/password/", "/account/addresses/"])
def test_private_pages(signed_in: Client, path: str) -> None:
    page = signed_in.get(path)
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert "private" in page.headers["Cache-Control"]
    stranger = Client().get(path)
    assert stranger.headers["Location"] == f"/sign-in/?next={path}"
    assert signed_in.put(path).status_code == 405


def test_the_page_leads_everywhere(signed_in: Client) -> None:
    page = signed_in.get("/account/").content.decode()
    for href in ("/orders/", "/card/", "/account/addresses/", "/account/name/", "/account/password/", "/help/"):
        assert f'href="{href}"' in page
    assert 'action="/sign-out/"' in page
    assert 'action="/language/"' in page
    assert "191-234-5678" in page
    assert "/admin/" not in page


def test_the_name_can_be_corrected_before_the_first_purchase(signed_in: Client, shopper: User) -> None:
    assert signed_in.post("/account/name/", {"name": "김은정"}).status_code == 302
    assert signed_in.post("/account/name/", {"name": "김은정"}).status_code == 302
    shopper.refresh_from_db()
    assert shopper.name == "김은정"
    wrong = signed_in.post("/account/name/", {"name": "\u3164"})
    assert wrong.status_code == 422


def test_after_it_the_name_is_fixed(signed_in: Client, shopper: User) -> None:
    shopper.fix_name()
    shopper.fix_name()
    page = signed_in.post("/account/name/", {"name": "리영희"})
    assert page.status_code == 200
    assert "<form" not in page.content.decode().split("<main")[1].split("</main")[0]
    assert not shopper.rename("리영희")
    shopper.refresh_from_db()
    assert shopper.name == "김은주"


def _change(client: Client, present: str = PASSWORD, new: str = NEW) -> Any:
    return client.post("/account/password/", {"present": present, "new": new})


def test_a_new_password_ends_every_other_session(signed_in: Client, shopper: User) -> None:
    elsewhere = Client()
    elsewhere.post("/sign-in/", {"phone": shopper.phone, "password": PASSWORD})
    key = signed_in.cookies["s"].value
    assert _change(signed_in).headers["Location"] == "/account/"
    assert signed_in.get("/account/").status_code == 200
    assert signed_in.cookies["s"].value != key
    assert elsewhere.get("/account/").status_code == 302
    shopper.refresh_from_db()
    assert shopper.check_password(NEW)
    assert _change(signed_in).status_code == 422, "the same form again knows the present password no more"


def test_the_present_password_is_asked_for_and_counted(signed_in: Client, shopper: User) -> None:
    answers = [_change(signed_in, present="wrong-stream-7").status_code for _ in range(10)]
    assert answers == [422] * 10
    assert _change(signed_in).status_code == 429
    shopper.refresh_from_db()
    assert shopper.check_password(PASSWORD)


@pytest.mark.parametrize("new", ["short-7", "password", "1912345678", "okryu123"])
def test_weak_new_passwords(signed_in: Client, new: str) -> None:
    response = _change(signed_in, new=new)
    assert response.status_code == 422
    assert "new" in response.context["form"].errors


def test_staff_passwords_are_longer() -> None:
    validator = StaffLengthValidator()
    validator.validate("jade-stream-7", User())
    validator.validate("jade-stream-7")
    validator.validate("bureau-demo-stream-7", User(is_staff=True))
    with pytest.raises(ValidationError):
        validator.validate("jade-stream-77", User(is_staff=True))
    assert "15" in validator.get_help_text()


def test_staff_change_theirs_under_the_longer_rule() -> None:
    staff = StaffFactory()
    client = Client()
    client.post("/sign-in/", {"phone": staff.phone, "password": PASSWORD})
    assert client.get("/admin/password_change/").headers["Location"] == "/account/password/"
    assert _change(client, new="green-river-12").status_code == 422
    assert _change(client, new="green-river-and-sea").status_code == 302
