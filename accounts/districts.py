"""The district a visitor looks at the shop from: a plain cookie, checked against the list."""

from typing import cast

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from accounts.models import District


def chosen_district(request: HttpRequest) -> District | None:
    """The visitor's district, or the first one deliveries go to (중구역); None only in an empty shop. One query."""
    slug = request.COOKIES.get(settings.DISTRICT_COOKIE_NAME, "")[:40].replace("\0", "")
    deliverable = District.objects.filter(zone__isnull=False).select_related("zone")
    first = deliverable.order_by("position", "id").values("id")[:1]
    found = list(deliverable.filter(Q(slug=slug) | Q(id__in=first)).order_by("position", "id"))
    return next((district for district in found if district.slug == slug), found[0] if found else None)


def deliverable_districts() -> list[District]:
    """Every district a parcel can be brought to, in the bureau's order."""
    return list(District.objects.filter(zone__isnull=False).select_related("zone").order_by("position", "id"))


def remember_district(response: HttpResponse, district: District) -> None:
    """Show the shop from this district from now on."""
    response.set_cookie(
        settings.DISTRICT_COOKIE_NAME,
        cast(str, district.slug),
        max_age=365 * 24 * 3600,
        secure=settings.TLS,
        samesite="Lax",
    )
