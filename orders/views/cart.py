"""The cart page and its lines."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.districts import chosen_district
from accounts.redirects import safe_next
from accounts.same_origin import same_origin_post
from catalog.models import Product, ProductVariant
from orders import cart as carts
from orders.choices import Choice, Offer, fees_of, offers_for
from orders.models import Cart, CartLine, Order
from orders.positions import Position, buyable, in_parcels, read
from orders.quantity import parse_quantity

LONGEST_ID = 9  # digits of a variant's id; more is no id of ours


@never_cache
@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    return cart_page(request, carts.cart_of(request))


@same_origin_post(question=gettext_lazy("Put this in your cart?"), button=gettext_lazy("Put in the cart"))
@never_cache
def cart_lines(request: HttpRequest) -> HttpResponse:
    variant = _offered_variant(request.POST.get("variant", ""))
    typed = request.POST.get("quantity", "1")
    try:
        quantity = parse_quantity(typed)
    except ValueError:
        quantity = 0
    if quantity < 1:
        context = {"variant": variant, "typed": typed[:20], "next": safe_next(request, "")}
        context["packed_apart"] = "packed_apart" in request.POST
        return render(request, "orders/put_in_cart.html", context, status=422)
    mine, token = carts.cart_to_fill(request)
    target = safe_next(request, reverse("orders:cart"))
    try:
        change = carts.put(mine, variant=variant, quantity=quantity, packed_apart="packed_apart" in request.POST)
    except carts.NothingLeft:
        messages.error(request, _("%(name)s is sold out.") % {"name": variant.product.name})
    except Cart.DoesNotExist:
        # Signing in on another page has just joined this visitor's cart to the member's.
        messages.warning(request, _("Your cart was changed on another page. Please put it in again."))
    except carts.CartFull:
        limit = {"limit": settings.CART_LINE_LIMIT}
        messages.error(request, _("One cart holds %(limit)d different products. Order these first.") % limit)
    else:
        # Other pages are the same for everyone and show no messages: there the figure beside the cart tells it.
        _tell(request, change, said=target == reverse("orders:cart"))
    response = redirect(target)
    if token:
        carts.remember_visitor(response, token)
    carts.show_count(request, response, carts.count(mine))
    return response


@never_cache
@require_POST
def cart_line(request: HttpRequest, line_id: int) -> HttpResponse:
    mine = carts.cart_of(request)
    typed = request.POST.get("quantity", "")
    try:
        if mine is None:
            raise CartLine.DoesNotExist
        if "packed_apart" in request.POST:
            carts.pack_line(mine, line_id=line_id, packed_apart=request.POST["packed_apart"] == "1")
            return redirect("orders:cart")
        change = carts.change_line(mine, line_id=line_id, quantity=parse_quantity(typed))
    except (CartLine.DoesNotExist, Cart.DoesNotExist):
        # Somebody else's line, or one taken out a moment ago by a double click: the cart says how it stands.
        return cart_page(request, mine, gone=True, status=404)
    except ValueError:
        return cart_page(request, mine, wrong=(line_id, typed[:20]), status=422)
    _tell(request, change, said=not change.quantity)
    response = redirect("orders:cart")
    carts.show_count(request, response, carts.count(mine))
    return response


def cart_page(
    request: HttpRequest,
    mine: Cart | None,
    *,
    wrong: tuple[int, str] | None = None,
    gone: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The cart as it stands; `wrong` is a line's id and the quantity that was typed for it."""
    positions = read(mine) if mine else []
    context = _sums(request, positions) if positions else {"parcels": []}
    if not positions and request.user.is_authenticated:
        # Whoever comes back from the payment page by the browser's button finds the way there again.
        held = Order.objects.filter(user=request.user, status=Order.Status.PLACED, hold_until__gt=timezone.now())
        context["unpaid"] = held.order_by("-pk").first()
    context |= {"wrong_line": wrong[0] if wrong else None, "typed": wrong[1] if wrong else "", "gone": gone}
    response = render(request, "orders/cart.html", context, status=status)
    carts.show_count(request, response, sum(position.line.quantity for position in positions))
    return response


def _sums(request: HttpRequest, positions: list[Position]) -> dict[str, Any]:
    plans = buyable(positions)
    district = chosen_district(request)
    offers = offers_for(plans, district=district, now=timezone.now()) if district else []
    fees = _expected_fees(offers)
    prefetch_related_objects([position.product for position in positions], "pictures")
    by_seller = {offer.plan.seller.pk: offer for offer in offers}
    parcels = [
        {"plan": plan, "offer": by_seller.get(plan.seller.pk), "fee": fees.get(plan.seller.pk)}
        for plan in in_parcels(positions)
    ]
    goods = sum(plan.goods_total for plan in plans)
    return {
        "parcels": parcels,
        "district": district,
        "pieces": sum(plan.quantity for plan in plans),
        "parcel_count": len(plans),
        "goods": goods,
        "delivery": sum(fees.values()),
        "total": goods + sum(fees.values()),
    }


def _expected_fees(offers: list[Offer]) -> dict[int, int]:
    """What the usual choice of each parcel would cost, by seller id: the soonest delivery, else collection."""
    choices: dict[int, Choice] = {offer.plan.seller.pk: offer.default for offer in offers if offer.default}
    plans = [offer.plan for offer in offers if offer.plan.seller.pk in choices]
    if not plans:
        return {}
    fees = fees_of(plans, choices, district=offers[0].district)
    return {plan.seller.pk: fee for plan, fee in zip(plans, fees, strict=True)}


def _offered_variant(text: str) -> ProductVariant:
    """The variant named by the form, when a shopper can see it; anything else is not found, whatever the reason."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise Http404
    variant = (
        ProductVariant.objects.select_related("product", "stock")
        .filter(pk=int(text), is_active=True, product__in=Product.objects.on_sale())
        .first()
    )
    if variant is None:
        raise Http404
    return variant


def _tell(request: HttpRequest, change: carts.Change, *, said: bool) -> None:
    """Say what the cart holds now. A bound is always told; the plain case only when `said`."""
    name = change.name
    if change.is_bounded and change.quantity == settings.CART_QUANTITY_LIMIT:
        words = _("%(name)s: one order takes %(quantity)d at most. That many are in your cart.")
    elif change.is_bounded:
        words = ngettext(
            "%(name)s: only %(quantity)d is left. It is in your cart.",
            "%(name)s: only %(quantity)d are left. They are in your cart.",
            change.quantity,
        )
    elif not said:
        return
    elif not change.quantity:
        words = _("%(name)s was taken out of your cart.")
    elif change.before and change.before != change.quantity:
        words = _("%(name)s: now %(quantity)d in your cart, before %(before)d.")
    else:
        words = _("%(name)s: %(quantity)d in your cart.")
    text = words % {"name": name, "quantity": change.quantity, "before": change.before}
    (messages.warning if change.is_bounded else messages.success)(request, text)
