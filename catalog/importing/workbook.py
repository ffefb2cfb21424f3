"""XLSX within bounds: the packed file is measured by unpacking it piece by piece before openpyxl reads it.

What a workbook claims about its sizes is not believed, only used to refuse sooner. Formulas give the value that was
saved with them; links to other files are never followed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook

from catalog.importing.words import Wrong

MOST_PARTS = 500
MOST_UNPACKED = 120 * 1024 * 1024  # all parts; a sheet of 100,000 rows with 20 columns has some 80 MB
MOST_STRINGS = 48 * 1024 * 1024  # the table of texts is held in memory
MOST_OTHER = 4 * 1024 * 1024  # every other part: styles, names, relations
MOST_TEXTS = 800_000
MOST_CELLS = 3_000_000
PIECE = 65_536
TAGS = re.compile(rb"<(?:[^\s<>/:]{1,200}:)?(row|c|si)[\s/>]")
FORBIDDEN = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
ENCODING = re.compile(rb"""encoding\s*=\s*["']([\w.-]+)""")
OVERLAP = 256  # bytes a tag can be cut within between two pieces


def inspect(content: bytes, *, columns: int, rows: int) -> int:
    """How many rows the largest sheet has. Raises Wrong for a workbook that is not one, or too much of one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            names = {part.filename for part in parts}
            if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
                raise Wrong("not_a_table")
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Wrong("macros")
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise Wrong("bomb")
            return _unpack(packed, parts, columns=columns, rows=rows)
    # All that zipfile raises for a damaged archive, a password (RuntimeError), an unknown method (NotImplementedError).
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        if isinstance(error, Wrong):
            raise
        raise Wrong("broken_workbook") from None


def _unpack(packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo], *, columns: int, rows: int) -> int:
    total, most = 0, 0
    for part in parts:
        if not part.filename.endswith((".xml", ".rels")):
            continue  # pictures and the like are never opened
        size, count = _measure(packed, part, columns=columns, rows=rows)
        total, most = total + size, max(most, count)
        if total > MOST_UNPACKED:
            raise Wrong("bomb")
    return most


def _measure(packed: zipfile.ZipFile, part: zipfile.ZipInfo, *, columns: int, rows: int) -> tuple[int, int]:
    """Bytes and rows of one part, counted while it is unpacked; nothing of it is kept."""
    is_sheet, is_strings = "worksheets/" in part.filename, part.filename.endswith("sharedStrings.xml")
    limit = MOST_UNPACKED if is_sheet else MOST_STRINGS if is_strings else MOST_OTHER
    size = row_count = cells = in_row = texts = 0
    tail = b""
    with packed.open(part) as unpacked:
        while piece := unpacked.read(PIECE):
            if not size:
                _check_start(piece)
            size += len(piece)
            if size > limit:
                raise Wrong("bomb")
            window = tail + piece
            if FORBIDDEN.search(window):
                raise Wrong("broken_workbook")
            # A tag that begins in the overlap is counted with the next piece, whole.
            end = len(window) - OVERLAP
            for found in TAGS.finditer(window):
                if found.start() >= end and len(piece) == PIECE:
                    break
                tag = found.group(1)
                if tag == b"row":
                    row_count, in_row = row_count + 1, 0
                elif tag == b"c":
                    cells, in_row = cells + 1, in_row + 1
                else:
                    texts += 1
                if in_row > columns:
                    raise Wrong("too_many_columns", limit=columns)
            if row_count > rows + 1:
                raise Wrong("too_many_rows", limit=f"{rows:,}")
            if cells > MOST_CELLS or texts > MOST_TEXTS:
                raise Wrong("bomb")
            tail = window[end:] if len(piece) == PIECE else b""
    return size, row_count


def _check_start(piece: bytes) -> None:
    """Only UTF-8: in another encoding a forbidden declaration would not be seen."""
    named = ENCODING.search(piece[:200])
    if piece[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in piece[:200] or (named and named[1].lower() != b"utf-8"):
        raise Wrong("broken_workbook")


def rows(content: bytes, *, columns: int) -> Iterator[tuple[int, list[str]]]:
    """The first sheet's rows as text. Only for what `inspect` let through."""
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        if not book.worksheets:
            raise Wrong("broken_workbook")
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # claims of the file about itself
        for number, values in enumerate(sheet.iter_rows(values_only=True, max_col=columns + 1), start=1):
            cells = [_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells
    except Wrong:
        raise
    except Exception:
        raise Wrong("broken_workbook") from None


def _text(value: Any) -> str:
    """A cell as a person would type it: 1250 and not 1250.0, days and hours by the standard."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
