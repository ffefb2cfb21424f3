"""What a column of a file can be. The same names head the columns of an export, so an export maps itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from import_export.widgets import Widget

from catalog.importing.words import Wrong

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LOWEST, HIGHEST = 1, 10_000_000  # won; the database keeps the same bounds
MOST_PIECES = 1_000_000
YES = {"1", "yes", "y", "true", "예", "그렇다", "ok"}
NO = {"0", "no", "n", "false", "아니", "아니다", "아니오"}
WHOLE = re.compile(r"[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3}")
# Thousands marks in their places, then perhaps a fraction: no sign, no exponent, no other script's digits.
PRICE = re.compile(r"(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,9})?")
GUARDED = re.compile(r"'+[=+\-@\t\r]")  # what an export has put an apostrophe before


class Text(Widget):
    """Text of at most `limit` characters; with `shortens`, longer text is cut instead of refused."""

    def __init__(self, limit: int, *, needed: bool = False) -> None:
        super().__init__()
        self.limit, self.needed, self.shortens = limit, needed, False

    def clean(self, value: str, row: object = None, **options: object) -> str:
        text = value.replace("\r\n", "\n").strip()
        if GUARDED.match(text):
            text = text[1:]
        if not text and self.needed:
            raise Wrong("needed")
        if len(text) > self.limit:
            if not self.shortens:
                raise Wrong("long", limit=self.limit)
            text = text[: self.limit - 1].rstrip() + "…"
        return text


class Whole(Widget):
    """A whole number within bounds; empty is None where that means something."""

    def __init__(self, low: int, high: int, *, needed: bool = False) -> None:
        super().__init__()
        self.low, self.high, self.needed = low, high, needed

    def clean(self, value: str, row: object = None, **options: object) -> int | None:
        text = value.strip()
        if not text:
            if self.needed:
                raise Wrong("needed")
            return None
        if not WHOLE.fullmatch(text):
            raise Wrong("number", value=value[:40])
        number = int(text.replace(",", ""))
        if not self.low <= number <= self.high:
            raise Wrong("range", low=f"{self.low:,}", high=f"{self.high:,}")
        return number


class Price(Widget):
    """Whole won: what stands in the file times `factor`, rounded half up."""

    factor = Decimal(1)

    def clean(self, value: str, row: object = None, **options: object) -> int:
        text = value.strip()
        if not text:
            raise Wrong("needed")
        if not PRICE.fullmatch(text):
            raise Wrong("price", value=value[:40])
        try:
            price = (Decimal(text.replace(",", "")) * self.factor).quantize(Decimal(1), ROUND_HALF_UP)
        except InvalidOperation:
            raise Wrong("price", value=value[:40]) from None
        if not LOWEST <= price <= HIGHEST:
            raise Wrong("price_range", price=f"{price:,}")
        return int(price)


class YesNo(Widget):
    def clean(self, value: str, row: object = None, **options: object) -> bool | None:
        text = value.strip().casefold()
        if not text:
            return None
        if text not in YES | NO:
            raise Wrong("yes_no", value=value[:40])
        return text in YES


class OneOf(Widget):
    def __init__(self, *choices: str) -> None:
        super().__init__()
        self.choices = choices

    def clean(self, value: str, row: object = None, **options: object) -> str:
        text = value.strip()
        if text and text not in self.choices:
            raise Wrong("choice", value=value[:40], choices=", ".join(self.choices))
        return text


@dataclass(frozen=True, slots=True)
class Target:
    """One thing a column can be."""

    name: str  # also the column's header in an export
    label: _StrPromise | str
    widget: Callable[[], Widget]
    aliases: tuple[str, ...] = ()  # headers it is guessed by
    hint: _StrPromise | str = ""
    of_product: bool = False  # the same for all variants of a product
    fixable: bool = True  # may have one value for the whole file


def _text(limit: int, *, needed: bool = False) -> Callable[[], Widget]:
    return lambda: Text(limit, needed=needed)


TARGETS: list[Target] = [
    Target("sku", _("SKU"), _text(40, needed=True), ("id", "product_id", "item", "상품번호"), fixable=False),
    Target(
        "product",
        _("product (the same word for all its variants)"),
        _text(60),
        hint=_("Needed only where a product has several variants."),
        fixable=False,
    ),
    Target("seller", _("seller"), _text(80, needed=True), ("merchant_id", "merchant", "판매자"), of_product=True),
    Target("seller_name", _("name of a new seller"), _text(80), ("merchant_name",), of_product=True),
    Target("category", _("category"), _text(80, needed=True), ("category_label", "부류"), of_product=True),
    Target("kind", _("kind of product"), _text(120), ("cluster_id",), of_product=True),
    Target("kind_name", _("name of a new kind"), _text(120), ("cluster_label",), of_product=True),
    Target("name_ko_kp", _("name · 조선어"), _text(120), ("이름", "상품이름", "name_ko"), of_product=True),
    Target("name_en", _("name · English"), _text(120), ("name", "title", "product_title"), of_product=True),
    Target("description_ko_kp", _("description · 조선어"), _text(4000), ("설명",), of_product=True),
    Target("description_en", _("description · English"), _text(4000), ("description",), of_product=True),
    Target("unit_ko_kp", _("unit · 조선어"), _text(20), ("단위",), hint=_("개 where nothing is said"), of_product=True),
    Target(
        "unit_en", _("unit · English"), _text(20), ("unit",), hint=_("piece where nothing is said"), of_product=True
    ),
    Target("content_amount", _("content"), lambda: Whole(1, 10_000_000), ("content",), of_product=True),
    Target("content_unit", _("content unit"), lambda: OneOf("g", "ml", "piece"), hint="g, ml, piece", of_product=True),
    Target(
        "weight_g", _("packed weight in grams"), lambda: Whole(1, 2_000_000, needed=True), ("weight",), of_product=True
    ),
    Target("needs_van", _("only by van"), YesNo, of_product=True),
    Target("minimum_age", _("from age"), lambda: Whole(0, 100), of_product=True),
    Target("is_medicine", _("medicine"), YesNo, of_product=True),
    Target("listed", _("listed"), YesNo, ("is_active", "active"), hint=_("yes or no"), of_product=True),
    Target("variant_ko_kp", _("variant · 조선어"), _text(60), ("variant",), fixable=False),
    Target("variant_en", _("variant · English"), _text(60), fixable=False),
    Target("size", _("size"), _text(20), ("크기",)),
    Target("colour_ko_kp", _("colour · 조선어"), _text(30), ("색",)),
    Target("colour_en", _("colour · English"), _text(30), ("colour", "color")),
    Target("flavour_ko_kp", _("flavour · 조선어"), _text(30), ("맛",)),
    Target("flavour_en", _("flavour · English"), _text(30), ("flavour", "flavor")),
    Target("variant_listed", _("variant listed"), YesNo, hint=_("yes or no")),
    Target("price", _("price"), Price, ("가격", "unit_price"), hint=_("In won, after the factor below.")),
    Target(
        "stock",
        _("stock counted"),
        lambda: Whole(0, MOST_PIECES),
        ("current_stock", "on_hand", "재고"),
        hint=_("How many stand on the shelf; written as a count."),
    ),
    Target(
        "stock_was",
        _("stock when exported"),
        lambda: Whole(0, MOST_PIECES),
        hint=_("Where “stock counted” still says the same, the shelf is left alone."),
        fixable=False,
    ),
    Target(
        "received",
        _("pieces received"),
        lambda: Whole(0, MOST_PIECES),
        hint=_("Added to the shelf; the same file adds them once."),
    ),
    Target("low_threshold", _("stock is low from"), lambda: Whole(0, MOST_PIECES)),
]
BY_NAME = {target.name: target for target in TARGETS}
OF_PRODUCT = [target.name for target in TARGETS if target.of_product]
# Texts in two languages: the Korean one is every page's fallback and stands in for nothing.
PAIRS = ["name", "description", "unit", "variant", "colour", "flavour"]


def is_hangul(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)
