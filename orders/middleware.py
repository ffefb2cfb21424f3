"""The cart's figure after signing in: written where the answer is made, because the joining only sees the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from orders.cart import show_count


def cart_count_cookie(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set the readable cart cookie when `merge_on_sign_in` left a new figure on the request; touch nothing else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        pieces: int | None = getattr(request, "cart_count", None)
        if pieces is not None:
            show_count(request, response, pieces)
        return response

    return middleware
