"""The receipt as a PDF: one or more A5 sheets that open on any telephone, without the shop and without a line.

The font is the part of Noto Sans KR (SIL Open Font License, orders/fonts/OFL) that Korean is written with: the
2,350 syllables of the national standard and those of foreign words. Each PDF carries only the letters it shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from okryu.money import format_won
from orders.sheet import ParcelSheet, Sheet

FONT = Path(__file__).parent / "fonts" / "NotoSansKR-subset.ttf"
A5 = (148, 210)
MARGIN = 12  # millimetres, as every measure here
SUM_WIDTH = 38


def receipt_pdf(sheet: Sheet) -> bytes:
    """The receipt of a paid order in the current language."""
    paper = _Paper(sheet)
    paper.head()
    for each in sheet.parcels:
        paper.parcel(each)
    paper.money()
    return bytes(paper.output())


class _Paper(FPDF):
    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format=A5)
        self.sheet = sheet
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN)
        self.add_font("Noto", fname=FONT)
        self.set_lang(get_language() or "ko-kp")
        self.set_title(f"{_('Receipt')} {sheet.order.shown_code}")
        self.set_creation_date(sheet.order.paid_at)  # the same receipt is the same file
        self.add_page()

    def footer(self) -> None:
        self.set_y(-MARGIN)
        self._write(f"{self.sheet.order.shown_code}   {self.page_no()}", size=8)

    def head(self) -> None:
        order, payment = self.sheet.order, self.sheet.payment
        self._write(_("Okryu shop"), size=10)
        self._write(_("Receipt"), size=18)
        self.ln(2)
        if self.sheet.receipt_number:
            self._row(_("Receipt number"), self.sheet.receipt_number)
        self._row(_("Order"), order.shown_code)
        if order.paid_at:
            self._row(_("Time"), date_format(localtime(order.paid_at), "SHORT_DATETIME_FORMAT"))
        if payment:
            self._row(_("Card"), f"•••• {payment.last4}")

    def parcel(self, each: ParcelSheet) -> None:
        self._rule()
        self._write(f"{each.parcel.seller} · {each.tag}", size=12)
        if not each.is_charged:
            return
        for line in each.lines:
            name = f"{line.shown_name}  {_won(line.unit_price)} × {line.kept}"  # type: ignore[attr-defined]
            if line.returned_quantity:
                name += " · " + _("%(count)s refunded") % {"count": line.returned_quantity}
            self._row(name, _won(line.kept_total))  # type: ignore[attr-defined]
        if each.parcel.fee:
            self._row(_("Delivery"), _won(each.parcel.fee))

    def money(self) -> None:
        self._rule()
        self._write(_("Money"), size=12)
        if self.sheet.voucher_part:
            self._row(_("Paid by the voucher"), _won(-self.sheet.voucher_part))
        for row in self.sheet.money:
            self._row(row.label, _won(-row.won if row.is_refund else row.won))
        self._row(_("Taken so far"), _won(self.sheet.taken), size=12)
        self.ln(3)
        self._write(_("Simulated: no real money moves."), size=8)

    def _write(self, text: str, *, size: int) -> None:
        self.set_font("Noto", size=size)
        self.multi_cell(0, size * 0.55, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _row(self, name: str, value: str, *, size: int = 10) -> None:
        """A name that may run over several lines, and its sum at the right edge of the last."""
        self.set_font("Noto", size=size)
        height, width = size * 0.55, self.epw - SUM_WIDTH
        lines = cast("list[str]", self.multi_cell(width, height, name, align="L", dry_run=True, output="LINES"))
        if self.get_y() + height * len(lines) > self.h - MARGIN * 1.5:
            self.add_page()
            self.set_font("Noto", size=size)
        self.multi_cell(width, height, name, align="L", new_x=XPos.RIGHT, new_y=YPos.LAST)
        self.cell(SUM_WIDTH, height, value, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self) -> None:
        self.ln(2)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(2)


def _won(amount: int) -> str:
    return format_won(amount, get_language() or "ko-kp")
