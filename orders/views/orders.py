"""A member's orders, newest first."""

from django.http import Http404, HttpRequest, HttpResponse


def orders(request: HttpRequest) -> HttpResponse:
    raise Http404
