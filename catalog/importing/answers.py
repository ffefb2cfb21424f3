"""Answers to the categories' attributes in a file: one column for each attribute, named a-<its address word>.

A cell is read into one text that says the same whoever wrote it: address words of choices joined by ";", a plain
number, yes or no. An empty cell leaves what stands; a dash takes the answer away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from import_export.widgets import Widget

from catalog import attributes
from catalog.importing.fields import NO, YES, Target
from catalog.importing.words import Wrong
from catalog.models import Attribute, Category

PREFIX = "a-"
NOTHING = ("-", "–", "—")
AMOUNT = re.compile(r"(?:[0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\.[0-9]{1,3})?")
CHOICES_TOLD = 8


class Answer(Widget):
    """A cell of an attribute's column."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__()
        self.attribute = attribute

    def clean(self, value: str, row: object = None, **options: object) -> str | None:
        """The answer's text; "" takes it away, None says nothing."""
        text = value.strip()
        if not text:
            return None
        if text in NOTHING:
            return ""
        if self.attribute.kind == Attribute.Kind.CHOICE:
            return self._choices(text)
        if self.attribute.kind == Attribute.Kind.NUMBER:
            if not AMOUNT.fullmatch(text):
                raise Wrong("amount", value=text[:40])
            return attributes.number_text(Decimal(text.replace(",", "")))
        if text.casefold() not in YES | NO:
            raise Wrong("yes_no", value=text[:40])
        return "yes" if text.casefold() in YES else "no"

    def _choices(self, text: str) -> str:
        chosen = set()
        for part in filter(None, (part.strip() for part in text.split(attributes.BETWEEN))):
            option = attributes.option_named(self.attribute, part)
            if option is None:
                names = ", ".join(one.name for one in list(self.attribute.options.all())[:CHOICES_TOLD])
                raise Wrong("choice", value=part[:40], choices=names)
            chosen.add(option.pk)
        return attributes.BETWEEN.join(one.slug for one in self.attribute.options.all() if one.pk in chosen)


class Answers:
    """The attributes some columns of a file answer, and which categories ask for them."""

    def __init__(self, fields: Iterable[str]) -> None:
        slugs = [name.removeprefix(PREFIX) for name in fields if name.startswith(PREFIX)]
        found = Attribute.objects.filter(slug__in=slugs).prefetch_related("options", "categories") if slugs else ()
        self.attributes: dict[str, Attribute] = {f"{PREFIX}{one.slug}": one for one in found}
        self._asking = {
            name: {category.pk for category in one.categories.all()} for name, one in self.attributes.items()
        }
        shelves = Category.objects.values_list("slug", "pk", "parent_id") if self.attributes else ()
        self._places = {slug: (pk, parent) for slug, pk, parent in shelves}
        self._parents = dict(self._places.values())

    def asked_by(self, category: str, name: str) -> bool:
        """Whether the category of this address word, or one around it, asks for the attribute."""
        step, parent = self._places.get(category, (None, None))
        while step is not None:
            if step in self._asking[name]:
                return True
            step, parent = parent, self._parents.get(parent) if parent is not None else None
        return False

    def of(self, product_ids: Iterable[int | None]) -> dict[int, dict[str, str]]:
        """What these products answer, by column."""
        ids = sorted({pk for pk in product_ids if pk is not None})
        if not self.attributes or not ids:
            return {}
        found = attributes.texts_of(ids, list(self.attributes.values()))
        return {pk: {f"{PREFIX}{slug}": text for slug, text in told.items()} for pk, told in found.items()}

    def write(self, changed: Sequence[tuple[int, str, str]]) -> None:
        """(product, column, text) of every answer that differs; the products are locked."""
        attributes.set_texts([(pk, self.attributes[name], text) for pk, name, text in changed])


def targets() -> list[Target]:
    """A target for each attribute, in the order of forms."""
    found = Attribute.objects.prefetch_related("options", "categories").order_by("position", "id")
    return [_target(one) for one in found]


def _target(attribute: Attribute) -> Target:
    hint = ", ".join(category.name for category in attribute.categories.all())
    names = tuple(filter(None, (attribute.slug, attribute.name_ko_kp, attribute.name_en)))  # type: ignore[attr-defined]
    return Target(
        f"{PREFIX}{attribute.slug}",
        attribute.name,
        lambda: Answer(attribute),
        names,
        hint=hint,
        fixable=False,
    )


def labels(names: Iterable[str]) -> dict[str, str]:
    """What these columns are called; no query where none is an attribute's."""
    slugs = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}
    return {f"{PREFIX}{one.slug}": one.name for one in Attribute.objects.filter(slug__in=slugs)} if slugs else {}
