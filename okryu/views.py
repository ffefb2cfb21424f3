"""Pages of no single app: errors, language, help."""

from django.http import HttpRequest, HttpResponse


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse(status=403)


def help_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=501)


about = language = robots = help_page
