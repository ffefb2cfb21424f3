"""POSTs without a token: from our own pages, or after asking. The hostile half is what matters."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
HOME = "http://testserver"


def _post(client: Client, **headers: str) -> Any:
    return client.post("/language/", {"language": "en", "next": "/help/"}, **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": HOME},
        {"HTTP_REFERER": f"{HOME}/products/1/"},
        {"HTTP_ORIGIN": HOME, "HTTP_REFERER": "https://evil.example/"},
    ],
)
def test_from_our_pages_it_happens_at_once(headers: dict[str, str]) -> None:
    response = _post(Client(enforce_csrf_checks=True), **headers)
    assert response.status_code == 302
    assert response.cookies["language"].value == "en"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "https://testserver"},
        {"HTTP_ORIGIN": "http://testserver:8000"},
        {"HTTP_ORIGIN": "http://testserver.evil.example"},
        {"HTTP_ORIGIN": "http://evil.example/http://testserver"},
        {"HTTP_ORIGIN": "http://testserver@evil.example"},
        {"HTTP_ORIGIN": "null", "HTTP_REFERER": f"{HOME}/"},
        {"HTTP_ORIGIN": "https://evil.example", "HTTP_REFERER": f"{HOME}/"},
        {"HTTP_REFERER": "https://evil.example/?http://testserver/"},
        {"HTTP_REFERER": "testserver"},
        {"HTTP_REFERER": "http://[::1"},
        {"HTTP_REFERER": "http://testserver\\@evil.example/"},
        {"HTTP_ORIGIN": "https://evil.example", "HTTP_X_FORWARDED_HOST": "evil.example"},
    ],
)
def test_from_elsewhere_nothing_happens_before_asking(headers: dict[str, str]) -> None:
    response = _post(Client(enforce_csrf_checks=True), **headers)
    assert response.status_code == 403
    assert "language" not in response.cookies
    assert "no-store" in response.headers["Cache-Control"]
    page = response.content.decode()
    assert 'name="language" value="en"' in page
    assert 'name="next" value="/help/"' in page
    assert 'name="csrfmiddlewaretoken"' in page


def test_the_asking_page_goes_on_with_its_token() -> None:
    client = Client(enforce_csrf_checks=True)
    token = _post(client).context["csrf_token"]
    response = client.post("/language/", {"language": "en", "next": "/help/", "csrfmiddlewaretoken": str(token)})
    assert (response.status_code, response.headers["Location"]) == (302, "/help/")


def test_the_token_of_another_browser_is_worth_nothing() -> None:
    token = _post(Client(enforce_csrf_checks=True)).context["csrf_token"]
    victim = Client(enforce_csrf_checks=True)
    _post(victim)
    response = victim.post("/language/", {"language": "en", "csrfmiddlewaretoken": str(token)})
    assert response.status_code == 403
    assert "language" not in response.cookies


def test_what_was_sent_is_repeated_as_text() -> None:
    page = Client().post("/language/", {"language": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_only_post(client: Client) -> None:
    assert client.get("/language/").status_code == 405
    assert client.put("/language/").status_code == 405
