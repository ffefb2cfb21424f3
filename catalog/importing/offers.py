"""Rows of a file against the shop, by django-import-export: its fields and widgets read a row, its results tell.

An Offer is one variant with its product and its shelf, flat as a row is. The resource fills it from the shop, then
from the row, and notes what differs; it writes nothing itself. Checking and writing are the same reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import RowResult
from tablib import Dataset

from catalog.importing.answers import Answer, Answers
from catalog.importing.fields import BY_NAME, OF_PRODUCT, PAIRS, Price, Text, is_hangul
from catalog.importing.mapping import Mapping
from catalog.importing.shelves import Shelves
from catalog.importing.words import WORDS, Wrong


@dataclass(slots=True)
class Offer:
    """One variant as a row tells it. Texts are never None; places are address words."""

    sku: str = ""
    product: str = ""
    seller: str = ""
    seller_name: str = ""
    category: str = ""
    kind: str = ""
    kind_name: str = ""
    name_ko_kp: str = ""
    name_en: str = ""
    description_ko_kp: str = ""
    description_en: str = ""
    unit_ko_kp: str = ""
    unit_en: str = ""
    content_amount: int | None = None
    content_unit: str = ""
    weight_g: int | None = None
    needs_van: bool = False
    minimum_age: int = 0
    is_medicine: bool = False
    listed: bool = True
    variant_ko_kp: str = ""
    variant_en: str = ""
    size: str = ""
    colour_ko_kp: str = ""
    colour_en: str = ""
    flavour_ko_kp: str = ""
    flavour_en: str = ""
    variant_listed: bool = True
    price: int | None = None
    stock: int | None = None
    stock_was: int | None = None
    received: int | None = None
    low_threshold: int = 5
    # What the shop knows and no row says.
    variant_id: int | None = None
    product_id: int | None = None
    on_hand: int = 0
    reserved: int = 0
    number: int = 0  # of the row
    before: Offer | None = None
    answers: dict[str, str] = field(default_factory=dict)  # column of an attribute → its answer
    changes: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.sku

    def copy(self) -> Offer:
        return Offer(**{**{name: getattr(self, name) for name in NAMES}, "answers": dict(self.answers)})

    @property
    def product_values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in OF_PRODUCT)

    @property
    def changes_product(self) -> bool:
        return self.before is not None and self.product_values != self.before.product_values


NAMES = [one.name for one in fields(Offer)]
# Told by the row, but no property of the offer: never a difference by themselves.
NO_DIFFERENCE = {"product", "seller_name", "kind_name", "stock", "stock_was", "received"}
COMPARED = [name for name in BY_NAME if name not in NO_DIFFERENCE]

FIND = """
SELECT v.sku, 'P' || p.id AS product, s.slug AS seller, c.slug AS category, coalesce(k.slug, '') AS kind,
       coalesce(p.name_ko_kp, '') AS name_ko_kp, coalesce(p.name_en, '') AS name_en,
       coalesce(p.description_ko_kp, '') AS description_ko_kp, coalesce(p.description_en, '') AS description_en,
       coalesce(p.unit_ko_kp, '') AS unit_ko_kp, coalesce(p.unit_en, '') AS unit_en, p.content_amount, p.content_unit,
       p.weight_g, p.needs_van, p.minimum_age, p.is_medicine, p.is_active AS listed,
       coalesce(v.name_ko_kp, '') AS variant_ko_kp, coalesce(v.name_en, '') AS variant_en, v.size,
       coalesce(v.colour_ko_kp, '') AS colour_ko_kp, coalesce(v.colour_en, '') AS colour_en,
       coalesce(v.flavour_ko_kp, '') AS flavour_ko_kp, coalesce(v.flavour_en, '') AS flavour_en,
       v.is_active AS variant_listed, v.price, coalesce(x.low_threshold, 5) AS low_threshold,
       v.id AS variant_id, p.id AS product_id, coalesce(x.on_hand, 0) AS on_hand, coalesce(x.reserved, 0) AS reserved
  FROM catalog_productvariant v
  JOIN catalog_product p ON p.id = v.product_id
  JOIN catalog_seller s ON s.id = p.seller_id
  JOIN catalog_category c ON c.id = p.category_id
  LEFT JOIN catalog_productkind k ON k.id = p.kind_id
  LEFT JOIN catalog_stock x ON x.variant_id = v.id
