"""Forms of the catalogue's admin: what staff type, checked in plain words before the database would refuse it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import User
from accounts.text import LineField
from catalog import pictures, renditions, stock
from catalog.models import Category, Picture, Stock

LOWEST, HIGHEST = 1, 10_000_000  # won; the database keeps the same bounds
MOST_PIECES = 1_000_000


class CategoryForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Category
        fields = ["parent", "slug", "name_ko_kp", "name_en", "icon", "position", "is_active"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        parent: Category | None = cleaned.get("parent")
        if parent is None:
            return cleaned
        if self.instance.pk and self.instance.pk in _with_parents(parent):
            self.add_error("parent", _("A category cannot stand inside itself."))
        elif cleaned.get("is_active") and not parent.is_active:
            self.add_error("is_active", _("The category around it is hidden: show that one first."))
        return cleaned


def _with_parents(category: Category) -> set[int]:
    met: set[int] = set()
    step: Category | None = category
    while step is not None and step.pk not in met:
        met.add(step.pk)
        step = step.parent
    return met


class VariantForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_price(self) -> int:
        price: int = self.cleaned_data["price"]
        if not LOWEST <= price <= HIGHEST:
            raise forms.ValidationError(_("A price is between 1 and 10,000,000 won."))
        return price

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        lowered, begins, ends = (cleaned.get(f"markdown_{part}") for part in ("price", "from", "until"))
        if self.instance.markdown_id and {"markdown_price", "markdown_from", "markdown_until"} & {*self.changed_data}:
            self.add_error("markdown_price", _("A planned markdown lowers this price: change the plan."))
        if lowered is None and (begins or ends):
            self.add_error("markdown_price", _("Write the lowered price, or clear its dates."))
        if lowered is not None:
            for name, moment in (("markdown_from", begins), ("markdown_until", ends)):
                if moment is None and name not in self.errors:
                    self.add_error(name, _("A lowered price needs its first and its last moment."))
            if not lowered or lowered >= cleaned.get("price", HIGHEST + 1):
                self.add_error("markdown_price", _("The lowered price must be below the price."))
        if begins and ends and begins >= ends:
            self.add_error("markdown_until", _("The end must come after the beginning."))
        return cleaned


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if bool(cleaned.get("content_amount")) != bool(cleaned.get("content_unit")):
            empty = "content_unit" if cleaned.get("content_amount") else "content_amount"
            self.add_error(empty, _("Content and its unit go together: fill both or none."))
        return cleaned


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new picture takes a file; an old one only its words and place: another file is another picture."""

    upload = forms.FileField(label=_("file"), widget=UnfoldAdminFileFieldWidget, required=False)

    class Meta:
        model = Picture
        fields = ["alt_ko_kp", "alt_en", "variant", "position"]

    def clean_upload(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("upload")
        if upload is None:
            if not self.instance.pk:
                raise forms.ValidationError(_("Choose a picture file."))
            return None
        if self.instance.pk:
            raise forms.ValidationError(_("Add another file as a new picture and remove this one."))
        try:
            renditions.judge(upload.read(renditions.BYTES_LIMIT + 1))
        except renditions.PictureRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
        upload.seek(0)
        return upload


class PictureFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    def save_new(self, form: forms.ModelForm, commit: bool = True) -> Picture:  # type: ignore[type-arg]
        """A new picture enters the way every picture does: judged, named by its content, drawn by a job."""
        typed = form.cleaned_data
        return pictures.add_picture(
            product=self.instance,
            file=BytesIO(typed["upload"].read()),
            alt_ko_kp=typed.get("alt_ko_kp") or "",
            alt_en=typed.get("alt_en") or "",
            variant=typed.get("variant"),
            position=typed.get("position"),
        )


class MovementForm(forms.Form):
    """One movement of a variant's stock. `token` makes the same form count once, however often it arrives."""

    KINDS = [
        ("receive", _("Received: so many more pieces")),
        ("count", _("Counted: so many pieces stand here, promised ones included")),
        ("return", _("Returned and fit to be sold again: so many more pieces")),
        ("loss", _("Lost or spoiled: so many fewer pieces")),
    ]

    kind = forms.ChoiceField(
        label=_("What happened"), choices=KINDS, initial="receive", widget=UnfoldAdminRadioSelectWidget
    )
    quantity = forms.IntegerField(
        label=_("pieces"), min_value=0, max_value=MOST_PIECES, widget=UnfoldAdminIntegerFieldWidget
    )
    note = LineField(
        label=_("Reason or note"),
        help_text=_("A loss needs its reason; for the others the slip's number will do."),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("quantity") == 0 and cleaned.get("kind") != "count":
            self.add_error("quantity", _("At least one piece."))
        if cleaned.get("kind") == "loss" and not cleaned.get("note") and "note" not in self.errors:
            self.add_error("note", _("Write how the pieces were lost."))
        return cleaned


def move_stock(*, stock_id: int, kind: str, quantity: int, note: str, token: UUID, by: User) -> Stock:
    """What the desk says about one shelf, as one movement. Raises stock.CountBelowReserved."""
    with transaction.atomic():
        row = stock.lock([stock_id])[stock_id]
        cause = f"desk:{token}"
        verbs: dict[str, Callable[..., None]] = {
            "receive": stock.receive,
            "return": stock.take_back,
            "count": stock.correct_count,
            "loss": stock.write_off_loss,
        }
        verbs[kind](row, quantity, cause=cause, by=by, note=note)
    return row
