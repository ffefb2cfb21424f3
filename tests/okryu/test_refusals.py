"""What is refused before a page is asked: methods, sizes, charsets."""

from io import BytesIO

import pytest
from django.test import Client, override_settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.okryu.frame_urls")]


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"])
@pytest.mark.parametrize("path", ["/frame/shared/", "/admin/", "/nothing-here/"])
def test_other_methods_are_refused(client: Client, method: str, path: str) -> None:
    answer = client.generic(method, path)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, POST"


def test_a_method_override_header_changes_nothing(client: Client) -> None:
    assert client.get("/frame/shared/", headers={"x-http-method-override": "DELETE"}).status_code == 200


def test_a_wrong_method_gets_a_page(client: Client) -> None:
    answer = client.get("/frame/post-only/", headers={"accept-language": "en"})
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "This address does not work that way" in answer.content.decode()


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣"])
def test_a_senseless_length_is_refused(client: Client, length: str) -> None:
    assert client.generic("POST", "/frame/post-only/", CONTENT_LENGTH=length).status_code == 400


@pytest.mark.parametrize("length", ["300000", "3000000", "100000000000000000000"])
def test_a_large_body_is_refused_unread(client: Client, length: str) -> None:
    unread = BytesIO(b"name=x")
    answer = client.generic("POST", "/frame/post-only/", CONTENT_LENGTH=length, **{"wsgi.input": unread})
    assert answer.status_code == 413
    assert unread.tell() == 0


@override_settings(UPLOAD_LIMIT_BYTES=2_000_000)
def test_the_admin_takes_pictures_up_to_the_upload_limit(client: Client) -> None:
    assert client.generic("POST", "/admin/login/", CONTENT_LENGTH="1999999").status_code != 413
    assert client.generic("POST", "/admin/login/", CONTENT_LENGTH="2000001").status_code == 413


def test_a_body_without_a_length_is_refused(client: Client) -> None:
    assert client.generic("POST", "/frame/post-only/", HTTP_TRANSFER_ENCODING="chunked").status_code == 411


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "idna", "zlib", "nonsense"])
@pytest.mark.parametrize("path", ["/frame/form/", "/admin/login/", "/nothing-here/"])
def test_a_form_in_another_charset_is_refused_with_a_page(charset: str, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/frame/form/")  # with a token's cookie, Django's own answer would be a failure
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = client.generic("POST", path, b"name=x", content_type=kind, headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert "This request could not be read" in answer.content.decode()


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8"])
def test_a_form_in_utf_8_is_read(client: Client, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = client.generic("POST", "/frame/post-only/", "name=랭면".encode(), content_type=kind)
    assert answer.content.decode() == "랭면"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"name=%FF", b"name=%ED%A0%80", b"name=%EB%82", b"a&&&=;=", b"name=%00"])
def test_broken_bytes_in_a_form_are_no_failure(client: Client, body: bytes) -> None:
    answer = client.generic("POST", "/frame/post-only/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/xml"]
)
def test_other_kinds_of_bodies_are_no_failure(client: Client, kind: str) -> None:
    assert client.generic("POST", "/frame/form/", b'{"a": [[[', content_type=kind).status_code in {200, 400}


@pytest.mark.parametrize(
    "path", ["/%ED%A0%80/", "/%FF/", "/frame/shared/?q=%FF", "/..%2f..%2fetc/", "/a%00b/", "//evil/"]
)
def test_broken_addresses_are_no_failure(client: Client, path: str) -> None:
    assert client.get(path).status_code < 500
