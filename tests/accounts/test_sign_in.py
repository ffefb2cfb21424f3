from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import perf_counter
from typing import Any
from unittest import mock

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Guess, User
from tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
NUMBER = "1912345678"


@pytest.fixture
def shopper() -> User:
    return UserFactory(phone=NUMBER, language="en")


def _sign_in(client: Client, phone: str = "191-234-5678", password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/sign-in/", {"phone": phone, "password": password, **more}, HTTP_ACCEPT_LANGUAGE="en")


def test_a_member_signs_in_with_any_spelling(client: Client, shopper: User) -> None:
    for spelling in ("191-234-5678", "+850 191 234 5678", "１９１２３４５６７８"):
        response = _sign_in(Client(), phone=spelling)
        assert (response.status_code, response.headers["Location"]) == (302, "/account/")


def test_the_session_gets_a_new_key(client: Client, shopper: User) -> None:
    client.get("/sign-in/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["s"] = session.session_key
    _sign_in(client)
    assert client.cookies["s"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_unknown_number_and_wrong_password_read_the_same(client: Client, shopper: User) -> None:
    wrong = _sign_in(client, password="wrong-stream-7")
    unknown = _sign_in(client, phone="195-000-0000", password="wrong-stream-7")
    closed = UserFactory(phone="1950000001", is_active=False)
    inactive = _sign_in(client, phone=closed.phone)
    pages = [
        response.content.decode().replace(number, "N")
        for response, number in [(wrong, "191-234-5678"), (unknown, "195-000-0000"), (inactive, closed.phone)]
    ]
    assert {wrong.status_code, unknown.status_code, inactive.status_code} == {422}
    errors = {str(response.context["form"].non_field_errors()) for response in (wrong, unknown, inactive)}
    assert len(errors) == 1
    assert all("do not belong together" in page for page in pages)


def test_unknown_number_and_wrong_password_take_the_same_time(client: Client, shopper: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    shopper.set_password(PASSWORD)
    shopper.save()

    def seconds(phone: str) -> float:
        begin = perf_counter()
        _sign_in(client, phone=phone, password="wrong-stream-7")
        return perf_counter() - begin

    pairs = [(seconds(NUMBER), seconds(f"195000000{number}")) for number in range(7)]
    known, unknown = (min(times) for times in zip(*pairs, strict=True))  # the least disturbed
    assert 0.6 < known / unknown < 1.7


def test_input_is_kept_but_never_the_password(client: Client, shopper: User) -> None:
    page = _sign_in(client, password="wrong-stream-7").content.decode()
    assert 'value="191-234-5678"' in page
    assert "wrong-stream-7" not in page


@pytest.mark.parametrize(
    ("field", "value"), [("phone", ""), ("phone", "abc"), ("password", ""), ("password", "x" * 129)]
)
def test_wrong_shapes_are_answered_without_counting(client: Client, shopper: User, field: str, value: str) -> None:
    response = _sign_in(client, **{field: value})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Guess.objects.exists()


def test_wrong_methods(client: Client) -> None:
    assert client.delete("/sign-in/").status_code == 405
    assert client.get("/sign-out/").status_code == 405
    assert client.head("/sign-in/").status_code == 200


def test_the_eleventh_guess_is_not_checked_even_if_right(client: Client, shopper: User) -> None:
    for _ in range(10):
        assert _sign_in(client, password="wrong-stream-7").status_code == 422
    response = _sign_in(client)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 901
    assert "Too many tries" in response.content.decode()
    Guess.objects.update(since=timezone.now() - timedelta(minutes=16))
    assert _sign_in(client).status_code == 302, "later the owner gets in"


def test_unknown_numbers_are_limited_alike(client: Client) -> None:
    answers = [_sign_in(client, phone="1950000000", password="wrong-stream-7").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_a_stranger_does_not_lock_the_owner_out(client: Client, shopper: User) -> None:
    _sign_in(client)
    client.post("/sign-out/")
    stranger = Client()
    while _sign_in(stranger, password="wrong-stream-7").status_code != 429:
        pass
    assert _sign_in(Client()).status_code == 429, "the number rests for everyone else"
    assert _sign_in(client).status_code == 302, "but not on the owner's telephone"


def test_a_known_device_has_ten_guesses_of_its_own_and_only_at_its_number(client: Client, shopper: User) -> None:
    _sign_in(client)
    client.post("/sign-out/")
    answers = [_sign_in(client, password="wrong-stream-7").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    other = UserFactory(phone="1950000001")
    for _ in range(10):
        _sign_in(Client(), phone=other.phone, password="wrong-stream-7")
    assert _sign_in(client, phone=other.phone).status_code == 429


@pytest.mark.parametrize("cookie", ["", ".", "x", "mark." + "0" * 32, "м.ж".encode().decode("latin-1"), "x" * 3000])
def test_a_made_up_device_is_not_known(client: Client, shopper: User, cookie: str) -> None:
    for number in range(11):
        client.cookies["d"] = cookie
        assert _sign_in(client, password="wrong-stream-7").status_code == (422 if number < 10 else 429)


@pytest.mark.django_db(transaction=True)
def test_twenty_passwords_at_once_are_ten_checks(shopper: User) -> None:
    start = Barrier(20)

    def guess(number: int) -> int:
        try:
            start.wait(timeout=20)
            return int(_sign_in(Client(), password=f"wrong-stream-{number}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(guess, range(20)))
    assert answers == [422] * 10 + [429] * 10


def test_a_right_password_forgets_the_wrong_ones(client: Client, shopper: User) -> None:
    for _ in range(9):
        _sign_in(client, password="wrong-stream-7")
    assert _sign_in(Client()).status_code == 302
    assert all(_sign_in(Client(), password="wrong-stream-7").status_code == 422 for _ in range(10))


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "%2f%2fevil.example",
        "javascript:alert(1)",
        "\x00/orders/",
        "///evil.example",
        "http://testserver@evil.example/",
        "orders/",
        "/" + "x" * 2000,
    ],
)
def test_next_leads_nowhere_else(client: Client, shopper: User, target: str) -> None:
    assert _sign_in(client, next=target).headers["Location"] == "/account/"


def test_next_leads_on(client: Client, shopper: User) -> None:
    assert _sign_in(client, next="/orders/?after=3").headers["Location"] == "/orders/?after=3"


def test_who_is_signed_in_goes_on(client: Client, shopper: User) -> None:
    _sign_in(client)
    assert client.get("/sign-in/?next=/orders/").headers["Location"] == "/orders/"


def test_the_members_language_is_remembered(client: Client, shopper: User) -> None:
    assert _sign_in(client).cookies["language"].value == "en"
    client.cookies["language"] = "ko-kp"
    assert "language" not in _sign_in(client).cookies


def test_other_apps_are_called_after_signing_in(client: Client, shopper: User, settings: Any) -> None:
    settings.AFTER_SIGN_IN = ["tests.accounts.test_sign_in.after_sign_in"]
    with mock.patch("tests.accounts.test_sign_in.after_sign_in") as called:
        _sign_in(client, password="wrong-stream-7")
        called.assert_not_called()
        _sign_in(client)
    request, user = called.call_args.args
    assert user == shopper
    assert request.user == shopper


def after_sign_in(request: Any, user: User) -> None:
    """Stands in for what orders does."""


def test_signing_out_ends_the_session(client: Client, shopper: User) -> None:
    _sign_in(client)
    stolen = client.cookies["s"].value
    response = client.post("/sign-out/")
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = Client()
    thief.cookies["s"] = stolen
    assert thief.get("/account/").headers["Location"] == "/sign-in/?next=/account/"
    assert client.post("/sign-out/").status_code == 302, "signing out twice is no error"


def test_signing_out_needs_our_token(shopper: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(shopper)
    assert strict.post("/sign-out/").status_code == 403
    assert strict.get("/account/").status_code == 200


def test_staff_sign_in_at_the_same_page(client: Client) -> None:
    StaffFactory(phone="1939000001")
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2F"
    response = _sign_in(client, phone="193-900-0001", next="/admin/")
    assert response.headers["Location"] == "/admin/"


def test_the_admins_own_login_checks_no_password(client: Client) -> None:
    StaffFactory(phone="1939000001")
    response = client.post("/admin/login/", {"username": "1939000001", "password": PASSWORD})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")
    assert client.get("/account/").status_code == 302


def test_a_member_is_told_that_admin_is_for_staff(client: Client, shopper: User) -> None:
    _sign_in(client)
    assert client.get("/admin/", follow=True).status_code == 403
