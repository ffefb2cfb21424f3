"""The order's one page: what happened, at any moment."""

from django.http import Http404, HttpRequest, HttpResponse


def order(request: HttpRequest, code: str) -> HttpResponse:
    raise Http404
