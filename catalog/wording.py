"""How contents, prices for comparing, counts and waits are worded in the page's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext

from okryu.money import format_won

if TYPE_CHECKING:
    from catalog.models import Product, Seller


def won(amount: int) -> str:
    return format_won(amount, get_language() or settings.LANGUAGE_CODE)


def content(product: Product) -> str:
    """What one piece holds: 500ml, 1kg; "" where it is not known."""
    amount, unit = product.content_amount, product.content_unit
    if not amount:
        return ""
    if unit == "piece":
        return ngettext("%(n)s piece", "%(n)s pieces", amount) % {"n": amount}
    if unit == "g":
        return weight(amount)
    if amount >= 1000 and amount % 100 == 0:
        return gettext("%(n)s l") % {"n": number_format(f"{amount / 1000:g}")}
    return gettext("%(n)s ml") % {"n": amount}


def weight(grams: int) -> str:
    """900g, 1.8kg."""
    if grams >= 1000:
        return gettext("%(n)s kg") % {"n": number_format(f"{grams / 1000:.4g}")}
    return gettext("%(n)s g") % {"n": grams}


def unit_price(product: Product, price: int | None, amount: int = 0) -> str:
    """What a price buys, for comparing: 100ml당 16원, 1kg당 240원, 1개당 15원, 50g 한통, 한그릇. For so much of the
    content as is given, else as much as suits the pack."""
    amount = amount or product.comparing_amount
    compared = product.comparing_price(price, amount) if price is not None else None
    if compared is not None:
        return _FOR_COMPARING[product.content_unit, amount] % {"won": won(compared)}
    if product.content_amount and product.content_unit != "piece" and product.seller.kind != "restaurant":
        return gettext("%(content)s %(unit)s") % {"content": content(product), "unit": product.unit}
    return gettext("per %(unit)s") % {"unit": product.unit}


# Small packs by the hundred, as price tags have it: of a 100 ml bottle nobody wants to know what ten would cost.
_FOR_COMPARING = {
    ("g", 100): gettext_lazy("%(won)s per 100 g"),
    ("g", 1000): gettext_lazy("%(won)s per kg"),
    ("ml", 100): gettext_lazy("%(won)s per 100 ml"),
    ("ml", 1000): gettext_lazy("%(won)s per litre"),
    ("piece", 1): gettext_lazy("%(won)s per piece"),
}


def pieces(product: Product, count: int) -> str:
    """A count in the product's own unit: 7병, 7 bottles."""
    if (get_language() or "").startswith("en"):
        return f"{count:,} {product.unit if count == 1 else _plural(product.unit)}"
    return f"{count:,}{product.unit}"


def choice_of(product: Product, count: int) -> str:
    """A quantity in a narrow list of choices: 3병, 3."""
    return str(count) if (get_language() or "").startswith("en") else pieces(product, count)


def left(product: Product, count: int) -> str:
    return gettext("%(pieces)s left") % {"pieces": pieces(product, count)}


def stock(product: Product, count: int) -> str:
    """재고 있음 · 248병, 7병 남음, 다 팔림."""
    return gettext("In stock · %(pieces)s") % {"pieces": pieces(product, count)} if count else gettext("Sold out")


def sold(product: Product) -> str:
    """지난 30일 주문 312병."""
    return gettext("%(pieces)s in 30 days") % {"pieces": pieces(product, product.sold_30_days)}


def readiness(seller: Seller) -> str:
    """How long the seller takes: 준비 1시간, 준비 반나절, 준비 3일."""
    if seller.lead_days:
        return ngettext("ready in %(n)s day", "ready in %(n)s days", seller.lead_days) % {"n": seller.lead_days}
    minutes = seller.preparation_minutes
    if minutes < 60:
        return ngettext("ready in %(n)s minute", "ready in %(n)s minutes", minutes) % {"n": minutes}
    hours = -(-minutes // 60)
    if hours < 4:
        return ngettext("ready in %(n)s hour", "ready in %(n)s hours", hours) % {"n": hours}
    return gettext("ready in half a day") if hours <= 6 else gettext("ready in a day")


def _plural(noun: str) -> str:
    """The English plural of a plain unit word: bottles, boxes, bunches."""
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
