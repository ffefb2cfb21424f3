"""Up to four products side by side: one row a question, the best answer marked."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext

from catalog import wording
from catalog.attributes import answers_of
from catalog.models import Product


@dataclass
class Cell:
    text: str
    is_best: bool = False


@dataclass
class Row:
    label: str
    cells: list[Cell]

    @property
    def differs(self) -> bool:
        return len({cell.text for cell in self.cells}) > 1


class Comparison:
    """The rows of the table; questions nobody answers are left out."""

    def __init__(self, products: list[Product]) -> None:
        self.products = products
        self._said = answers_of(products)
        self.prices = _lowest_marked([product.shown_price for product in products])

    def rows(self) -> list[Row]:
        rows = [
            Row(gettext("For comparing"), self._unit_prices()),
            self._plain(gettext("Seller"), [product.seller.name for product in self.products]),
            self._plain(gettext("Place"), [product.seller.district.name for product in self.products]),
            self._plain(gettext("Preparation"), [wording.readiness(product.seller) for product in self.products]),
            self._plain(gettext("Content"), [product.content_text for product in self.products]),
            self._plain(gettext("Choice"), [self._choices(product) for product in self.products]),
            self._plain(gettext("Stock"), [wording.stock(product, product.available) for product in self.products]),
            Row(gettext("Stars"), self._stars()),
            *self._answers(),
        ]
        return [row for row in rows if any(cell.text for cell in row.cells)]

    def _answers(self) -> list[Row]:
        """What each answers to the attributes any of them is asked, in the order they come up."""
        said = [{answer.label: answer.text for answer in self._said.get(product.pk, [])} for product in self.products]
        labels = dict.fromkeys(label for one in said for label in one)
        return [self._plain(label, [one.get(label, "") for one in said]) for label in labels]

    def columns(self) -> list[tuple[Product, Cell, str]]:
        """Each product with its price and the address of the comparison without it."""
        ids = [product.pk for product in self.products]
        without = ["&".join(f"p={other}" for other in ids if other != pk) for pk in ids]
        return list(zip(self.products, self.prices, without, strict=True))

    def _unit_prices(self) -> list[Cell]:
        """All by the same amount, the smallest that suits any of them."""
        same_unit = len({product.content_unit for product in self.products}) == 1
        common = min((product.comparing_amount for product in self.products), default=0) if same_unit else 0
        amounts = [common or product.comparing_amount for product in self.products]
        prices = [p.comparing_price(p.shown_price or 0, n) for p, n in zip(self.products, amounts, strict=True)]
        lowest = min((price for price in prices if price is not None), default=None)
        several = same_unit and None not in prices and len(set(prices)) > 1
        return [
            Cell(wording.unit_price(product, product.shown_price, amount), several and price == lowest)
            for product, amount, price in zip(self.products, amounts, prices, strict=True)
        ]

    def _choices(self, product: Product) -> str:
        return ", ".join(variant.label for variant in product.variants.all() if variant.label)

    def _stars(self) -> list[Cell]:
        rated = [product.rating for product in self.products if product.rating]
        best = max(rated) if len(set(rated)) > 1 else None
        return [
            Cell(f"{number_format(round(p.rating, 1), 1)} ({p.rating_count:,})" if p.rating else "", p.rating == best)
            for p in self.products
        ]

    @staticmethod
    def _plain(label: str, texts: list[str]) -> Row:
        return Row(label, [Cell(text) for text in texts])


def _lowest_marked(prices: list[int | None]) -> list[Cell]:
    known = [price for price in prices if price is not None]
    lowest = min(known) if len(set(known)) > 1 else None
    return [Cell(wording.won(price) if price is not None else "", price == lowest) for price in prices]
