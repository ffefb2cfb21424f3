"""Holding the order's goods and time a little longer."""

from django.http import Http404, HttpRequest, HttpResponse


def hold(request: HttpRequest, code: str) -> HttpResponse:
    raise Http404
