"""What pages of the catalogue say about delivery: `{% load delivery %}`. The rules stand in orders/offers.py."""

from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.template import RequestContext as Context
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from accounts.models import District
from catalog.models import Product, Seller
from okryu.calendar import PYONGYANG, local_day
from okryu.templatetags.shop import day, window, won
from orders import offers
from orders.choices import Place
from orders.promises import Window
from orders.reach import Reach, read_reach

register = template.Library()


@register.simple_tag(takes_context=True)
def delivery_places(context: Context) -> dict[str, Any]:
    """`all` districts parcels go to, and the `district` this visitor looks at the shop from."""
    known = _reach(context)
    chosen = context.request.COOKIES.get(settings.DISTRICT_COOKIE_NAME, "")
    return {"all": known.districts, "district": known.district(chosen)}


@register.simple_tag(takes_context=True)
def delivery_offer(context: Context, product: Product, district: District | None) -> offers.Offer | None:
    """When and for how much one piece comes to `district`; None in a shop that delivers nowhere."""
    if district is None:
        return None
    return offers.offer(product, district=district, now=timezone.now(), reach=_reach(context))


@register.simple_tag(takes_context=True)
def seller_offer(context: Context, seller: Seller, district: District | None) -> offers.Offer | None:
    if district is None:
        return None
    return offers.seller_offer(seller, district=district, now=timezone.now(), reach=_reach(context))


@register.simple_tag
def delivery_price(product: Product, district: District) -> int | None:
    return offers.price(product, district)


@register.simple_tag(takes_context=True)
def seller_closing(context: Context, seller: Seller) -> tuple[date, date] | None:
    """The first and last day on which the seller is closed, while it lasts or when it begins soon."""
    return _reach(context).workdays.closing_ahead(seller, local_day(timezone.now()))


def _reach(context: Context) -> Reach:
    """Read once a request, whichever parts of its page ask."""
    known: Reach | None = getattr(context.request, "_reach", None)
    if known is None:
        known = context.request._reach = read_reach(timezone.now())  # type: ignore[attr-defined]
    return known


_TILE = (
    '<div class="choice"><input type="radio" id="{}" name="{}" value="{}"{}{} data-live-input>'
    '<label for="{}"><b>{}</b><small>{}</small></label></div>'
)


@register.simple_tag
def window_tiles(places: list[Place], chosen: Window | None, when: str, first: bool) -> SafeString:
    """A day's windows to choose from. Written here and not by a template: a checkout shows fifty of them."""
    return format_html_join(
        "\n", _TILE, (_tile(place, chosen, when, first and not n) for n, place in enumerate(places))
    )


def _tile(place: Place, chosen: Window | None, when: str, is_first: bool) -> tuple[str, ...]:
    asked = place.window
    key = asked.key
    name = f"id_{when}" if is_first else f"{when}-{key}"  # the first carries the field's own id
    checked = mark_safe(" checked") if asked == chosen else ""
    disabled = "" if place.left else mark_safe(" disabled")
    left = ngettext("%(left)s place", "%(left)s places", place.left) % {"left": place.left}
    words = left if place.left else gettext("Full")
    return name, when, key, checked, disabled, name, window(asked.start_hour, asked.end_hour), words


@register.filter
def promise_words(offer: offers.Offer) -> str:
    """모란봉구역까지 오늘 18~20시, 100원; "" where nothing can be brought."""
    if offer.window is None:
        return ""
    words = {"place": offer.district.name, "when": window_words(offer.window)}
    return gettext("To %(place)s: %(when)s, %(fee)s") % {**words, "fee": won(offer.fee)}


@register.filter
def window_words(promised: Window) -> str:
    """오늘 18~20시."""
    return f"{day_words(promised.day)} {window(promised.start_hour, promised.end_hour)}"


@register.filter
def moment_words(moment: datetime) -> str:
    """17시, 래일 12시 30분: the day is left out when it is today."""
    local = moment.astimezone(PYONGYANG)
    pattern = gettext("%(hour)s:%(minute)s") if local.minute else gettext("%(hour)s:00")
    clock = pattern % {"hour": local.hour, "minute": f"{local.minute:02d}"}
    if local.date() == local_day(timezone.now()):
        return clock
    return gettext("%(day)s at %(clock)s") % {"day": day_words(local.date()), "clock": clock}


@register.filter
def day_words(moment: date) -> str:
    """오늘, 래일, 11월 27일."""
    today = local_day(timezone.now())
    if moment == today:
        return gettext("today")
    return gettext("tomorrow") if moment == today + timedelta(days=1) else day(moment)


@register.filter
def local_day_words(moment: datetime) -> str:
    """The country's day of a moment: 오늘, 래일, 11월 27일."""
    return day_words(local_day(moment))


@register.filter
def span_words(span: timedelta) -> str:
    """How long something is overdue: 25분, 3시간, 2일; 25 min, 3 h, 2 days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return gettext("%(count)s min") % {"count": minutes}
    if minutes < 48 * 60:
        return gettext("%(count)s h") % {"count": minutes // 60}
    return gettext("%(count)s days") % {"count": minutes // (24 * 60)}
