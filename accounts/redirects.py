"""Where to go next: only to pages of this shop."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

_LONGEST = 1000


def safe_next(request: HttpRequest, default: str) -> str:
    """The page named by `next` in the form or the address, when it is one of ours; otherwise `default`."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # A path of ours always begins with a slash; "orders/" would lead somewhere else from every page.
    plain = target.startswith(("/", f"{request.scheme}://")) and len(target) <= _LONGEST
    return target if ours and plain else default
