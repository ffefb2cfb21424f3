"""Charts as plain geometry for the templates to draw: 296 units wide, so that text is true size on a phone.

Nothing here knows about colours (chart.css) or words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 296, 186
LEFT, TOP, BOTTOM = 34, 14, 162  # the plot's edges; labels of the axes stand outside
ROW_LEFT = 104  # where lying bars begin beside their names
_MOST_LINES = 5
_DAY_LABELS = 4


@dataclass(frozen=True)
class Line:
    """A horizontal line of the grid with its label."""

    y: float
    text_y: float
    label: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    series: str  # a, b or c: the class chart-a …


@dataclass(frozen=True)
class DayLabel:
    x: float
    day: date


@dataclass(frozen=True)
class Chart:
    lines: list[Line]
    day_labels: list[DayLabel]
    unit: int  # what the axis counts in: 1, 1,000, 10,000 …
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class BarChart(Chart):
    bars: Sequence[Bar] = ()


@dataclass(frozen=True)
class LineChart(Chart):
    path: str = ""  # the line
    area: str = ""  # the line closed down to the axis
    peak: "Peak | None" = None


@dataclass(frozen=True)
class Peak:
    """The highest point and where its words stand."""

    x: float
    y: float
    text_x: float
    text_y: float
    anchor: str
    day: date
    value: int


@dataclass(frozen=True)
class Row:
    """One lying bar with its name and number."""

    name: str
    value: int
    name_y: float
    y: float
    width: float
    value_x: float
    value_y: float


@dataclass(frozen=True)
class RowChart:
    rows: list[Row]
    height: int
    left: int
    width: int = WIDTH


def bar_chart(days: Sequence[date], *series: Sequence[int], units: Sequence[int] = (1,)) -> BarChart:
    """Standing bars, the series (named a, b, c) piled on each other, one pile a day."""
    top, step, unit = _scale(max((sum(pile) for pile in zip(*series, strict=True)), default=0), units)
    slot = (WIDTH - LEFT) / max(len(days), 1)
    width = round(slot * 0.7, 1)
    bars = []
    for index, pile in enumerate(zip(*series, strict=True)):
        below = 0
        for name, value in zip("abc", pile, strict=False):
            if value:
                height = _height(value, top)
                y = BOTTOM - _height(below, top) - height
                bars.append(
                    Bar(round(LEFT + index * slot + slot * 0.15, 1), round(y, 1), width, round(height, 1), name)
                )
            below += value
    return BarChart(_lines(top, step, unit), _day_labels(days, slot), unit, bars=bars)


def line_chart(days: Sequence[date], values: Sequence[int], units: Sequence[int] = (1,)) -> LineChart:
    """A line over a filled area, its highest point marked."""
    top, step, unit = _scale(max(values, default=0), units)
    slot = (WIDTH - LEFT) / max(len(days), 1)
    points = [
        (round(LEFT + (index + 0.5) * slot, 1), round(BOTTOM - _height(value, top), 1))
        for index, value in enumerate(values)
    ]
    path = " ".join(f"{x} {y}" for x, y in points)
    area = f"M{points[0][0]} {BOTTOM}L{path}L{points[-1][0]} {BOTTOM}z" if points else ""
    return LineChart(
        _lines(top, step, unit),
        _day_labels(days, slot),
        unit,
        path=f"M{path}" if points else "",
        area=area,
        peak=_peak(days, values, points),
    )


def row_chart(named: Sequence[tuple[str, int]]) -> RowChart:
    """Lying bars, one under the other: names beside them, or above them where one is too long for that."""
    above = any(_text_width(name) > ROW_LEFT - 6 for name, _ in named)
    height, left, room = (44, 0, WIDTH - 56) if above else (26, ROW_LEFT, WIDTH - ROW_LEFT - 52)
    longest = max((value for _, value in named), default=0)
    rows = []
    for index, (name, value) in enumerate(named):
        y = index * height + (22 if above else 7)
        width = round(room * value / longest, 1) if longest else 0
        name_y = y - 6 if above else y + 11
        rows.append(Row(name, value, name_y, y, width, round(left + width + 6, 1), y + 11))
    return RowChart(rows, height=max(len(named), 1) * height + 2, left=left)


def _text_width(text: str) -> float:
    """About how wide `text` is at 12 units: Hangul is square, Latin letters half as wide."""
    return sum(6.2 if character.isascii() else 12 for character in text)


def _peak(days: Sequence[date], values: Sequence[int], points: Sequence[tuple[float, float]]) -> Peak | None:
    if not any(values):
        return None
    index = max(range(len(values)), key=lambda at: values[at])
    x, y = points[index]
    right = x > WIDTH / 2  # words stand on the side with room
    return Peak(
        x, y, x - 6 if right else x + 6, max(y - 8, 10), "end" if right else "start", days[index], values[index]
    )


def _scale(largest: int, units: Sequence[int]) -> tuple[int, int, int]:
    """The end of the axis, the step between its lines, and the unit its labels count in."""
    unit = max((unit for unit in units if unit * 2 <= largest), default=1)
    step = unit
    while step * _MOST_LINES < largest:
        step = next(unit * n for n in _round_numbers() if unit * n > step)
    lines = max(-(-largest // step), 2)
    return lines * step, step, unit


def _round_numbers() -> "Sequence[int]":
    """1, 2, 4, 5, 10, 20, 40, 50, 100 …"""
    return [n * 10**power for power in range(15) for n in (1, 2, 4, 5)]


def _lines(top: int, step: int, unit: int) -> list[Line]:
    found = []
    for value in range(0, top + 1, step):
        y = round(BOTTOM - _height(value, top), 1)
        found.append(Line(y, round(y + 4, 1), f"{value // unit:,}"))
    return found


def _day_labels(days: Sequence[date], slot: float) -> list[DayLabel]:
    """A few days under the axis, evenly spaced, the last one always."""
    if not days:
        return []
    between = max(round(len(days) / _DAY_LABELS), 1)
    shown = range(len(days) - 1, -1, -between)
    return [
        DayLabel(round(min(max(LEFT + (at + 0.5) * slot, LEFT + 4), WIDTH - 8), 1), days[at]) for at in sorted(shown)
    ]


def _height(value: int, top: int) -> float:
    return (BOTTOM - TOP) * value / top
