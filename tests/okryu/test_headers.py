"""Security headers, and who may keep a page."""

import gzip

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.okryu.frame_urls")]


def test_a_page_allows_only_its_own_scripts_styles_and_forms(client: Client) -> None:
    policy = client.get("/frame/shared/")["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == rules["object-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["img-src"] == rules["form-action"] == "'self'"
    assert "unsafe" not in policy


def test_the_admin_has_a_wider_policy_but_its_desk_does_not(client: Client) -> None:
    assert "'unsafe-eval'" in client.get("/admin/login/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/admin/desk/")["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/frame/shared/", "/nothing-here/", "/frame/post-only/"])
def test_every_answer_carries_the_headers(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_a_shared_page_is_kept_by_the_browser_alone_and_asked_again(client: Client) -> None:
    answer = client.get("/frame/shared/")
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Accept-Language"} <= {word.strip() for word in answer["Vary"].split(",")}
    assert not answer.cookies


def test_a_page_that_read_the_session_is_kept_by_nobody(client: Client) -> None:
    assert client.get("/frame/personal/")["Cache-Control"] == "no-store, private"


def test_a_page_with_a_form_token_is_kept_by_nobody_also_the_second_time(client: Client) -> None:
    assert client.get("/frame/form/")["Cache-Control"] == "no-store, private"
    assert client.get("/frame/form/")["Cache-Control"] == "no-store, private"


def test_a_compressed_shared_page_answers_304(client: Client) -> None:
    first = client.get("/frame/shared/", headers={"accept-encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    assert "송달료금" in gzip.decompress(first.content).decode()
    again = client.get("/frame/shared/", headers={"accept-encoding": "gzip", "if-none-match": first["ETag"]})
    assert again.status_code == 304


def test_a_private_page_that_echoes_the_request_is_not_compressed(client: Client) -> None:
    zipped = {"accept-encoding": "gzip"}
    assert client.get("/frame/personal/", headers=zipped)["Content-Encoding"] == "gzip"
    assert not client.get("/frame/personal/?guess=1", headers=zipped).has_header("Content-Encoding")
    assert not client.post("/frame/form/", {"name": "guess"}, headers=zipped).has_header("Content-Encoding")
    assert client.get("/frame/shared/?guess=1", headers=zipped)["Content-Encoding"] == "gzip"
