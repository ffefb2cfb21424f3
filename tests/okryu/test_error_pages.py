"""Error pages: the shop's look, both languages, the order desk's telephone, nothing told of the inside."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from okryu import errors

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.okryu.frame_urls")]
ORDER_DESK = "191-900-0002"


@pytest.fixture
def web(client: Client) -> Client:
    """A browser: failures come back as pages."""
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("status", sorted(errors.PAGES))
@pytest.mark.parametrize(("language", "tag"), [("ko-KP", "ko-KP"), ("en", "en")])
def test_each_page_stands_in_both_languages(rf: RequestFactory, status: int, language: str, tag: str) -> None:
    answer = errors.error_page(rf.get("/x/", headers={"accept-language": language}), status)
    page = answer.content.decode()
    assert answer.status_code == status
    assert f'<html lang="{tag}">' in page
    assert ORDER_DESK in page
    assert page.count("<h1>") == 1
    assert answer["Cache-Control"] == "no-store, private"
    title = {
        400: "요청을",
        403: "이 페지는",
        404: "없는",
        405: "주소",
        411: "요청",
        413: "너무",
        429: "시도",
        500: "우리",
        503: "주문",
    }
    assert (title[status] in page) == (tag == "ko-KP")


def test_an_unknown_address_is_not_found(web: Client) -> None:
    answer = web.get("/nothing-here/", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


def test_the_language_cookie_rules_error_pages_too(web: Client) -> None:
    web.cookies["language"] = "en"
    assert "This page does not exist" in web.get("/nothing-here/").content.decode()
    assert "This address does not work that way" in web.put("/nothing-here/").content.decode()


def test_a_failure_says_its_number_and_no_detail(web: Client) -> None:
    answer = web.get("/frame/failing/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "secret detail" not in page
    assert "RuntimeError" not in page
    assert "잘못의 번호" in page


def test_a_failure_asks_no_database(web: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        web.get("/frame/failing/")


def test_an_overrun_database_is_told_as_busy(web: Client) -> None:
    answer = web.get("/frame/overrun/", headers={"accept-language": "en"})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Your place is kept" in answer.content.decode()


def test_a_form_without_its_token_gets_a_page_that_leads_back() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/frame/form/", {"name": "x"}, headers={"accept-language": "en"})
    assert answer.status_code == 403
    assert 'href="/frame/form/"' in answer.content.decode()
    headers = {"referer": "http://testserver/frame/framed/?a=1"}
    assert 'href="http://testserver/frame/framed/?a=1"' in client.post("/frame/form/", headers=headers).content.decode()
    headers = {"referer": "http://evil.example/"}
    assert "evil.example" not in client.post("/frame/form/", headers=headers).content.decode()
    assert "nothing was changed" in answer.content.decode()


def test_too_many_tries_say_when_the_next_one_counts(rf: RequestFactory) -> None:
    answer = errors.too_many(rf.get("/sign-in/"), timezone.now() + timedelta(minutes=5))
    assert answer.status_code == 429
    assert 295 <= int(answer["Retry-After"]) <= 300


def test_when_the_error_page_fails_a_fixed_text_answers(rf: RequestFactory) -> None:
    with patch("okryu.errors.render_to_string", side_effect=RuntimeError("broken template")):
        answer = errors.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert ORDER_DESK in answer.content.decode()
    assert "broken template" not in answer.content.decode()


def test_an_error_page_never_reads_the_form(rf: RequestFactory) -> None:
    request: HttpRequest = rf.post("/x/", {"name": "x"})
    with patch.object(type(request), "POST", property(lambda _: pytest.fail("read the form"))):
        for status in errors.PAGES:
            assert errors.error_page(request, status).status_code == status
