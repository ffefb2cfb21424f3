"""Read a settlement file strictly: the whole file or nothing. The format stands in docs/payments.md.

`parse` is a pure function of the bytes. Whatever is not exactly as it should be refuses the file by name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from uuid import UUID

from okryu.money import LIMIT
from payments.gateway import SHOP, WON

VERSION = "1"


class Fault(Enum):
    """Why a file is refused. The values are the names staff and logs see."""

    NOT_UTF8 = "not UTF-8"
    BYTE_ORDER_MARK = "starts with a byte order mark"
    LINE_ENDS = "lines do not all end with one LF"
    EMPTY = "empty"
    HEADER = "wrong header"
    VERSION = "unknown version"
    CURRENCY = "not in won"
    DAY = "another day"
    SHOP = "another shop's"
    NO_END = "no closing line: cut short"
    LINE = "malformed line"
    VERB = "unknown kind of line"
    ID = "malformed id"
    AMOUNT = "malformed amount"
    MOMENT = "malformed moment"
    ORDER = "lines out of order"
    DUPLICATE = "the same id twice"
    COUNT = "wrong number of lines"
    SUM = "wrong sum"
    HASH = "wrong digest"
    OTHER_FILE = "the day has another file already"  # the last two are found at the import
    KNOWN_ID = "an id of an earlier file"


class FileRefused(Exception):
    """Nothing of the file was taken."""

    def __init__(self, fault: Fault, line: int | None = None) -> None:
        super().__init__(fault.value if line is None else f"{fault.value} (line {line})")
        self.fault, self.line = fault, line


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    verb: str  # capture, refund or chargeback
    amount: int
    network_seq: int
    at: datetime
    capture: UUID | None = None  # what a chargeback disputes


@dataclass(frozen=True, slots=True)
class Parsed:
    day: date
    cut: int  # the network's number of the day
    lines: list[Line]
    captured: int
    returned: int


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNED = re.compile(r"0|-?[1-9][0-9]{0,18}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_FIELDS = {"capture": 6, "refund": 6, "chargeback": 7}


def parse(content: bytes, *, day: date) -> Parsed:
    """The file of `day`. Raises FileRefused."""
    rows = _rows(content)
    cut = _header(rows[0].split(","), day)
    lines = list(_lines(rows[1:-1]))
    captured = sum(line.amount for line in lines if line.verb == "capture")
    returned = sum(line.amount for line in lines if line.verb != "capture")
    above = content[: len(content) - len(rows[-1].encode()) - 1]
    _end(rows[-1].split(","), len(lines), captured, returned, hashlib.sha256(above).hexdigest())
    return Parsed(day, cut, lines, captured, returned)


def _rows(content: bytes) -> list[str]:
    if not content:
        raise FileRefused(Fault.EMPTY)
    if content.startswith(b"\xef\xbb\xbf"):
        raise FileRefused(Fault.BYTE_ORDER_MARK)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise FileRefused(Fault.NOT_UTF8) from None
    if "\r" in text:
        raise FileRefused(Fault.LINE_ENDS)
    rows = text.split("\n")
    if rows.pop() or len(rows) < 2 or not rows[-1].startswith("T,"):
        raise FileRefused(Fault.NO_END)
    return rows


def _header(fields: list[str], day: date) -> int:
    if len(fields) != 6 or fields[0] != "H" or not _NUMBER.fullmatch(fields[4]):
        raise FileRefused(Fault.HEADER, 1)
    expected = [(1, VERSION, Fault.VERSION), (2, WON, Fault.CURRENCY), (3, str(day), Fault.DAY), (5, SHOP, Fault.SHOP)]
    for place, value, fault in expected:
        if fields[place] != value:
            raise FileRefused(fault, 1)
    return int(fields[4])


def _lines(rows: list[str]) -> Iterator[Line]:
    seen: set[UUID] = set()
    last = 0
    for number, row in enumerate(rows, start=2):
        line = _line(row.split(","), number)
        if line.network_seq <= last:
            raise FileRefused(Fault.ORDER, number)
        if line.id in seen:
            raise FileRefused(Fault.DUPLICATE, number)
        last = line.network_seq
        seen.add(line.id)
        yield line


def _line(fields: list[str], number: int) -> Line:
    if len(fields) not in (6, 7) or fields[0] != "D":
        raise FileRefused(Fault.LINE, number)
    if fields[2] not in _FIELDS:
        raise FileRefused(Fault.VERB, number)
    if len(fields) != _FIELDS[fields[2]] or not _NUMBER.fullmatch(fields[4]):
        raise FileRefused(Fault.LINE, number)
    if not all(_UUID.fullmatch(text) for text in (fields[1], *fields[6:])):
        raise FileRefused(Fault.ID, number)
    if not _NUMBER.fullmatch(fields[3]) or not 0 < int(fields[3]) <= LIMIT:
        raise FileRefused(Fault.AMOUNT, number)
    capture = UUID(fields[6]) if len(fields) == 7 else None
    return Line(UUID(fields[1]), fields[2], int(fields[3]), int(fields[4]), _moment(fields[5], number), capture)


def _moment(text: str, number: int) -> datetime:
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise FileRefused(Fault.MOMENT, number)


def _end(fields: list[str], count: int, captured: int, returned: int, digest: str) -> None:
    if len(fields) != 6 or not all(_SIGNED.fullmatch(text) for text in fields[1:5]):
        raise FileRefused(Fault.LINE, count + 2)
    if fields[1] != str(count):
        raise FileRefused(Fault.COUNT, count + 2)
    if fields[2:5] != [str(captured), str(returned), str(captured - returned)]:
        raise FileRefused(Fault.SUM, count + 2)
    if fields[5] != digest:
        raise FileRefused(Fault.HASH, count + 2)
