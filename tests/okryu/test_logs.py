"""Log lines: one event, one line, no card number."""

import logging
import sys

import pytest

from okryu.logs import OneLineFormatter, mask_cards, one_line, request_id

CARD = "94081912345678008"


def _line(message: str, *values: object, exc_info: object = None) -> str:
    record = logging.LogRecord("okryu", logging.ERROR, "x.py", 1, message, values, exc_info)  # type: ignore[arg-type]
    return OneLineFormatter().format(record)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\x1b[2J", "\x00", "\x85", "\u2028", "\u202e"])
def test_nobody_forges_a_line(break_: str) -> None:
    line = _line("Not Found: %s", f"/x{break_}2026-01-01 INFO root paid")
    assert line.isprintable()
    assert "\n" not in line


def test_a_traceback_stays_on_the_line() -> None:
    try:
        raise RuntimeError(f"card {CARD}")
    except RuntimeError:
        line = _line("failed", exc_info=sys.exc_info())
    assert "\\n" in line
    assert "\n" not in line
    assert CARD not in line


@pytest.mark.parametrize(
    "written", [CARD, "94081 9123 4567 8008", "94081-9123-4567-8008", f"number={CARD}&pin", "4000123412341"]
)
def test_a_card_number_is_cut_to_its_last_four(written: str) -> None:
    masked = mask_cards(written)
    assert sum(letter.isdigit() for letter in masked) == 4


@pytest.mark.parametrize("text", ["1919000002", "2026-11-24 16:40", "order 7K3M-Q9", "380", "123456789012"])
def test_other_figures_stay(text: str) -> None:
    assert mask_cards(text) == text
    assert one_line(text) == text


def test_lines_of_one_request_share_its_name() -> None:
    token = request_id.set("ab12cd34")
    try:
        assert " ERROR okryu [ab12cd34] slow" in _line("slow")
    finally:
        request_id.reset(token)
    assert "[" not in _line("slow")
