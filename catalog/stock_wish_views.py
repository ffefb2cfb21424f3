"""What a member waits for. The product page is everybody's and carries no token: it links here, and here is asked."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.private import member, private_page
from catalog import stock_wishes
from catalog.models import Product, ProductVariant, StockWish

LONGEST_ID = 9  # digits of a variant's id; more is no id of ours


@require_http_methods(["GET", "HEAD", "POST"])
@private_page
def wishes(request: HttpRequest) -> HttpResponse:
    """The list; with `variant` in the address also the question, which a POST answers."""
    asked = (request.POST if request.method == "POST" else request.GET).get("variant")
    variant = _on_sale(asked) if asked is not None else None
    if request.method == "POST":
        if variant is None:
            raise Http404
        return _ask(request, variant)
    mine = list(
        StockWish.objects.filter(user=member(request)).select_related("variant__product__seller", "variant__stock")
    )
    if variant is not None and any(wish.variant_id == variant.pk for wish in mine):
        variant = None
    return render(request, "catalog/stock_wishes.html", {"wishes": mine, "variant": variant})


def _ask(request: HttpRequest, variant: ProductVariant) -> HttpResponse:
    name = {"name": f"{variant.product.name} {variant.label}".strip()}
    try:
        stock_wishes.ask(user=member(request), variant=variant)
    except stock_wishes.InStock:
        messages.success(request, _("%(name)s can be ordered now.") % name)
    except stock_wishes.TooMany:
        limit = {"limit": stock_wishes.MOST}
        messages.error(request, _("You wait for %(limit)d goods already. Take one off the list first.") % limit)
    else:
        messages.success(request, _("A message comes as soon as %(name)s is back.") % name)
    return redirect("catalog:stock-wishes")


@require_POST
@private_page
def removal(request: HttpRequest, variant_id: int) -> HttpResponse:
    """Wait no longer. Sent twice, it is gone all the same."""
    StockWish.objects.filter(user=member(request), variant_id=min(variant_id, 10**LONGEST_ID)).delete()
    return redirect("catalog:stock-wishes")


def _on_sale(text: str) -> ProductVariant:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise Http404
    found = ProductVariant.objects.select_related("product__seller", "stock").filter(pk=int(text), is_active=True)
    variant = found.filter(product__in=Product.objects.on_sale()).first()
    if variant is None:
        raise Http404
    return variant
