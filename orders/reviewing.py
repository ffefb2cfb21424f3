"""Reviews by who bought: one for each line of a parcel that was handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.text import WordsField
from catalog import reviews
from catalog.models import Review
from orders.models import OrderLine, Parcel


def _star_tile(n: int) -> str:
    """Short enough for five beside each other on a small screen, said in full to screen readers."""
    words = ngettext("%(n)d star", "%(n)d stars", n) % {"n": n}
    return format_html('<span aria-hidden="true">{}★</span><span class="unseen">{}</span>', n, words)


class ReviewForm(forms.Form):
    """Stars and words about one line. Nothing filled in says nothing about it."""

    use_required_attribute = False

    stars = forms.TypedChoiceField(
        label=_("Stars"),
        choices=lambda: [(n, _star_tile(n)) for n in range(5, 0, -1)],
        coerce=int,
        required=False,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Choose one to five stars.")},
    )
    words = WordsField(
        label=_("Your words"),
        help_text=_("What was good, what was not. At most 1,000 letters, without names and numbers of people."),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("words") and not cleaned.get("stars") and "stars" not in self.errors:
            self.add_error("stars", _("Choose one to five stars."))
        return cleaned


@dataclass
class Entry:
    """One thing bought, what was said of it, and the form to say more; no form once it is published."""

    line: OrderLine
    review: Review | None
    form: ReviewForm | None

    @property
    def said(self) -> tuple[int, str] | None:
        if self.form is None or not self.form.cleaned_data.get("stars"):
            return None
        return self.form.cleaned_data["stars"], self.form.cleaned_data["words"]


def entries(parcel: Parcel, data: Mapping[str, Any] | None = None) -> list[Entry]:
    """What can be said of a parcel; `data` is what was sent. Two queries and the pictures'."""
    lines = [line for line in _lines(parcel) if line.kept_quantity]
    written = reviews.of_purchases(line.public_id for line in lines)
    found = []
    for number, line in enumerate(lines, start=1):
        review = written.get(line.public_id)
        form = None
        if review is None or review.state != Review.State.PUBLISHED:
            initial = {"stars": review.stars, "words": review.text} if review else {}
            form = ReviewForm(data, initial=initial, prefix=f"line-{number}")
        found.append(Entry(line, review, form))
    return found


def write_all(said: list[Entry], *, by: User) -> int:
    """Keep what was said; how many reviews stand now. Sent again it changes nothing. Raises AlreadyPublished."""
    count = 0
    with transaction.atomic():
        for entry in said:
            if entry.said is None:
                continue
            stars, text = entry.said
            product = entry.line.variant.product
            reviews.write(purchase=entry.line.public_id, product=product, user=by, stars=stars, text=text)
            count += 1
    return count


def _lines(parcel: Parcel) -> list[OrderLine]:
    lines = parcel.lines.select_related("variant__product").prefetch_related("variant__product__pictures")
    return list(lines.order_by("pk"))
