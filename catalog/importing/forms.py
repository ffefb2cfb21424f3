"""The bureau's forms of an import: the file, what its columns are, how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import District
from catalog.importing import answers
from catalog.importing.fields import BY_NAME, TARGETS, Price, Target
from catalog.importing.mapping import Mapping
from catalog.importing.shelves import PLACES, Shelves
from catalog.importing.words import Wrong, say
from catalog.models import CatalogueImport

LARGEST_FACTOR = Decimal(1_000_000)
# What a new product needs; the rest of the page is folded away.
FIRST = ("sku", "name_ko_kp", "name_en", "seller", "category", "price", "weight_g", "stock", "received", "listed")


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, up to 24 MB and 100,000 rows. The first row names the columns."),
        allow_empty_file=True,  # told in our own words
        max_length=255,
    )


@dataclass(slots=True)
class Line:
    """A field of the shop on the page: which column it is, and what holds where the file says nothing."""

    target: Target
    column: BoundField
    fixed: BoundField | None


class MappingForm(forms.Form):
    factor = forms.CharField(
        label=_("Prices are multiplied by"),
        max_length=20,
        help_text=_("100 makes 129.99 of the file 12,999 won. Rounded half up to whole won."),
    )
    code_prefix = forms.SlugField(
        label=_("Put before the file's own SKUs and codes"),
        max_length=12,
        required=False,
        help_text=_("So that another shop's “1” never meets ours: pr- makes pr-1."),
    )
    shortens = forms.BooleanField(
        label=_("Cut texts that are too long"),
        required=False,
        help_text=_("Otherwise such rows are wrong."),
    )
    makes_missing = forms.BooleanField(
        label=_("Make categories, sellers and kinds the shop does not have"),
        required=False,
        help_text=_("Categories and sellers stay hidden until you show them."),
    )
    district = forms.ModelChoiceField(
        District.objects.all(),
        label=_("District of new sellers"),
        required=False,
        to_field_name="slug",
        empty_label=_("none"),
    )

    def __init__(self, data: Any = None, *, header: list[str], mapping: Mapping) -> None:
        initial: dict[str, Any] = {
            "factor": mapping.factor,
            "code_prefix": mapping.prefix,
            "shortens": mapping.shortens,
            "makes_missing": mapping.makes_missing,
            "district": mapping.district,
        }
        super().__init__(data, initial=initial)
        self.attributes = answers.targets()
        choices: list[tuple[str, Any]] = [("", _("not in the file"))]
        choices += [(str(n), f"{n + 1}. {name or '–'}"[:80]) for n, name in enumerate(header)]
        for target in self._targets():
            label = capfirst(target.label)
            place = mapping.columns.get(target.name)
            self.fields[f"column_{target.name}"] = forms.ChoiceField(
                label=label,
                choices=choices,
                required=False,
                initial="" if place is None else str(place),
                help_text=target.hint,
            )
            if target.fixable:
                self.fields[f"fixed_{target.name}"] = forms.CharField(
                    label=format_lazy(_("{field}: where the file says nothing"), field=label),
                    required=False,
                    max_length=4000,
                    initial=mapping.fixed.get(target.name, ""),
                )

    def _targets(self) -> list[Target]:
        return [*TARGETS, *self.attributes]

    def lines(self, targets: Iterable[Target] = TARGETS) -> Iterator[Line]:
        for target in targets:
            fixed = self[f"fixed_{target.name}"] if target.fixable else None
            yield Line(target, self[f"column_{target.name}"], fixed)

    def first_lines(self) -> list[Line]:
        return sorted((one for one in self.lines() if one.target.name in FIRST), key=_place)

    def other_lines(self) -> list[Line]:
        return [one for one in self.lines() if one.target.name not in FIRST]

    def attribute_lines(self) -> list[Line]:
        return list(self.lines(self.attributes))

    @property
    def has_other_lines(self) -> bool:
        """Something of the folded part is filled in or wrong: it stands open."""
        return _says_something(self.other_lines())

    @property
    def has_attribute_lines(self) -> bool:
        return _says_something(self.attribute_lines())

    def clean_factor(self) -> str:
        try:
            factor = Decimal(self.cleaned_data["factor"].replace(",", ""))
        except InvalidOperation:
            factor = Decimal("NaN")
        if not factor.is_finite() or not 0 < factor <= LARGEST_FACTOR:
            raise ValidationError(_("Write a number above 0 and up to 1,000,000."))
        return f"{factor:f}"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            mapping = self._mapping(cleaned)
            if "sku" not in mapping.columns:
                self.add_error("column_sku", _("Say which column names each thing to sell: rows are known by it."))
            elif len(mapping.columns) == 1 and not mapping.fixed:
                self.add_error("column_price", _("Say at least one thing the file tells beside the SKU."))
            if mapping.makes_missing and "seller" in mapping.columns and not mapping.district:
                self.add_error("district", _("Choose where new sellers are."))
            self._check_fixed(mapping)
            cleaned["mapping"] = mapping
        return cleaned

    def _mapping(self, cleaned: dict[str, Any]) -> Mapping:
        columns = {target.name: cleaned[f"column_{target.name}"] for target in self._targets()}
        fixed = {target.name: cleaned.get(f"fixed_{target.name}", "").strip() for target in TARGETS}
        return Mapping(
            columns={name: int(place) for name, place in columns.items() if place},
            fixed={name: text for name, text in fixed.items() if text},
            factor=cleaned["factor"],
            prefix=cleaned["code_prefix"],
            shortens=cleaned["shortens"],
            makes_missing=cleaned["makes_missing"],
            district=cleaned["district"].slug if cleaned["district"] else "",
        )

    def _check_fixed(self, mapping: Mapping) -> None:
        """A fixed value is read as a cell would be, now and not in every row."""
        shelves = Shelves(mapping)
        for name, text in mapping.fixed.items():
            widget = BY_NAME[name].widget()
            if isinstance(widget, Price):
                widget.factor = mapping.price_factor
            try:
                widget.clean(text)
                if name in PLACES:
                    shelves.look_up([{name: text}])
                    shelves.find(name, text, {})
            except Wrong as wrong:
                self.add_error(f"fixed_{name}", say(wrong.word, wrong.values))


def _says_something(lines: Iterable[Line]) -> bool:
    bounds = [bound for line in lines for bound in (line.column, line.fixed) if bound is not None]
    return any(bound.errors or bound.value() for bound in bounds)


def _place(line: Line) -> int:
    return FIRST.index(line.target.name)


class WritingForm(forms.Form):
    how = forms.ChoiceField(
        label=_("How is it written?"), choices=CatalogueImport.How.choices, widget=forms.RadioSelect
    )
