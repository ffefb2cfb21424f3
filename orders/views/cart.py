"""The cart page and its lines."""

from django.http import Http404, HttpRequest, HttpResponse


def cart(request: HttpRequest) -> HttpResponse:
    raise Http404


def cart_lines(request: HttpRequest) -> HttpResponse:
    raise Http404


def cart_line(request: HttpRequest, line_id: int) -> HttpResponse:
    raise Http404
