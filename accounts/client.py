"""Where a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's network address: an IPv4 address, or the /64 an IPv6 customer owns as a whole.

    Behind a proxy (`BEHIND_PROXY`) it is the last entry of X-Forwarded-For, the one our own proxy wrote; whatever a
    client puts before it is ignored. Without one the header is not read at all.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip() or text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"  # a unix socket, or a proxy that writes no address: all of them share one counter
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
