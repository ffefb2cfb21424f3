"""Hand out rendition files under /media/pictures/: as a middleware, so that no session, language or counter is asked.

In production nginx serves the same folder; this serves the demo and a shop without nginx.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

PREFIX = "/media/pictures/"
NAME = re.compile(r"[0-9a-f]{24}-[0-9]{2,4}\.(avif|webp|jpg)")
TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}


def serve_pictures(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], Any]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX):
            return picture_file(request, request.path_info[len(PREFIX) :])
        return get_response(request)

    return middleware


def picture_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """One rendition by its file name, for a year; 404 for every other name, path tricks included."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    known = NAME.fullmatch(name)
    if known is None:
        return _not_found()
    etag = f'"{name}"'  # the name is the content's digest
    if etag in request.headers.get("If-None-Match", ""):
        return _kept_for_a_year(HttpResponse(status=304), etag)
    try:
        file = default_storage.open(f"pictures/{name}")
    except FileNotFoundError:
        return _not_found()
    return _kept_for_a_year(FileResponse(file, content_type=TYPES[known[1]]), etag)


def _not_found() -> HttpResponse:
    return HttpResponse(status=404, headers={"Cache-Control": "no-store"}, content_type="text/plain")


def _kept_for_a_year(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["ETag"] = etag
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
