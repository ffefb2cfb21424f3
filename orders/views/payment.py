"""The payment page: card number and PIN."""

from django.http import Http404, HttpRequest, HttpResponse


def payment(request: HttpRequest, code: str) -> HttpResponse:
    raise Http404
