"""Products, prices and stock as a file whose columns map themselves when it comes back.

Written row by row while it is sent, whatever the number. A cell that a table program would take for a formula gets an
apostrophe before it, which an import takes away again.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from xml.sax.saxutils import escape

from catalog.importing.answers import targets
from catalog.importing.fields import BY_NAME
from catalog.importing.mapping import Mapping
from catalog.importing.offers import Offer, OfferResource, offers_where

BATCH = 1000
FORMULA = re.compile(r"'*[=+\-@\t\r]")
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LEFT_OUT = ("seller_name", "kind_name", "received")
COLUMNS = [name for name in BY_NAME if name not in LEFT_OUT]


def rows() -> Iterator[list[str]]:
    """The header, then every variant, the oldest first."""
    columns = [*COLUMNS, *(target.name for target in targets())]
    resource = OfferResource(Mapping(columns={name: place for place, name in enumerate(columns)}))
    yield [*COLUMNS, *resource.answers.attributes]
    after = 0
    while offers := offers_where("WHERE v.id > %s ORDER BY v.id LIMIT %s", [after, BATCH]):
        resource.add_answers(offers)
        for offer in offers:
            offer.stock = offer.stock_was = offer.on_hand
            yield _row(resource, offer)
        after = offers[-1].variant_id or 0


def _row(resource: OfferResource, offer: Offer) -> list[str]:
    told = [str(resource.fields[name].export(offer) or "") for name in COLUMNS]
    return [guarded(text) for text in (*told, *(offer.answers.get(name, "") for name in resource.answers.attributes))]


def guarded(text: str) -> str:
    """Text no table program takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def as_csv(lines: Iterator[list[str]]) -> Iterator[bytes]:
    """UTF-8 with the mark that table programs know it by."""
    yield b"\xef\xbb\xbf"
    for text in _joined(lines):
        yield text.encode()


def _joined(lines: Iterator[list[str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for count, line in enumerate(lines, start=1):
        writer.writerow(line)
        if count % BATCH == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


# ---------------------------------------------------------------- XLSX

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
    f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/><Override'
    f' PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type='
    f'"{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets><sheet name="products" sheetId="1"'
    ' r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type='
    f'"{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


class _Outgoing(io.RawIOBase):
    """Where zipfile writes to; what has come in is taken out and sent."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        self.pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken


def as_xlsx(lines: Iterator[list[str]]) -> Iterator[bytes]:
    """One sheet of texts: numbers too, so that no SKU loses its zeros. openpyxl would hold or store the whole of it."""
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for name, text in _PARTS.items():
            packed.writestr(name, _HEAD + text)
        with packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_SHEETS}"><sheetData>'.encode())
            for count, line in enumerate(lines, start=1):
                cells = "".join(map(_cell, line))
                sheet.write(f"<row>{cells}</row>".encode())
                if count % BATCH == 0:
                    yield outgoing.take()
            sheet.write(b"</sheetData></worksheet>")
    yield outgoing.take()


def _cell(text: str) -> str:
    if not text:
        return "<c/>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(NOT_XML.sub("", text))}</t></is></c>'
