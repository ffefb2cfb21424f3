"""What a benchmark found, against its floor and its aim: printed, written down, and the exit status."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A floor that closes the issue and an aim that we want. `at_most` bars are better when smaller."""

    name: str
    unit: str
    floor: float | None
    aim: float | None
    at_most: bool = False

    def holds(self, bound: float | None, value: float) -> bool:
        compare: Callable[[float, float], bool] = operator.le if self.at_most else operator.ge
        return bound is None or compare(value, bound)

    def shown(self, bound: float | None) -> str:
        if bound is None:
            return ""
        return ("≤ " if self.at_most else "≥ ") + self.number(bound)

    def number(self, value: float) -> str:
        if self.unit == "×":
            return f"{value:.2f}"
        digits = 0 if value >= 100 or float(value).is_integer() else 1 if value >= 10 else 2
        return f"{value:,.{digits}f}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    bar: Bar
    value: float
    note: str = ""

    @property
    def verdict(self) -> str:
        if not self.bar.holds(self.bar.floor, self.value):
            return "MISSED"
        return "ok" if self.bar.holds(self.bar.aim, self.value) else "ok, below the aim"

    @property
    def missed(self) -> bool:
        return self.verdict == "MISSED"

    def cells(self) -> tuple[str, ...]:
        bar = self.bar
        return (
            bar.name,
            bar.shown(bar.floor),
            bar.shown(bar.aim),
            bar.number(self.value),
            self.verdict,
            self.note,
        )


HEAD = ("figure", "floor", "aim", "found", "", "how")


def table(figures: list[Figure]) -> str:
    """For a terminal."""
    rows = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(figures: list[Figure]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def status(figures: list[Figure]) -> int:
    """1 when a floor is missed."""
    return 1 if any(figure.missed for figure in figures) else 0
