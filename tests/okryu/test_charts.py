"""The geometry of the charts."""

from datetime import date, timedelta

import pytest

from okryu.figures.charts import BOTTOM, LEFT, TOP, WIDTH, bar_chart, line_chart, row_chart

DAYS = [date(2026, 10, 26) + timedelta(days=number) for number in range(30)]


@pytest.mark.parametrize("largest", [0, 1, 2, 3, 7, 9, 10, 99, 1234, 48_216, 999_999_999])
@pytest.mark.parametrize("units", [(1,), (1, 10_000), (1, 1_000, 1_000_000)])
def test_the_axis_holds_every_value_with_few_whole_lines(largest: int, units: tuple[int, ...]) -> None:
    chart = bar_chart(DAYS, [largest] + [0] * 29, units=units)
    assert 3 <= len(chart.lines) <= 6
    labels = [int(line.label.replace(",", "")) for line in chart.lines]
    assert labels[0] == 0
    assert labels == sorted(set(labels)), "no label twice"
    assert labels[-1] * chart.unit >= largest
    assert all(TOP <= line.y <= BOTTOM for line in chart.lines)


def test_piles_stand_on_each_other_inside_the_plot() -> None:
    chart = bar_chart(DAYS, [10] * 30, [5] * 30)
    below, above = chart.bars[0], chart.bars[1]
    assert (below.series, above.series) == ("a", "b")
    assert above.y + above.height == pytest.approx(below.y, abs=0.2)
    assert below.y + below.height == pytest.approx(BOTTOM, abs=0.2)
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH for bar in chart.bars)


def test_the_highest_point_is_marked_on_the_side_with_room() -> None:
    assert line_chart(DAYS, [0] * 30).peak is None
    early = line_chart(DAYS, [9] + [1] * 29).peak
    late = line_chart(DAYS, [1] * 29 + [9]).peak
    assert early is not None
    assert late is not None
    assert (early.anchor, late.anchor) == ("start", "end")
    assert (early.day, late.day) == (DAYS[0], DAYS[-1])


@pytest.mark.parametrize("days", [1, 2, 7, 30, 60])
def test_day_labels_are_few_and_end_with_the_last_day(days: int) -> None:
    shown = [DAYS[0] + timedelta(days=number) for number in range(days)]
    labels = bar_chart(shown, [1] * days).day_labels
    assert 1 <= len(labels) <= 6
    assert labels[-1].day == shown[-1]
    assert all(LEFT <= label.x <= WIDTH for label in labels)


def test_lying_bars() -> None:
    chart = row_chart([("료리", 200), ("빵·당과류", 100), ("가구", 0)])
    assert [row.width for row in chart.rows] == [140, 70, 0]
    assert row_chart([]).rows == []


def test_long_names_stand_above_their_bars() -> None:
    beside = row_chart([("의약품·건강식품", 200)])
    above = row_chart([("Medicine and health food", 200), ("Furniture", 7)])
    assert beside.left > 0
    assert above.left == 0
    assert all(row.name_y < row.y for row in above.rows)
    assert all(row.value_x < WIDTH for row in (*beside.rows, *above.rows))
