"""What a member puts into the cart: dishes for a meal, groceries, things for the house, and now and then a wardrobe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from catalog.models import ProductVariant, Seller

# How often each kind of basket is filled: by day of the week (Monday first).
MEAL = (30, 28, 28, 30, 38, 45, 60)
GROCERIES = (36, 38, 38, 36, 34, 30, 0)
HOUSE = (22, 22, 22, 22, 18, 16, 0)
LARGE = (12, 12, 12, 12, 10, 9, 0)
SHELVES: Mapping[str, tuple[str, ...]] = {
    "groceries": ("groceries", "bread-sweets", "drinks"),
    "house": ("cosmetics", "household", "clothes", "medicine", "electronics"),
    "large": ("furniture", "clothes", "shoes-bags", "electronics", "cosmetics"),
}
# How many lines a basket of each kind has, most likely first.
LINES = {"meal": ((2, 5), (1, 3), (3, 2)), "groceries": ((3, 4), (2, 4), (4, 3), (1, 2), (6, 1)),
         "house": ((1, 5), (2, 4), (3, 1)), "large": ((1, 8), (2, 1))}  # fmt: skip
MOST = {"dishes": 3, "bread-sweets": 5, "drinks": 6, "groceries": 4, "clothes": 3, "household": 3, "cosmetics": 2}
DEAR = 1_500  # won: of what costs more, people take one


@dataclass(frozen=True)
class Ware:
    """One variant on the demo's shelves, how popular it is, and how many pieces usually stand there."""

    variant: ProductVariant
    popularity: int
    usual_stock: int

    @property
    def seller(self) -> Seller:
        return self.variant.product.seller

    @property
    def category(self) -> str:
        return self.variant.product.category.slug


@dataclass
class Wares:
    """Everything that can be bought, by shelf and by seller."""

    all: list[Ware] = field(default_factory=list)

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> Wares:
        """What of the catalogue is usually in stock; what is always sold out is never bought."""
        popularity = {v["sku"]: row["popularity"] for row in rows for v in row["variants"]}
        stock = {v["sku"]: v["stock"] for row in rows for v in row["variants"]}
        variants = ProductVariant.objects.filter(sku__in=[sku for sku, pieces in stock.items() if pieces])
        variants = variants.select_related("product__seller__district", "product__category").order_by("sku")
        return cls([Ware(variant, popularity[variant.sku], stock[variant.sku]) for variant in variants])

    def on_shelves(self, kind: str, *, dishes_of: Seller | None = None) -> list[Ware]:
        if dishes_of is not None:
            return [ware for ware in self.all if ware.seller == dishes_of]
        shelves = SHELVES[kind]
        return [ware for ware in self.all if ware.category in shelves and ware.seller.kind != Seller.Kind.RESTAURANT]

    def restaurants(self) -> list[Seller]:
        return sorted(
            {ware.seller for ware in self.all if ware.seller.kind == Seller.Kind.RESTAURANT},
            key=lambda seller: seller.position,
        )


def kind_of_basket(rng: Random, *, weekday: int, hour: int) -> str:
    """Meals around noon and towards evening, everything else while shops work."""
    weights = [MEAL[weekday], GROCERIES[weekday], HOUSE[weekday], LARGE[weekday]]
    if hour >= 17:
        weights = [MEAL[weekday] * 2, GROCERIES[weekday], HOUSE[weekday] // 2, 0]
    return rng.choices(["meal", "groceries", "house", "large"], weights)[0]


def fill(rng: Random, wares: Wares, kind: str) -> list[tuple[Ware, int]]:
    """Wares and pieces, no product twice. A meal is cooked by one restaurant."""
    restaurant = rng.choices(wares.restaurants(), [6, 2, 2, 2])[0] if kind == "meal" else None
    shelf = wares.on_shelves(kind, dishes_of=restaurant)
    count = rng.choices([n for n, _ in LINES[kind]], [weight for _, weight in LINES[kind]])[0]
    of_product: dict[int, list[Ware]] = {}
    for ware in shelf:
        of_product.setdefault(ware.variant.product_id, []).append(ware)
    basket: dict[int, tuple[Ware, int]] = {}
    for _ in range(count):
        product = rng.choices(list(of_product), [wares[0].popularity for wares in of_product.values()])[0]
        ware = rng.choices(of_product[product], [ware.usual_stock for ware in of_product[product]])[0]
        basket.setdefault(product, (ware, _pieces(rng, ware)))
    return list(basket.values())


def _pieces(rng: Random, ware: Ware) -> int:
    if ware.variant.unit_price >= DEAR or ware.variant.product.is_medicine or ware.usual_stock < 10:
        return 1
    return min(rng.choices([1, 2, 3, 4, 5, 6], [10, 8, 4, 2, 1, 1])[0], MOST.get(ware.category, 2))
