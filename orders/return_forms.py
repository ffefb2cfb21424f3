"""Forms about goods that come back: the member's wish, and the answers at the desk."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.text import LineField
from catalog.renditions import PictureRefused
from orders.models import OrderLine, Return
from orders.refunds import Goods
from orders.returns import Wish, draw_photograph
from orders.sheet import say


class _PiecesForm(forms.Form):
    """How many pieces of each line, in fields named by the lines' public ids."""

    use_required_attribute = False

    def add_lines(self, lines: Sequence[tuple[OrderLine, int]], *, start_full: bool) -> None:
        self.lines = [line for line, _most in lines]
        fields = {}
        for line, most in lines:
            say(line)
            fields[f"line_{line.public_id}"] = forms.TypedChoiceField(
                label=line.shown_name,  # type: ignore[attr-defined]
                choices=[(n, _pieces(n)) for n in range(most + 1)],
                coerce=int,
                initial=most if start_full else 0,
            )
        self.fields = fields | self.fields

    @property
    def quantities(self) -> dict[uuid.UUID, int]:
        return {line.public_id: self.cleaned_data[f"line_{line.public_id}"] for line in self.lines}


class ReturnForm(_PiecesForm):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    reason = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=Return.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say why the goods come back.")},
    )
    is_opened = forms.BooleanField(label=gettext_lazy("It has been opened"), required=False)
    words = LineField(
        label=gettext_lazy("What is wrong"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    photograph = forms.FileField(
        label=gettext_lazy("Photograph"),
        help_text=gettext_lazy("Needed for spoiled food. Only you and the people of the shop who decide see it."),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    def __init__(self, *args: Any, lines: Sequence[tuple[OrderLine, int]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_lines(lines, start_full=len(lines) == 1 and lines[0][1] == 1)

    def clean_photograph(self) -> bytes | None:
        file = self.cleaned_data["photograph"]
        if not file:
            return None
        try:
            return draw_photograph(file.read())
        except PictureRefused as refused:
            raise ValidationError(str(refused)) from None

    def wish(self) -> Wish:
        cleaned = self.cleaned_data
        return Wish(
            key=cleaned["key"],
            reason=cleaned["reason"],
            quantities=self.quantities,
            is_opened=cleaned["is_opened"],
            words=cleaned["words"],
            photograph=cleaned["photograph"],
        )


class AcceptForm(forms.Form):
    use_required_attribute = False

    answer = LineField(
        label=gettext_lazy("How the goods come back"),
        help_text=gettext_lazy("The member reads it: who fetches them, or where to bring them."),
        max_length=300,
        required=False,
    )


class RefuseForm(forms.Form):
    use_required_attribute = False

    answer = LineField(
        label=gettext_lazy("Why not"),
        help_text=gettext_lazy("The member reads it."),
        max_length=300,
        error_messages={"required": gettext_lazy("Tell the member why.")},
    )


class InspectForm(_PiecesForm):
    goods = forms.ChoiceField(
        label=gettext_lazy("The goods"),
        choices=[
            (Goods.RESTOCK.value, gettext_lazy("go back on sale")),
            (Goods.WRITE_OFF.value, gettext_lazy("cannot be sold again")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say what becomes of the goods.")},
    )
    with_fee = forms.BooleanField(label=gettext_lazy("Refund the delivery fee as well"), required=False)

    def __init__(self, *args: Any, lines: Sequence[tuple[OrderLine, int]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_lines(lines, start_full=True)


def _pieces(number: int) -> str:
    if number == 0:
        return _("none")
    return ngettext("%(n)d piece", "%(n)d pieces", number) % {"n": number}
