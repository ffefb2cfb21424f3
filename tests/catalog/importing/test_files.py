"""Files from anybody: each gets a clear answer, none more memory than a table needs."""

from __future__ import annotations

import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.importing import tables, workbook
from catalog.importing.mapping import Mapping
from catalog.importing.words import WORDS, Wrong
from catalog.models import CatalogueImport, ProductVariant
from tests.catalog.importing.files import HEADER, NOODLES, SOUP, as_csv, as_xlsx, checked, errors, shelves, written
from tests.factories import StaffFactory

MB = 1024 * 1024
PLACE = re.compile(r"%\(\w+\)s")
TEXT = as_csv(NOODLES, SOUP).decode()


def read(content: bytes) -> tuple[list[str], list[list[str]]]:
    table = tables.read(content)
    return table.header, [row.cells for row in table.rows]


def refused(content: bytes) -> str:
    with pytest.raises(Wrong) as wrong:
        read(content)
    return wrong.value.word


# ---------------------------------------------------------------- CSV as people save it


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp949"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        ("sep=;\r\n" + TEXT.replace(",", ";")).encode("utf-8-sig"),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.replace("\r\n", "\n\n").encode(),
        TEXT.replace("N-1", '"N-1"').encode(),
        TEXT.encode() + b"\r\n,,,,,,,\r\n",
    ],
)
def test_one_table_in_all_the_ways_it_is_saved(content: bytes) -> None:
    assert read(content) == (HEADER, [NOODLES, SOUP])


def test_quotes_hold_marks_and_line_ends() -> None:
    assert read(b'a,b\r\n"say ""hi"", twice","two\r\nlines"\r\n')[1] == [['say "hi", twice', "two\r\nlines"]]


def test_rows_are_known_by_the_line_they_begin_in() -> None:
    table = tables.read(b'a,b\n"x\ny",1\nz,2\n')
    assert [row.number for row in table.rows] == [2, 4]


def test_wrong_rows_are_told_and_the_others_read() -> None:
    table = tables.read(b"a,b,c\n1,2\n1,2,3,4\n1,2,3\n1,\x00,3\n1," + b"x" * 20_000 + b",3\n1,2,3,,\n")
    wrong = [(row.number, row.wrong.word if row.wrong else "") for row in table.rows]
    assert wrong == [(2, "ragged"), (3, "ragged"), (4, ""), (5, "nul"), (6, "cell_too_long"), (7, "")]


# ---------------------------------------------------------------- files that are no table


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def workbook_with(**parts: bytes) -> bytes:
    """A real workbook with some parts put in place of its own."""
    with zipfile.ZipFile(io.BytesIO(as_xlsx(NOODLES))) as packed:
        own = {name: packed.read(name) for name in packed.namelist()}
    return zipped(own | {name.replace("__", "/"): content for name, content in parts.items()})


BOOK = as_xlsx(NOODLES)
SHEET = "xl/worksheets/sheet1.xml"
OPENING = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CLOSING = b"</sheetData></worksheet>"


def pattern(word: str) -> str:
    """The sentence as it stands on a page, whatever its numbers are."""
    return "[0-9,]+".join(re.escape(part) for part in PLACE.split(escape(str(WORDS[word]))))


def sheet(rows: bytes) -> bytes:
    return workbook_with(**{SHEET: OPENING + rows + CLOSING})


def lying(content: bytes) -> bytes:
    """The same archive, saying that every part is ten bytes long when unpacked."""
    out, place = bytearray(content), 0
    while (place := out.find(b"PK\x01\x02", place)) >= 0:
        out[place + 24 : place + 28] = (10).to_bytes(4, "little")
        place += 4
    return bytes(out)


