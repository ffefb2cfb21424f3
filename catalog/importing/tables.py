"""A file somebody sent, as a header and rows of text: CSV in the encodings people save, or XLSX.

Every size is bounded before it is met: bytes, rows, columns, one line, one cell. Raises Wrong for a file that is no
table; a row that is wrong by itself comes with what is wrong with it.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.importing import workbook
from catalog.importing.words import Wrong

MOST_BYTES = 24 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
LONGEST_CELL = 10_000
LONGEST_LINE = 200_000
SAMPLE = 65_536
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DELIMITERS = (",", ";", "\t", "|")


@dataclass(slots=True)
class Row:
    number: int  # the line it begins in; the header stands in the first
    cells: list[str]
    wrong: Wrong | None = None


@dataclass(slots=True)
class Table:
    header: list[str]
    rows: Iterator[Row]
    about: int  # how many rows there will be, at most, for the progress bar


def read(content: bytes) -> Table:
    """The table in `content`, known by its first bytes and not by the file's name. Rows come as they are read."""
    if len(content) > MOST_BYTES:
        raise Wrong("too_large", limit=MOST_BYTES // 1024 // 1024)
    if not content.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise Wrong("empty")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Wrong("old_excel")
    if content.startswith(b"PK\x03\x04"):
        about = workbook.inspect(content, columns=MOST_COLUMNS, rows=MOST_ROWS)
        return _table(workbook.rows(content, columns=MOST_COLUMNS), about, pads=True)
    about = max(content.count(b"\n"), content.count(b"\r"))
    return _table(_csv_rows(content, _encoding(content)), about, pads=False)


def _table(raw: Iterator[tuple[int, list[str]]], about: int, *, pads: bool) -> Table:
    first = next(raw, None)
    header = [cell.strip() for cell in first[1]] if first else []
    while header and not header[-1]:
        header.pop()
    if not any(header):
        raise Wrong("no_header")
    if len(header) > MOST_COLUMNS:
        raise Wrong("too_many_columns", limit=MOST_COLUMNS)
    if any(_is_binary(name) for name in header):
        raise Wrong("not_a_table")
    return Table([name[:200] for name in header], _rows(raw, len(header), pads=pads), about)


def _is_binary(name: str) -> bool:
    return any(ord(char) < 32 and char not in "\t\r\n" for char in name)


def _rows(raw: Iterator[tuple[int, list[str]]], width: int, *, pads: bool) -> Iterator[Row]:
    count = 0
    for number, cells in raw:
        if not any(cells):
            continue  # an empty line says nothing
        count += 1
        if count > MOST_ROWS:
            raise Wrong("too_many_rows", limit=f"{MOST_ROWS:,}")
        # A sheet leaves out the empty cells at a row's end.
        yield _row(number, cells + [""] * (width - len(cells)) if pads else cells, width)


def _row(number: int, cells: list[str], width: int) -> Row:
    while len(cells) > width and not cells[-1]:
        cells.pop()
    wrong = None
    if len(cells) != width:
        wrong = Wrong("ragged", count=len(cells), wanted=width)
        cells = [*cells[:width], *[""] * (width - len(cells))]
    if any("\x00" in cell for cell in cells):
        wrong = Wrong("nul")
        cells = [cell.replace("\x00", "\ufffd") for cell in cells]
    if any(len(cell) > LONGEST_CELL for cell in cells):
        wrong = Wrong("cell_too_long", limit=f"{LONGEST_CELL:,}")
        cells = [cell[:LONGEST_CELL] for cell in cells]
    return Row(number, cells, wrong)


# ---------------------------------------------------------------- CSV


def _encoding(content: bytes) -> str:
    """What the bytes are written in: by the mark before them, by the NULs of UTF-16, else by trying."""
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return _tried(content, [name])
    start = content[:SAMPLE]
    if start.count(0) > len(start) // 4:
        return _tried(content, ["utf-16-le"] if start[1::2].count(0) > start[::2].count(0) else ["utf-16-be"])
    return _tried(content, ["utf-8", "cp949"])


def _tried(content: bytes, names: list[str]) -> str:
    for name in names:
        decoder = codecs.getincrementaldecoder(name)()
        try:
            for place in range(0, len(content), SAMPLE):
                decoder.decode(content[place : place + SAMPLE])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Wrong("encoding")


def _csv_rows(content: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    start = text.readline(LONGEST_LINE)
    text.seek(0)
    delimiter = max(DELIMITERS, key=start.count)
    # Excel writes "sep=;" above the header for itself.
    is_note = start.lower().startswith("sep=")
    if is_note:
        delimiter = start[4:5] or ","
        text.readline()
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    begins = 1 + is_note
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Wrong("quotes", line=begins) from None
        yield begins, cells
        begins = reader.line_num + 1 + is_note


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Physical lines, none longer than any row may be; a row of many lines is bounded by the csv module's own limit."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise Wrong("line_too_long", line=number)
        yield line
