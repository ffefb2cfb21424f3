"""Ordering the same again: an order's goods into the cart, and what has changed since."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalog.models import Product, ProductVariant
from orders import cart as carts
from orders.models import Cart, CartLine, Order, OrderLine


@dataclass(slots=True)
class Copied:
    """What became of an order's lines; each named as it was sold, prices in whole won."""

    put: int = 0  # products that are in the cart now
    gone: list[OrderLine] = field(default_factory=list)  # no longer sold
    sold_out: list[OrderLine] = field(default_factory=list)
    fewer: list[tuple[OrderLine, int]] = field(default_factory=list)  # and how many there are
    priced: list[tuple[OrderLine, int]] = field(default_factory=list)  # and what one costs now
    left_out: int = 0  # products that found no place in a full cart


def put_again(*, cart: Cart, order: Order) -> Copied:
    """Let the cart hold at least what was ordered, as far as it can be had. Doing it twice is doing it once."""
    lines = list(OrderLine.objects.filter(parcel__order=order).order_by("pk"))
    offered = ProductVariant.objects.select_related("product", "stock").filter(
        pk__in=[line.variant_id for line in lines], is_active=True, product__in=Product.objects.on_sale()
    )
    variants = {variant.pk: variant for variant in offered}
    held = dict(CartLine.objects.filter(cart=cart).values_list("variant_id", "quantity"))
    copied = Copied()
    for line in lines:
        _put_line(cart, line, variants.get(line.variant_id), held.get(line.variant_id, 0), copied)
    return copied


def _put_line(cart: Cart, line: OrderLine, variant: ProductVariant | None, held: int, copied: Copied) -> None:
    if variant is None:
        copied.gone.append(line)
        return
    try:
        change = carts.put(cart, variant=variant, quantity=max(held, line.quantity), packed_apart=line.packed_apart)
    except carts.NothingLeft:
        copied.sold_out.append(line)
        return
    except carts.CartFull:
        copied.left_out += 1
        return
    copied.put += 1
    if change.quantity < line.quantity:
        copied.fewer.append((line, change.quantity))
    if variant.unit_price != line.unit_price:
        copied.priced.append((line, variant.unit_price))
