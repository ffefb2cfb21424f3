"""The same order again, into the cart."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.private import member, private_page
from okryu.money import format_won
from orders import cart as carts
from orders.models import Order, OrderLine
from orders.reorder import Copied, put_again


@require_POST
@private_page
def copies(request: HttpRequest, code: str) -> HttpResponse:
    order = Order.objects.filter(user=member(request), code=code).first()
    if order is None:
        raise Http404
    mine, _token = carts.cart_to_fill(request)
    copied = put_again(cart=mine, order=order)
    _tell(request, copied)
    response = redirect("orders:cart")
    carts.show_count(request, response, carts.count(mine))
    return response


def _tell(request: HttpRequest, copied: Copied) -> None:
    """One sentence for what is in the cart, one for each thing that has changed since."""
    if copied.put:
        words = ngettext("%(count)d product is in your cart.", "%(count)d products are in your cart.", copied.put)
        messages.success(request, words % {"count": copied.put})
    else:
        messages.warning(request, _("Nothing of this order can be had now."))
    for line in copied.gone:
        messages.warning(request, _("%(name)s is no longer sold.") % {"name": _name(line)})
    for line in copied.sold_out:
        messages.warning(request, _("%(name)s is sold out.") % {"name": _name(line)})
    for line, left in copied.fewer:
        sentence = _("%(name)s: %(left)d instead of %(wanted)d, more cannot be had.")
        messages.warning(request, sentence % {"name": _name(line), "left": left, "wanted": line.quantity})
    for line, price in copied.priced:
        sentence = _("%(name)s costs %(now)s now, then %(before)s.")
        values = {"name": _name(line), "now": _won(price), "before": _won(line.unit_price)}
        messages.info(request, sentence % values)
    if copied.left_out:
        messages.warning(request, _("Your cart is full. Order what is in it first, then the rest."))


def _name(line: OrderLine) -> str:
    english = (get_language() or "").startswith("en")
    return (line.name_en if english else "") or line.name_ko_kp


def _won(amount: int) -> str:
    return format_won(amount, get_language() or "ko-kp")
