"""Pages of no single app: help, about, language, and the way to the staff's sign-in."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from accounts.districts import deliverable_districts
from accounts.models import District, User
from accounts.redirects import safe_next
from accounts.same_origin import same_origin_post
from accounts.views import remember_language
from catalog.sitemap import shop_address
from payments.words import words_for


@require_safe
@vary_on_cookie
def help_page(request: HttpRequest) -> HttpResponse:
    """Delivery and fees, paying, returns: the rules of the house as the settings hold them."""
    windows, districts = settings.DELIVERY_WINDOWS, deliverable_districts()
    limits = [district.zone.motorbike_limit_g for district in districts if district.zone]
    context = {
        "fees": [_fee_row(district) for district in districts],
        "first_hour": windows[0][0],
        "last_hour": windows[-1][1],
        "window_hours": windows[0][1] - windows[0][0],
        "days_ahead": settings.DELIVERY_DAYS_AHEAD,
        "motorbike_kg": max(limits, default=0) // 1000,
        "hold_minutes": settings.ORDER_HOLD_MINUTES,
        "shop_hours": settings.COLLECTION_HOURS["shop"],
        "dish_hours": settings.COLLECTION_HOURS["restaurant"],
        "liquor_age": settings.MINIMUM_AGE_LIQUOR,
        "medicine_boxes": settings.MEDICINE_BOXES_PER_WEEK,
        "answers": [words_for(code) for code in _ANSWERS_EXPLAINED],
    }
    return _same_for_everyone(render(request, "shop/help.html", context))


# What the card network may say to a payment, in the order shoppers meet it.
_ANSWERS_EXPLAINED = ("55", "51", "57", "75", "61", "54", "91", None)


def _fee_row(district: District) -> dict[str, Any]:
    """What bringing a parcel to `district` costs, and from which sum dishes are brought there."""
    fee = district.fee or 0
    return {
        "district": district.name,
        "motorbike": fee,
        "van": fee * settings.VAN_FEE_FACTOR,
        "goods_from": district.zone.minimum_won if district.zone else 0,
        "dishes_from": settings.DISH_ZONE_MINIMUM_WON.get(district.zone_id or ""),
    }


@require_safe
@vary_on_cookie
def about(request: HttpRequest) -> HttpResponse:
    return _same_for_everyone(render(request, "shop/about.html"))


@same_origin_post(question=_("Switch the language?"), button=_("Switch the language"))
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie, and with the member when somebody is signed in."""
    chosen = request.POST.get("language", "")
    response = redirect(safe_next(request, "/"))
    if chosen in dict(settings.LANGUAGES) and check_for_language(chosen):
        remember_language(response, chosen)
        # Without a session cookie nobody is signed in: the session is not even read.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=chosen)
    return response


@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Send staff to the one sign-in page. A member who is no staff is told so instead of going round in circles."""
    if request.user.is_authenticated and not request.user.is_staff:
        return render(request, "shop/staff_only.html", status=403)
    query = urlencode({"next": safe_next(request, reverse("admin:index"))})
    return redirect(f"{reverse('accounts:sign-in')}?{query}")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers leave alone: pages of one person, and searches without end."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in _NOT_FOR_CRAWLERS),
        # Filters and sorts combine without end: only the way on through a plain list is worth following.
        *(f"Allow: {path}*?after=" for path in _LISTS),
        *(f"Disallow: {path}*?" for path in _LISTS),
        f"Sitemap: {shop_address(request)}/sitemap.xml",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


_NOT_FOR_CRAWLERS = ("/account/", "/admin/", "/card/", "/cart/", "/checkout/", "/compare/", "/orders/", "/search/")
_LISTS = ("/categories/", "/sellers/")


def _same_for_everyone(response: HttpResponse) -> HttpResponse:
    """The same bytes for all in one language; only our own cache may share them."""
    response.headers["Cache-Control"] = "private"
    return response
