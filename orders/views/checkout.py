"""The checkout: one page, one POST that places the order."""

from django.http import Http404, HttpRequest, HttpResponse


def checkout(request: HttpRequest) -> HttpResponse:
    raise Http404
