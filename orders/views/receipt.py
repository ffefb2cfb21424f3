"""The receipt."""

from django.http import Http404, HttpRequest, HttpResponse


def receipt(request: HttpRequest, code: str) -> HttpResponse:
    raise Http404
