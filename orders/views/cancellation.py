"""Cancelling an order or one parcel of it."""

from django.http import Http404, HttpRequest, HttpResponse


def cancellation(request: HttpRequest, code: str) -> HttpResponse:
    raise Http404


def parcel_cancellation(request: HttpRequest, code: str, number: int) -> HttpResponse:
    raise Http404
