"""The settlement file: read strictly, refused by name, whole."""

import datetime
import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.settlement_file import Fault, FileRefused, parse

DAY = datetime.date(2026, 11, 3)
ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))
AT = "2026-11-03T01:02:03.000004Z"
HEADER = "H,1,KPW,2026-11-03,7,okryu"
ROWS = [
    f"D,{ONE},capture,5100,40,{AT}",
    f"D,{TWO},refund,100,41,{AT}",
    f"D,{THREE},chargeback,400,44,{AT},{ONE}",
]


def signed(*rows, end="3,5100,500,4600"):
    """A file whose digest is right, whatever else is wrong."""
    above = "".join(f"{row}\n" for row in rows).encode()
    return above + f"T,{end},{hashlib.sha256(above).hexdigest()}\n".encode()


GOOD = signed(HEADER, *ROWS)


def refused(content, day=DAY):
    with pytest.raises(FileRefused) as refusal:
        parse(content, day=day)
    return refusal.value.fault


def test_a_file():
    parsed = parse(GOOD, day=DAY)
    assert (parsed.day, parsed.cut, parsed.captured, parsed.returned) == (DAY, 7, 5_100, 500)
    assert [(line.id, line.verb, line.amount, line.network_seq, line.capture) for line in parsed.lines] == [
        (ONE, "capture", 5_100, 40, None), (TWO, "refund", 100, 41, None), (THREE, "chargeback", 400, 44, ONE),
    ]  # fmt: skip
    assert parsed.lines[0].at == datetime.datetime(2026, 11, 3, 1, 2, 3, 4, datetime.UTC)


def test_a_quiet_day():
    parsed = parse(signed(HEADER, end="0,0,0,0"), day=DAY)
    assert (parsed.lines, parsed.captured) == ([], 0)


def test_a_day_of_returns_alone_has_a_negative_net():
    assert parse(signed(HEADER, ROWS[1], end="1,0,100,-100"), day=DAY).returned == 100