HOSTILE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "nothing": (lambda: b"", {"empty"}),
    "spaces": (lambda: b"\xef\xbb\xbf \r\n\t\r\n", {"empty"}),
    "NULs": (lambda: b"\x00" * MB, {"empty"}),
    "header alone": (lambda: b"sku,price\r\n", {"no_rows"}),
    "no header": (lambda: b",,,\r\n1,2,3,4\r\n", {"no_header"}),
    "random bytes": (lambda: bytes(range(1, 256)) * 999, {"encoding", "not_a_table", "quotes"}),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 99, {"encoding", "not_a_table"}),
    "a PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"\x9c\xff\x00\x81" * 9999, {"encoding", "not_a_table"}),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 9999, {"old_excel"}),
    "broken UTF-16": (lambda: b"\xff\xfea\x00b\x00\x00\xd8x\x00", {"encoding"}),
    "half a letter": (lambda: TEXT.encode()[:-1] + b"\xec\x9f", {"encoding"}),
    "a million columns": (lambda: b"a" + b"," * MB + b"b\r\n1\r\n", {"line_too_long", "too_many_columns"}),
    "201 columns": (lambda: ",".join(["a"] * 201).encode() + b"\r\n1\r\n", {"too_many_columns"}),
    "an endless line": (lambda: b"a,b\r\n1," + b"x" * 5 * MB, {"line_too_long"}),
    "an open quote": (lambda: b'a,b\r\n"1,2\r\n' + b"3,4\r\n" * 200_000, {"quotes"}),
    "a stray quote": (lambda: b'a,b\r\n"1"x,2\r\n', {"quotes"}),
    "too many rows": (lambda: b"a,b\r\n" + b"1,2\r\n" * 100_001, {"too_many_rows"}),
    "too large": (lambda: b"a,b\r\n" * 5_100_000, {"too_large"}),
    "a zip of something": (lambda: zipped({"readme.txt": b"hello"}), {"not_a_table"}),
    "half a workbook": (lambda: as_xlsx(NOODLES)[:2000], {"broken_workbook"}),
    "no workbook inside": (lambda: zipped({"[Content_Types].xml": b"<x/>", "xl/y.xml": b"<y/>"}), {"broken_workbook"}),
    "no XML inside": (lambda: workbook_with(**{SHEET: b"<worksheet><"}), {"broken_workbook"}),
    "macros": (lambda: workbook_with(**{"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}), {"macros"}),
    "a bomb of spaces": (lambda: sheet(b" " * 121 * MB), {"bomb"}),
    "a bomb that lies": (lambda: lying(sheet(b" " * 121 * MB)), {"bomb", "broken_workbook"}),
    "a bomb of texts": (lambda: workbook_with(**{"xl/sharedStrings.xml": b"<si/>" * 900_000}), {"bomb"}),
    "a bomb of long texts": (lambda: workbook_with(**{"xl/sharedStrings.xml": b"x" * 60 * MB}), {"bomb"}),
    "a bomb of styles": (lambda: workbook_with(**{"xl/styles.xml": b" " * 9 * MB}), {"bomb"}),
    "600 parts": (lambda: workbook_with(**{f"xl/{n}.xml": b"<x/>" for n in range(600)}), {"bomb"}),
    "a million columns in a sheet": (lambda: sheet(b"<row>" + b"<c/>" * MB + b"</row>"), {"too_many_columns"}),
    "as many by another name": (lambda: sheet(b"<row>" + b"<q:c/>" * 9999 + b"</row>"), {"too_many_columns"}),
    "a million rows": (lambda: sheet(b"<row/>" * MB), {"too_many_rows"}),
    "a far column": (
        lambda: sheet(b'<row><c r="XFD1" t="inlineStr"><is><t>a</t></is></c></row>'),
        {"no_header", "too_many_columns"},
    ),
    "a column past all": (lambda: sheet(b'<row><c r="ZZZZZZ1"><v>1</v></c></row>'), {"broken_workbook", "no_header"}),
    "a text that is not there": (
        lambda: sheet(b'<row><c t="s"><v>99</v></c></row><row><c t="s"><v>1</v></c></row>'),
        {"broken_workbook"},
    ),
    "entities": (
        lambda: workbook_with(**{SHEET: b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]>' + OPENING + b"&a;" + CLOSING}),
        {"broken_workbook"},
    ),
    "entities in UTF-16": (
        lambda: workbook_with(**{SHEET: '<!DOCTYPE x [<!ENTITY a "a">]><worksheet/>'.encode("utf-16")}),
        {"broken_workbook"},
    ),
    "entities in EBCDIC": (
        lambda: workbook_with(**{SHEET: b"<?xml version='1.0' encoding='cp037'?>" + b"\x4c" * 99}),
        {"broken_workbook"},
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 2000)  # the check of a hundred thousand takes its time
    make, words = HOSTILE[name]
    content = make()
    client = Client()
    client.force_login(StaffFactory())
    begun = time.monotonic()
    response = client.post(
        "/admin/desk/catalogue/", {"file": SimpleUploadedFile("x.csv", content)}, HTTP_ACCEPT_LANGUAGE="en"
    )
    took = time.monotonic() - begun
    if response.status_code == 302:  # only its rows are bad: the check says so
        word = checked(content, Mapping(columns={"sku": 0, "price": 1})).failure[0]
    else:
        assert response.status_code == 422
        told = response.content.decode()
        word = next(word for word in WORDS if re.search(pattern(word), told))
        assert not CatalogueImport.objects.exists()
    assert word in words
    assert took < 10


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_takes_little_memory(name: str) -> None:
    content = HOSTILE[name][0]()
    tracemalloc.start()
    try:
        with pytest.raises(Wrong):
            for _ in tables.read(content).rows:
                pass
            raise Wrong("no_rows")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * MB


def test_the_largest_upload_has_a_page_of_its_own(client: Client, db: None) -> None:
    client.force_login(StaffFactory())
    response = client.post(
        "/admin/desk/catalogue/", b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(26 * MB)
    )
    assert response.status_code == 413
    assert "<h1" in response.content.decode()


def test_links_to_other_files_are_never_followed() -> None:
    link = b'<externalLink xmlns="x"><externalBook/></externalLink>'
    content = workbook_with(**{"xl/externalLinks/externalLink1.xml": link})
    assert read(content) == (HEADER, [NOODLES])


def test_a_formula_gives_the_value_saved_with_it() -> None:
    row = b'<row><c t="str"><v>sku</v></c><c t="str"><v>price</v></c></row>'
    content = sheet(row + b'<row><c t="str"><f>"N"&amp;1</f><v>N1</v></c><c><f>2*200</f><v>400</v></c></row>')
    assert read(content) == (["sku", "price"], [["N1", "400"]])


def test_numbers_of_a_sheet_are_read_as_they_look() -> None:
    content = as_xlsx(["a", 450.0, 129.99, True, None, 1e20], header=["1", "2", "3", "4", "5", "6"])
    assert read(content)[1] == [["a", "450", "129.99", "1", "", "1e+20"]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        read(content)
    except Wrong as wrong:
        assert wrong.word in WORDS


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_to_a_workbook_breaks_the_reader(data: st.DataObject) -> None:
    content = bytearray(BOOK)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(content))
    except Wrong as wrong:
        assert wrong.word in WORDS


# ---------------------------------------------------------------- columns


@pytest.mark.django_db
def test_columns_in_another_order_under_other_names_and_twice() -> None:
    shelves()
    header = ["Price", "SKU", "이름", "price", "seller", "category", "weight", "note"]
    one = written(as_csv(["450", "N-1", "쟁반국수", "9", "okryugwan", "dishes", "900", "x"], header=header))
    assert one.written_count == 1
    assert ProductVariant.objects.get(sku="N-1").price == 450


@pytest.mark.django_db
def test_missing_columns_are_told_in_every_row() -> None:
    shelves()
    one = checked(as_csv(["N-1", "450"], header=["sku", "price"]))
    assert errors(one) == [(2, "seller", "needed")]


def test_the_measuring_keeps_nothing() -> None:
    content = as_xlsx(*[[*NOODLES[:7], "9" * 200] for _ in range(3000)])
    tracemalloc.start()
    workbook.inspect(content, columns=200, rows=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * MB
