"""What pages of the catalogue say about delivery: `{% load delivery %}`. The rules stand in orders/offers.py."""

from datetime import date, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import District
from catalog.models import Product, Seller
from okryu.calendar import PYONGYANG, local_day
from okryu.templatetags.shop import day, window
from orders import offers

register = template.Library()


@register.simple_tag
def delivery_offer(product: Product, district: District | None) -> offers.Offer | None:
    """When and for how much one piece comes to `district`; None in a shop that delivers nowhere."""
    return offers.offer(product, district=district, now=timezone.now()) if district else None


@register.simple_tag
def seller_promise(seller: Seller) -> offers.Promise:
    return offers.promise(seller, timezone.now())


@register.filter
def promise_words(promise: offers.Promise) -> str:
    """The promise with its condition: 17시까지 주문하면 오늘 18~20시에 송달."""
    words = {
        "by": moment_words(promise.order_by),
        "day": day_words(promise.window.day),
        "hours": window(promise.window.start_hour, promise.window.end_hour),
    }
    return gettext("Order by %(by)s, delivered %(day)s %(hours)s") % words


@register.filter
def window_words(promise: offers.Promise) -> str:
    """오늘 18~20시."""
    return f"{day_words(promise.window.day)} {window(promise.window.start_hour, promise.window.end_hour)}"


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
