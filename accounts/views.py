from django.http import HttpRequest, HttpResponse


def join(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=501)


sign_in = sign_out = account = name = password = addresses = join


def address(request: HttpRequest, code: str) -> HttpResponse:
    return HttpResponse(status=501)


address_deletion = address_default = address