def row(**change):
    """The first line with some fields changed."""
    fields = {"d": "D", "id": str(ONE), "verb": "capture", "amount": "5100", "seq": "40", "at": AT} | change
    return ",".join(fields.values())


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        (Fault.EMPTY, b""),
        (Fault.NOT_UTF8, GOOD.replace(b"okryu", b"okr\xffu")),
        (Fault.NOT_UTF8, GOOD.decode().encode("utf-16")),
        (Fault.BYTE_ORDER_MARK, b"\xef\xbb\xbf" + GOOD),
        (Fault.LINE_ENDS, GOOD.replace(b"\n", b"\r\n")),
        (Fault.LINE_ENDS, GOOD.replace(b"\n", b"\r")),
        (Fault.NO_END, GOOD[:-1]),
        (Fault.NO_END, GOOD + b"\n"),
        (Fault.NO_END, GOOD + b"x"),
        (Fault.NO_END, GOOD.rpartition(b"T,")[0]),
        (Fault.NO_END, b"\n"),
        (Fault.HEADER, GOOD.removeprefix(f"{HEADER}\n".encode())),
        (Fault.HEADER, signed(HEADER + ",more", *ROWS)),
        (Fault.HEADER, signed("H,1,KPW,2026-11-03,-7,okryu", *ROWS)),
        (Fault.VERSION, signed(HEADER.replace("H,1", "H,2"), *ROWS)),
        (Fault.CURRENCY, signed(HEADER.replace("KPW", "EUR"), *ROWS)),
        (Fault.CURRENCY, signed(HEADER.replace("KPW", "kpw"), *ROWS)),
        (Fault.DAY, signed(HEADER.replace("11-03", "11-04"), *ROWS)),
        (Fault.DAY, signed(HEADER.replace("2026-11-03", "20261103"), *ROWS)),
        (Fault.SHOP, signed(HEADER.replace("okryu", "other"), *ROWS)),
        (Fault.LINE, signed(HEADER, *ROWS, "")),
        (Fault.LINE, signed(HEADER, *ROWS, HEADER)),
        (Fault.LINE, signed(HEADER, ROWS[0] + ",more", *ROWS[1:])),
        (Fault.LINE, signed(HEADER, *ROWS[:2], ROWS[2].rpartition(",")[0])),
        (Fault.LINE, signed(HEADER, row(seq="040"), *ROWS[1:])),
        (Fault.VERB, signed(HEADER, row(verb="gift"), *ROWS[1:])),
        (Fault.VERB, signed(HEADER, row(verb="Capture"), *ROWS[1:])),
        *[
            (Fault.ID, signed(HEADER, row(id=text), *ROWS[1:]))
            for text in ["", "1", str(ONE).replace("-", ""), f"{{{ONE}}}", f" {ONE}", "A" * 8 + str(ONE)[8:]]
        ],
        (Fault.ID, signed(HEADER, *ROWS[:2], ROWS[2].replace(f",{ONE}", ",1"))),
        *[
            (Fault.AMOUNT, signed(HEADER, row(amount=text), *ROWS[1:]))
            for text in [
                "0", "-1", "+5100", "05100", " 5100", "5100.0", "5e3", "1_000", "５１００", "NaN", "", str(10**12 + 1),
                "9" * 400,
            ]
        ],
        *[
            (Fault.MOMENT, signed(HEADER, row(at=text), *ROWS[1:]))
            for text in ["", "2026-11-03", AT[:-1], AT.replace("T", " "), AT.replace("11-03", "13-03"), "now"]
        ],
        (Fault.ORDER, signed(HEADER, ROWS[1], ROWS[0], ROWS[2])),
        (Fault.ORDER, signed(HEADER, ROWS[0], ROWS[1], ROWS[1], ROWS[2])),
        (Fault.DUPLICATE, signed(HEADER, ROWS[0], row(seq="43"), *ROWS[1:2])),
        (Fault.COUNT, signed(HEADER, *ROWS, end="4,5100,500,4600")),
        (Fault.COUNT, signed(HEADER, *ROWS, end="-3,5100,500,4600")),
        (Fault.SUM, signed(HEADER, *ROWS, end="3,5101,500,4600")),
        (Fault.SUM, signed(HEADER, *ROWS, end="3,5100,501,4600")),
        (Fault.SUM, signed(HEADER, *ROWS, end="3,5100,500,4601")),
        (Fault.LINE, signed(HEADER, *ROWS, end="3,5100,500,04600")),
        (Fault.LINE, signed(HEADER, *ROWS, end="3,5100,500")),
        (Fault.HASH, GOOD[:-65] + GOOD[-65:].upper()),
        (Fault.HASH, GOOD.replace(AT.encode(), AT.replace("04Z", "05Z").encode())),
    ],
)  # fmt: skip
def test_refused_by_name(fault, content):
    assert refused(content) == fault


def test_another_day():
    assert refused(GOOD, DAY + datetime.timedelta(days=1)) == Fault.DAY


@pytest.mark.parametrize("place", range(0, len(GOOD), 3))
def test_any_bit_flipped_anywhere(place):
    for bit in range(8):
        flipped = GOOD[:place] + bytes([GOOD[place] ^ 1 << bit]) + GOOD[place + 1 :]
        refused(flipped)


def test_cut_short_anywhere():
    for length in range(len(GOOD)):
        refused(GOOD[:length])


@given(st.permutations(GOOD.splitlines(keepends=True)))
def test_only_one_order_of_lines_is_right(rows):
    if b"".join(rows) != GOOD:
        refused(b"".join(rows))


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.binary(max_size=40))
def test_any_part_replaced_by_anything(start, end, other):
    content = GOOD[:start] + other + GOOD[max(start, end) :]
    if content != GOOD:
        refused(content)


@given(st.binary(max_size=300))
def test_any_bytes_at_all(content):
    refused(content)
