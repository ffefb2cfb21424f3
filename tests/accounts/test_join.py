import unicodedata
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
FORM = {"phone": "191-234-5678", "name": "김은주", "birth_year": "1990", "password": PASSWORD}


def _join(client: Client, **changes: Any) -> Any:
    return client.post("/join/", {**FORM, **changes}, HTTP_ACCEPT_LANGUAGE="en")


def test_a_resident_joins_and_is_signed_in(client: Client) -> None:
    response = _join(client)
    assert (response.status_code, response.headers["Location"]) == (302, "/account/")
    user = User.objects.get(phone="1912345678")
    assert (user.name, user.birth_year, user.language, user.is_staff) == ("김은주", 1990, "en", False)
    assert user.password != PASSWORD
    assert user.check_password(PASSWORD)
    assert "김은주" in client.get("/account/").content.decode()


def test_the_form_is_shown_and_not_stored(client: Client) -> None:
    response = client.get("/join/")
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert client.put("/join/").status_code == 405


def test_joining_twice_leads_to_signing_in(client: Client) -> None:
    _join(client)
    again = _join(Client(), password="another-stream-8")
    assert again.status_code == 422
    assert "Sign in with this number" in again.content.decode()
    assert User.objects.count() == 1
    assert User.objects.get().check_password(PASSWORD)


def test_the_same_form_sent_twice_joins_once_and_signs_in(client: Client) -> None:
    """The second copy carries the session from before the first was answered, or none."""
    other = Client()
    assert _join(client).status_code == 302
    again = _join(other)
    assert (again.status_code, again.headers["Location"]) == (302, "/account/")
    assert other.get("/account/").status_code == 200
    assert User.objects.count() == 1


def test_joining_is_no_second_place_to_guess_a_password(client: Client) -> None:
    _join(client)
    answers = [_join(Client(), password=f"another-stream-{number}").status_code for number in range(12)]
    assert set(answers) <= {422, 429}
    assert _join(Client()).status_code != 302, "the right password after too many wrong ones is not checked"


def test_a_member_has_no_second_joining(client: Client) -> None:
    client.force_login(UserFactory())
    assert client.get("/join/").status_code == 302


def test_where_to_go_next_is_kept(client: Client) -> None:
    assert 'value="/checkout/"' in client.get("/join/?next=/checkout/").content.decode()
    assert _join(client, next="/checkout/").headers["Location"] == "/checkout/"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("phone", "", "required"),
        ("phone", "191-234-567", "has 9"),
        ("phone", "+82 10-1234-5678", "domestic"),
        ("phone", "not a number", "digits only"),
        ("phone", "1912345678\0", "digits only"),
        ("name", "", "required"),
        ("name", "\u3164\u3164", "cannot be seen"),
        ("name", "김\u202e은주", "cannot be seen"),
        ("name", "김\u200b은주", "cannot be seen"),
        ("name", "김\0은주", "cannot be seen"),
        ("name", "김" * 61, "at most 60"),
        ("name", "<script>alert(1)</script>", "letters only"),
        ("birth_year", "", "required"),
        ("birth_year", "90", "four digits"),
        ("birth_year", "1_990", "four digits"),
        ("birth_year", "١٩٩٠", "four digits"),
        ("birth_year", "2999", "cannot be right"),
        ("birth_year", "1899", "cannot be right"),
        ("password", "", "required"),
        ("password", "short-7", "at least 8"),
        ("password", "password", "too common"),
        ("password", "8419375620", "entirely numeric"),
        ("password", "okryu123", "easy to guess"),
        ("password", "1912345678a", "too similar"),
        ("password", "x" * 129, "at most 128"),
    ],
)
def test_each_wrong_value_is_answered_at_its_field(client: Client, field: str, value: str, words: str) -> None:
    response = _join(client, **{field: value})
    assert response.status_code == 422
    assert words in str(response.context["form"].errors[field])
    assert not User.objects.exists()
    page = response.content.decode()
    assert f'id="id_{field}-error"' in page
    kept = {"phone": "191-234-5678", "name": "김은주", "birth_year": "1990"}
    kept.pop(field, None)
    assert all(f'value="{text}"' in page for text in kept.values()), "the rest of the input is kept"
    assert PASSWORD not in page


def test_input_is_shown_as_text(client: Client) -> None:
    page = _join(client, name='"><svg onload=alert(1)>').content.decode()
    assert "<svg onload" not in page


def test_decomposed_hangul_is_stored_composed(client: Client) -> None:
    _join(client, name=unicodedata.normalize("NFD", "김은주"))
    assert User.objects.get().name == "김은주"


def test_fields_nobody_offered_are_ignored(client: Client) -> None:
    _join(client, is_staff="on", is_superuser="on", is_active="", name_fixed_at="2026-01-01")
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_active, user.name_fixed_at) == (False, False, True, None)


def test_a_list_of_numbers_cannot_be_tried(client: Client) -> None:
    for number in range(60):
        UserFactory(phone=f"195{number:07d}")
        assert _join(Client(), phone=f"195{number:07d}", password="another-stream-8").status_code == 422
    response = _join(client, phone="1950000001")
    assert response.status_code == 429
    assert "Sign in with this number" not in response.content.decode()


def test_joining_needs_our_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/join/", FORM).status_code == 403
    assert not User.objects.exists()
