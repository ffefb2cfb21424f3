"""Little pages that show one behaviour of the frame each; added to the shop's own addresses."""

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.http import require_POST

from okryu.urls import handler400, handler403, handler404, handler500, urlpatterns  # noqa: F401

LONG = "송달료금은 구역에 따라 다릅니다. " * 40


def shared(request: HttpRequest) -> HttpResponse:
    return HttpResponse(LONG)


def personal(request: HttpRequest) -> HttpResponse:
    request.session.get("cart")
    return HttpResponse(LONG)


def form(request: HttpRequest) -> HttpResponse:
    page = engines["django"].from_string("<form method=post>{% csrf_token %}{{ request.POST.name }}</form>" + LONG)
    return HttpResponse(page.render({}, request))


def framed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string('{% extends "base.html" %}').render({}, request))


def framed_personal(request: HttpRequest) -> HttpResponse:
    request.session.get("cart")
    return framed(request)


@require_POST
def tell(request: HttpRequest) -> HttpResponse:
    messages.success(request, request.POST["text"])
    return HttpResponse()


@require_POST
def post_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST.get("name", ""))


def failing(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


def overrun(request: HttpRequest) -> HttpResponse:
    raise OperationalError("canceling statement due to lock timeout")


urlpatterns = [
    *urlpatterns,
    path("frame/shared/", shared),
    path("frame/personal/", personal),
    path("frame/form/", form),
    path("frame/framed/", framed),
    path("frame/framed-personal/", framed_personal),
    path("frame/tell/", tell),
    path("frame/post-only/", post_only),
    path("frame/failing/", failing),
    path("frame/overrun/", overrun),
]