"""


def offers_where(condition: str, values: Sequence[Any]) -> list[Offer]:
    with connection.cursor() as cursor:
        cursor.execute(FIND + condition, values)
        names = [column.name for column in cursor.description or []]
        return [Offer(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


class OffersOfChunk(BaseInstanceLoader):
    """The offers that the chunk's rows name by SKU: one query."""

    def __init__(self, resource: OfferResource, dataset: Dataset) -> None:
        super().__init__(resource, dataset)
        skus = [resource.sku_of(row) for row in dataset.dict]
        self.found = {offer.sku: offer for offer in offers_where("WHERE v.sku = ANY(%s)", [skus])}
        self.received = resource.received_before(self.found.values()) if "received" in resource.fields else set()
        resource.add_answers(self.found.values())

    def get_instance(self, row: dict[str, str]) -> Offer | None:
        return self.found.get(self.resource.sku_of(row))


class OfferResource(resources.Resource):
    """Reads chunks of one file, which share what the file has said so far: SKUs, products, places to be made."""

    class Meta:
        instance_loader_class = OffersOfChunk
        import_id_fields = ("sku",)
        skip_diff = True  # what differs is noted field by field in `changes`
        skip_unchanged = True
        report_skipped = True
        store_instance = True
        use_transactions = False

    def __init__(self, mapping: Mapping, *, digest: str = "") -> None:
        super().__init__()
        self.mapping = mapping
        self.cause = f"import:{digest[:32]}:"  # of receipts: the same file counts once
        self.shelves = Shelves(mapping)
        self.rows_by_sku: dict[str, int] = {}
        self.said: dict[str, tuple[int, int]] = {}  # product → the row that spoke first, and what it said
        self.groups: dict[str, int | None] = {}  # the file's word for a product → its id, None while it is new
        self.numbers: list[int] = []
        self.received: set[tuple[int | None, str]] = set()
        self.answers = Answers(mapping.fields)
        self.fields = {
            name: self._field(name) for name in mapping.fields if name in BY_NAME or name in self.answers.attributes
        }
        self._in_order = list(self.fields.values())
        self._compared = [name for name in COMPARED if name in self.fields or name in _followers(self.fields)]

    def _field(self, name: str) -> Field:
        if name in self.answers.attributes:
            return Field(attribute=name, column_name=name, widget=Answer(self.answers.attributes[name]))
        widget = BY_NAME[name].widget()
        if isinstance(widget, Text):
            widget.shortens = self.mapping.shortens and name not in ("sku", "product", "seller", "kind", "category")
        if isinstance(widget, Price):
            widget.factor = self.mapping.price_factor
        return Field(attribute=name, column_name=name, widget=widget)

    def read(self, rows: list[tuple[int, list[str]]]) -> list[RowResult]:
        """What each row says, as the library's results; their `instance` is the Offer with its changes."""
        dataset = Dataset(headers=self.mapping.fields)
        for _number, cells in rows:
            dataset.append(self.mapping.values_of(cells))
        self.numbers = [number for number, _cells in rows]
        result = self.import_data(dataset, dry_run=False, raise_errors=False, use_transactions=False)
        for error in result.base_errors:
            raise error.error
        return list(result.rows)

    # ------------------------------------------------------------ what the library asks for

    def before_import(self, dataset: Dataset, **options: Any) -> None:
        self.shelves.look_up(dataset.dict)

    def get_instance(self, instance_loader: OffersOfChunk, row: dict[str, str]) -> Offer | None:
        self.received = instance_loader.received
        return instance_loader.get_instance(row)

    def init_instance(self, row: dict[str, str] | None = None) -> Offer:
        return Offer()

    def get_import_fields(self) -> list[Field]:
        return self._in_order

    def after_init_instance(self, instance: Offer, new: bool, row: dict[str, str], **options: Any) -> None:
        instance.number = self.numbers[options["row_number"] - 1]
        instance.before = None if new else instance.copy()

    def import_instance(self, instance: Offer, row: dict[str, str], **options: Any) -> None:
        """Every cell into the offer. All that is wrong is told at once, each with its column."""
        errors: dict[str, ValidationError] = {}
        for one in self._in_order:
            name = str(one.attribute)
            try:
                value = one.clean(row)
                if name in self.answers.attributes:
                    self._answer(instance, name, value)
                    continue
                if name in ("seller", "category", "kind"):
                    value = self.shelves.find(name, value, row)
                if name == "sku":
                    value = self.sku_of(row)
                # An empty cell of a number or a yes-no leaves what stands; an empty content takes it away.
                if value is not None or name in ("content_amount", "stock", "stock_was", "received"):
                    setattr(instance, name, value)
            except Wrong as wrong:
                errors[name] = _error(wrong)
        if errors:
            raise ValidationError(errors)
        try:
            self._complete(instance)
        except _InColumn as wrong:
            raise ValidationError({wrong.column: _error(wrong)}) from None

    def _answer(self, offer: Offer, name: str, text: str | None) -> None:
        """Only what a row tells; the category may stand in a later column, so whether it asks is seen afterwards."""
        if text:
            offer.answers[name] = text
        elif text is not None:
            offer.answers.pop(name, None)

    def add_answers(self, offers: Iterable[Offer]) -> None:
        """What the shop knows of these offers' products, of the attributes in the file. One query."""
        offers = list(offers)
        known = self.answers.of(offer.product_id for offer in offers)
        for offer in offers:
            offer.answers = dict(known.get(offer.product_id or 0, {}))

    def skip_row(self, instance: Offer, original: None, row: object, import_validation_errors: Any = None) -> bool:
        if import_validation_errors:
            return False
        instance.changes = self._changes(instance)
        return instance.before is not None and not instance.changes

    def save_instance(self, instance: Offer, is_create: bool, row: object, **options: Any) -> None:
        """Nothing: writing.py writes a whole chunk at once."""

    def save_m2m(self, instance: Offer, row: object, **options: Any) -> None:
        """Nothing either."""

    # ------------------------------------------------------------ what a whole row must keep to

    def known(self, rows: list[tuple[int, list[str]]]) -> list[Offer]:
        """The shop's offers of these rows."""
        return offers_where("WHERE v.sku = ANY(%s)", [self.skus_of(rows)])

    def skus_of(self, rows: list[tuple[int, list[str]]]) -> list[str]:
        place, fixed = self.mapping.columns["sku"], self.mapping.prefix
        return [fixed + cells[place].strip() for _, cells in rows if place < len(cells)]

    def sku_of(self, row: dict[str, str]) -> str:
        return self.mapping.prefix + str(row["sku"]).strip() if row["sku"].strip() else ""

    def _complete(self, offer: Offer) -> None:
        _fill_languages(offer)
        self._once(offer)
        self._needed(offer)
        self._asked(offer)
        self._one_product(offer)
        self._shelf(offer)

    def _once(self, offer: Offer) -> None:
        first = self.rows_by_sku.setdefault(offer.sku, offer.number)
        if first != offer.number:
            raise _InColumn("sku", "twice", row=first)

    def _needed(self, offer: Offer) -> None:
        for name in ("seller", "category", "price", "weight_g"):
            if getattr(offer, name) in ("", None):
                raise _InColumn(name, "needed")
        if not offer.name_ko_kp:
            raise _InColumn("name_en" if "name_en" in self.fields else "name_ko_kp", "name")
        if (offer.content_amount is None) != (not offer.content_unit):
            raise _InColumn("content_amount", "content")
        if len(offer.sku) > 40:
            raise _InColumn("sku", "long", limit=40)

    def _asked(self, offer: Offer) -> None:
        before = offer.before.answers if offer.before else {}
        for name, text in offer.answers.items():
            if text != before.get(name) and not self.answers.asked_by(offer.category, name):
                raise _InColumn(name, "not_asked", category=offer.category)

    def _one_product(self, offer: Offer) -> None:
        """The row's product: the SKU's own, or the one its word stands for; all its rows say the same about it."""
        before, word = offer.before, offer.product if "product" in self.fields else ""
        if before is not None and offer.seller != before.seller:
            raise _InColumn("seller", "seller_moved", seller=before.seller)
        if word:
            self._join(offer, word)
        key = word or (before.product if before else "")
        if not key:
            return
        saying = hash((offer.product_values, *sorted(offer.answers.items())))
        first, said = self.said.setdefault(key, (offer.number, saying))
        if said != saying:
            raise _InColumn("product" if word else "sku", "differs", row=first)

    def _join(self, offer: Offer, word: str) -> None:
        before = offer.before
        if word not in self.groups:
            self.groups[word] = before.product_id if before else _named(word)
        known = self.groups[word]
        if before is not None:
            if known != before.product_id:
                raise _InColumn("product", "product_moved", product=before.product)
        elif known is not None:
            self._complete_from(offer, offers_where("WHERE p.id = %s LIMIT 1", [known])[0], word)

    def _complete_from(self, offer: Offer, brother: Offer, word: str) -> None:
        """A new variant of a product that is there: what the row does not tell is the product's."""
        if offer.seller != brother.seller:
            raise _InColumn("seller", "seller_moved", seller=brother.seller)
        offer.product_id = brother.product_id
        for name in OF_PRODUCT:
            if name not in self.fields:
                setattr(offer, name, getattr(brother, name))
        self.add_answers([brother])
        offer.answers = brother.answers | offer.answers
        if word not in self.said and (offer.product_values, offer.answers) != (brother.product_values, brother.answers):
            raise _InColumn("product", "says_other")

    def _shelf(self, offer: Offer) -> None:
        if offer.stock is not None and offer.stock == offer.stock_was:
            offer.stock = None
        if offer.stock is not None and offer.received is not None:
            raise _InColumn("received", "two_stocks")
        if offer.stock is not None and offer.stock < offer.reserved:
            raise _InColumn("stock", "promised", n=offer.reserved)
        if (offer.variant_id, self.cause_of(offer)) in self.received:
            offer.received = None

    def cause_of(self, offer: Offer) -> str:
        return f"{self.cause}{offer.number}"

    def received_before(self, offers: Iterable[Offer]) -> set[tuple[int | None, str]]:
        """Which of the chunk's receipts this same file has brought already."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT stock_id, cause FROM catalog_stockmovement"
                " WHERE kind = 'receipt' AND stock_id = ANY(%s) AND cause = ANY(%s)",
                [[offer.variant_id for offer in offers], [f"{self.cause}{number}" for number in self.numbers]],
            )
            return set(cursor.fetchall())

    def _changes(self, offer: Offer) -> list[list[str]]:
        before = offer.before
        if before is None:
            return []
        changes = [
            [name, show(getattr(before, name)), show(getattr(offer, name))]
            for name in self._compared
            if getattr(before, name) != getattr(offer, name)
        ]
        changes += [
            [name, before.answers.get(name, ""), offer.answers.get(name, "")]
            for name in self.answers.attributes
            if before.answers.get(name) != offer.answers.get(name)
        ]
        if offer.stock is not None and offer.stock != before.on_hand:
            changes.append(["stock", show(before.on_hand), show(offer.stock)])
        if offer.received:
            changes.append(["received", show(before.on_hand), show(before.on_hand + offer.received)])
        return changes


def _named(word: str) -> int | None:
    """P12 of an export is product 12; any other word is a product of the file."""
    if not (word[:1] == "P" and word[1:].isascii() and word[1:].isdigit() and len(word) < 18):
        return None
    found = offers_where("WHERE p.id = %s LIMIT 1", [int(word[1:])])
    if not found:
        raise _InColumn("product", "group", value=word)
    return found[0].product_id


class _InColumn(Wrong):
    def __init__(self, column: str, word: str, **values: Any) -> None:
        super().__init__(word, **values)
        self.column = column


def errors_of(result: RowResult) -> list[list[Any]]:
    """[field, word, values] for all that is wrong with a row."""
    if result.validation_error is not None:
        found = result.validation_error.error_dict
        return [[name, one.code, dict(one.params or {})] for name, ones in found.items() for one in ones]
    for error in result.errors:
        raise error.error  # a fault of ours, not of the row
    return []


def show(value: object) -> str:
    """A value as an export writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _error(wrong: Wrong) -> ValidationError:
    return ValidationError(WORDS[wrong.word], code=wrong.word, params=wrong.values)


def _followers(told: Iterable[str]) -> set[str]:
    """The Korean columns that follow an English one."""
    return {f"{pair}_ko_kp" for pair in PAIRS if f"{pair}_en" in set(told)}


def _fill_languages(offer: Offer) -> None:
    """One language is enough. A Korean text that only stands in for the English one follows it, until it is written."""
    if not offer.unit_ko_kp and not offer.unit_en:
        offer.unit_ko_kp, offer.unit_en = "개", "piece"
    for pair in PAIRS:
        korean, english = getattr(offer, f"{pair}_ko_kp"), getattr(offer, f"{pair}_en")
        stands_in = False
        if offer.before is not None:
            was_korean, was_english = getattr(offer.before, f"{pair}_ko_kp"), getattr(offer.before, f"{pair}_en")
            stands_in = korean == was_korean == was_english and not is_hangul(korean)
        if english and (not korean or stands_in):
            setattr(offer, f"{pair}_ko_kp", english)
