"""Switching the language, both ways."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
OURS = {"HTTP_ORIGIN": "http://testserver"}


def test_both_ways(client: Client) -> None:
    assert 'lang="ko-KP"' in client.get("/about/").content.decode()
    response = client.post("/language/", {"language": "en", "next": "/about/"}, **OURS)
    assert (response.status_code, response.headers["Location"]) == (302, "/about/")
    assert list(response.cookies) == ["language"], "no session, no token"
    assert '<html lang="en">' in client.get("/about/").content.decode()
    client.post("/language/", {"language": "ko-kp", "next": "/about/"}, **OURS)
    assert 'lang="ko-KP"' in client.get("/about/").content.decode()


@pytest.mark.parametrize(
    ("accepted", "lang"), [("", "ko-KP"), ("ko", "ko-KP"), ("ko-KR", "ko-KP"), ("fr", "ko-KP"), ("en-GB", "en")]
)
def test_the_browsers_language_is_the_start(client: Client, accepted: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in client.get("/about/", HTTP_ACCEPT_LANGUAGE=accepted).content.decode()


@pytest.mark.parametrize("language", ["", "fr", "ko", "EN", "en\0", "../en", "x" * 1000])
def test_unknown_languages_change_nothing(client: Client, language: str) -> None:
    response = client.post("/language/", {"language": language}, **OURS)
    assert response.status_code == 302
    assert "language" not in response.cookies


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "", "x"])
def test_next_stays_in_the_shop(client: Client, target: str) -> None:
    response = client.post("/language/", {"language": "en", "next": target}, **OURS)
    assert response.headers["Location"] == "/"


def test_a_members_choice_is_remembered_with_them(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    for _ in range(2):
        client.post("/language/", {"language": "en"}, **OURS)
    user.refresh_from_db()
    assert user.language == "en"


def test_a_visitors_choice_reads_no_session(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        client.post("/language/", {"language": "en"}, **OURS)


def test_a_garbled_session_cookie_does_not_matter(client: Client) -> None:
    client.cookies["s"] = "garbage"
    assert client.post("/language/", {"language": "en"}, **OURS).status_code == 302
    assert not User.objects.exists()
