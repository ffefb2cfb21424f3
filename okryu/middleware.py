"""Middleware: refusals before anything is read, security headers on every answer."""

import codecs
import re
import secrets
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

from okryu import errors
from okryu.logs import request_id

GetResponse = Callable[[HttpRequest], HttpResponse]

METHODS = "GET, HEAD, POST"
# Everywhere else a form has no files, and its whole body fits the form limit.
UPLOAD_PATHS = ("/admin/",)
IMPORT_PATH = "/admin/desk/catalogue/"  # whole catalogues come in here
RETURN_PATH = re.compile(r"/orders/[-\w]{1,20}/parcels/[0-9]{1,5}/return/", re.ASCII)  # with a photograph
# Django's admin hands the filters of an address on unread: PostgreSQL takes no NUL, a date no year of many digits.
BROKEN_FILTER = re.compile(r"%00|__(year|month|day)=[^&]*[0-9]{5}")
PERMISSIONS_POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


def name_requests(get_response: GetResponse) -> GetResponse:
    """Gives each request a short random name that its log lines and its failure page share."""

    def middleware(request: HttpRequest) -> HttpResponse:
        token = request_id.set(secrets.token_hex(4))
        try:
            return get_response(request)
        finally:
            request_id.reset(token)

    return middleware


def refuse_unsafe_requests(get_response: GetResponse) -> GetResponse:
    """Answers what no page takes before a byte of the body is read, and gives empty 405 answers a page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS.split(", "):
            return errors.method_not_allowed(request, METHODS)
        if status := _refused(request):
            return errors.error_page(request, status)
        response = get_response(request)
        if response.status_code == 405 and not response.streaming and not response.content:
            return errors.method_not_allowed(request, response.get("Allow", METHODS))
        return response

    return middleware


def _refused(request: HttpRequest) -> int | None:
    """The status that refuses this request unread, or None."""
    if request.path_info.startswith("/admin/") and BROKEN_FILTER.search(request.META.get("QUERY_STRING", "")):
        return 400
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        return 411
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        return 400
    if len(length) > 12 or int(length) > _limit(request.path_info):
        return 413
    # Forms are UTF-8. Django would read this one in its own charset, or fail while reading it.
    charset = (request.content_params or {}).get("charset", "utf-8")
    try:
        return None if codecs.lookup(charset).name == "utf-8" else 400
    except (LookupError, ValueError):
        return 400


def _limit(path: str) -> int:
    if path == IMPORT_PATH:
        return settings.IMPORT_LIMIT_BYTES
    if RETURN_PATH.fullmatch(path):
        return settings.RETURN_LIMIT_BYTES
    return settings.UPLOAD_LIMIT_BYTES if path.startswith(UPLOAD_PATHS) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def security_headers(get_response: GetResponse) -> GetResponse:
    """What a browser may do with a page, and who may keep it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", _content_policy(request))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        _say_who_may_keep(request, response)
        return response

    return middleware


def _content_policy(request: HttpRequest) -> str:
    path = request.path_info
    admin = path.startswith("/admin/") and not path.startswith("/admin/desk/")
    return settings.ADMIN_CONTENT_SECURITY_POLICY if admin else settings.CONTENT_SECURITY_POLICY


def _say_who_may_keep(request: HttpRequest, response: HttpResponse) -> None:
    """Pages differ by language and district, both cookies; one that knows a visitor is kept by nobody."""
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    session = getattr(request, "session", None)
    if response.cookies or (session is not None and session.accessed):
        if "no-store" not in response.get("Cache-Control", ""):
            response["Cache-Control"] = "no-store, private"
    else:
        response.headers.setdefault("Cache-Control", "private, no-cache")


def answer_when_busy(get_response: GetResponse) -> GetResponse:
    """A database that is away, overrun or waiting for a lock gets a page that says what is kept."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            errors.log.error("Answered as busy: %s %s", request.path, exception)
            return errors.busy(request)
        return None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


class CompressWhereSafe(GZipMiddleware):
    """Compresses pages, except private ones that echo what the request said.

    There the length would tell whether a guess in the request equals a secret on the page (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        private = "no-store" in response.get("Cache-Control", "") or bool(response.cookies)
        session = getattr(request, "session", None)
        if (private or (session is not None and session.accessed)) and (request.GET or request.method == "POST"):
            return response
        return super().process_response(request, response)
