"""Reading how many pieces people typed."""

import pytest

from orders.quantity import parse_quantity


@pytest.mark.parametrize(
    ("typed", "pieces"), [("0", 0), ("2", 2), (" 2 ", 2), ("099", 99), ("999", 999), ("１２", 12), ("\u30007\u3000", 7)]
)
def test_reads_one_to_three_digits(typed: str, pieces: int) -> None:
    assert parse_quantity(typed) == pieces


@pytest.mark.parametrize("digits", [10**24, 2**31, 2**63, 10**4000])
def test_refuses_numbers_out_of_reach(digits: int) -> None:
    with pytest.raises(ValueError, match="not a number of pieces"):
        parse_quantity(str(digits))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "-1",
        "-0",
        "+2",
        "1.5",
        "1e3",
        "0x10",
        "NaN",
        "Infinity",
        "1_0",
        "²",
        "١٢",
        "½",
        "两",
        "1000",
        "2\0",
        "1 2",
        "1,000",
    ],
)
def test_refuses_everything_else(typed: str) -> None:
    with pytest.raises(ValueError, match="not a number of pieces"):
        parse_quantity(typed)
