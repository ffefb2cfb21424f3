"""What a cart's lines are worth now: price, availability, and how they fall into parcels, one per seller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import District, User
from catalog import wording
from catalog.models import Product, ProductVariant, Seller, Stock
from orders.fees import vehicle_for
from orders.models import Cart, CartLine, Vehicle


@dataclass
class Position:
    """One cart line against today's shelf."""

    line: CartLine
    available: int

    @property
    def variant(self) -> ProductVariant:
        return self.line.variant

    @property
    def product(self) -> Product:
        return self.line.variant.product

    @property
    def is_withdrawn(self) -> bool:
        """No longer offered: variant, product, category or seller was closed."""
        product = self.product
        offered = self.variant.is_active and product.is_active and product.seller.is_active
        return not (offered and product.category.is_active)

    @property
    def is_sold_out(self) -> bool:
        return not self.is_withdrawn and self.available == 0

    @property
    def is_short(self) -> bool:
        """Some pieces are there, but fewer than the cart asks for."""
        return not self.is_withdrawn and 0 < self.available < self.line.quantity

    @property
    def quantity(self) -> int:
        """How many of the wanted pieces can be bought now."""
        return 0 if self.is_withdrawn else min(self.line.quantity, max(self.available, 0))

    @property
    def unit_price(self) -> int:
        return self.variant.unit_price

    @property
    def line_total(self) -> int:
        return self.unit_price * self.quantity

    @property
    def has_fallen(self) -> bool:
        return not self.is_withdrawn and self.unit_price < self.line.shown_price

    @property
    def has_risen(self) -> bool:
        return not self.is_withdrawn and self.unit_price > self.line.shown_price

    @property
    def packed_apart(self) -> bool:
        return self.line.packed_apart and self.variant.packable_apart

    @property
    def fewer(self) -> int:
        """What the minus button asks for; below one it takes the line out."""
        return self.quantity - 1

    @property
    def more(self) -> int:
        return self.quantity + 1

    @property
    def can_grow(self) -> bool:
        return self.quantity < min(self.available, settings.CART_QUANTITY_LIMIT)

    @property
    def name(self) -> str:
        return f"{self.product.name} {self.variant.label}".strip()


@dataclass
class ParcelPlan:
    """The part of a cart one seller will send or hand over."""

    seller: Seller
    positions: list[Position] = field(default_factory=list)

    @property
    def bought(self) -> list[Position]:
        return [position for position in self.positions if position.quantity]

    @property
    def goods_total(self) -> int:
        return sum(position.line_total for position in self.positions)

    @property
    def quantity(self) -> int:
        return sum(position.quantity for position in self.positions)

    @property
    def weight_g(self) -> int:
        return sum(position.product.weight_g * position.quantity for position in self.positions)

    @property
    def weight_text(self) -> str:
        return wording.weight(self.weight_g)

    def vehicle_to(self, district: District) -> Vehicle:
        """What carries it to this district."""
        needs_van = any(position.product.needs_van for position in self.bought)
        return vehicle_for(weight_g=self.weight_g, needs_van=needs_van, district=district)


def read(cart: Cart) -> list[Position]:
    """The cart's lines against the shelf as it stands, unlocked: for pages. One query; pictures are the page's."""
    return [Position(line, line.variant.available) for line in _with_products(CartLine.objects.filter(cart=cart))]


def read_of(user: User) -> list[Position]:
    """`read` of the member's cart, found by the same query; each line carries it."""
    lines = _with_products(CartLine.objects.filter(cart__user=user)).select_related("cart")
    return [Position(line, line.variant.available) for line in lines]


def read_lines(cart: Cart) -> list[CartLine]:
    """The cart's lines with their goods and sellers. For a caller who holds the cart's lock: they cannot change."""
    return list(_with_sellers(CartLine.objects.filter(cart=cart)))


def against(lines: Iterable[CartLine], rows: dict[int, Stock]) -> list[Position]:
    """The lines against stock rows the caller has locked: for placing an order."""
    return [Position(line, rows[line.variant_id].available if line.variant_id in rows else 0) for line in lines]


def in_parcels(positions: Iterable[Position]) -> list[ParcelPlan]:
    """One plan per seller, in the order in which sellers came into the cart; goods that cannot be had included."""
    plans: dict[int, ParcelPlan] = {}
    for position in positions:
        seller = position.product.seller
        plans.setdefault(seller.pk, ParcelPlan(seller)).positions.append(position)
    return list(plans.values())


def buyable(positions: Iterable[Position]) -> list[ParcelPlan]:
    """The parcels an order of these positions would have now."""
    return in_parcels(position for position in positions if position.quantity)


def _with_products(lines: QuerySet[CartLine]) -> QuerySet[CartLine]:
    return _with_sellers(lines).select_related(
        "variant__stock", "variant__product__seller__district", "variant__product__seller__neighbourhood"
    )


def _with_sellers(lines: QuerySet[CartLine]) -> QuerySet[CartLine]:
    return lines.select_related("variant__product__category", "variant__product__seller").order_by("id")
