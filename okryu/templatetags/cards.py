"""A product's card and its price: `{% load cards %}`.

Written here and not by templates: a list shows twenty cards, and a template each was a third of the page's work.
"""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from okryu.templatetags.shop import own_language, product_picture, stars, won

register = template.Library()

_NOTHING = SafeString("")
_CARD = """<a class="card{gone}" href="{address}">
<span class="card-picture">{picture}{rank}</span>
<span class="card-name"{language}>{name}</span>
<span class="card-seller dots"><span>{seller}</span> <span>{district}</span></span>
{price}
<span class="card-foot">{foot}</span>
</a>"""


@register.simple_tag
def product_card(product: Any, rank: int = 0, lazy: bool = False) -> SafeString:
    """A product from `for_cards()`. `rank`: its place in a popular list; `lazy`: below the first screen."""
    name = product.name
    return format_html(
        _CARD,
        gone=" card--gone" if product.is_sold_out else "",
        address=product.get_absolute_url(),
        picture=product_picture(product, size=160, lazy=lazy),
        rank=_rank(rank) if rank else "",
        language=own_language(name),
        name=name,
        seller=product.seller.name,
        district=product.seller.district.name,
        price=price(product.shown_price, product.old_price, product.cut_percent),
        foot=_foot(product),
    )


def _rank(rank: int) -> SafeString:
    return format_html('<span class="card-rank"><span class="unseen">{} </span>{}</span>', gettext("Rank"), rank)


def _foot(product: Any) -> SafeString:
    if product.is_sold_out:
        return format_html('<span class="tag">{}</span>', gettext("Sold out"))
    unit, few = product.unit_price_text, product.few_left
    return format_html(
        "{}{}{}",
        format_html("<span>{}</span>\n", unit) if unit else "",
        stars(product.rating, product.rating_count) if product.rating_count else "",
        format_html('\n<span class="tag tag--wait">{}</span>', few) if few else "",
    )


@register.simple_tag
def price(amount: int | None, old: int | None = None, cut: int = 0, big: bool = False) -> SafeString:
    """Whole won; the struck price and the whole per cent it fell by beside it. `big` on a product's own page."""
    return format_html(
        '<span class="price{}{}"><b>{}</b>{}</span>',
        " price--cut" if old else "",
        " price--big" if big else "",
        "" if amount is None else won(amount),
        _fallen(old, cut) if old else _NOTHING,
    )


def _fallen(old: int, cut: int) -> SafeString:
    percent = format_html('<span class="price-cut">{}</span>', gettext("%(cut)s%% off") % {"cut": cut}) if cut else ""
    return format_html('<s><span class="unseen">{} </span>{}</s>{}', gettext("Earlier price"), won(old), percent)
