"""The ledger's benchmark still runs, and its floors can be missed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.figures import Bar, Figure, markdown, status
from bench.report import write

ROOT = Path(__file__).resolve().parent.parent.parent
FAST = Bar("payments", "/s", 100, 200)
SLOW = Bar("audit", "s", 10, None, at_most=True)


@pytest.mark.parametrize(
    ("bar", "value", "verdict"),
    [
        (FAST, 99.9, "MISSED"),
        (FAST, 100, "ok, below the aim"),
        (FAST, 200, "ok"),
        (SLOW, 10.1, "MISSED"),
        (SLOW, 10, "ok"),
    ],
)
def test_a_figure_against_its_bar(bar, value, verdict):
    assert Figure(bar, value).verdict == verdict


def test_a_missed_floor_is_the_exit_status():
    assert status([Figure(FAST, 150), Figure(SLOW, 1)]) == 0
    assert status([Figure(FAST, 150), Figure(SLOW, 11)]) == 1


def test_figures_are_written_between_their_marks(tmp_path):
    file = tmp_path / "benchmarks.md"
    file.write_text("# Figures\n")
    for value in (99, 150):
        write(file, [Figure(FAST, value)], where="2 cores", size="full")
        file.write_text(file.read_text() + "\nWhy.\n" if value == 99 else file.read_text())
    text = file.read_text()
    assert text.startswith("# Figures\n")
    assert text.endswith("\nWhy.\n")
    assert "| 150 /s |" in text and "MISSED" not in text
    assert text.count("| --- |") == markdown([Figure(FAST, 1)]).count("| --- |")


@pytest.mark.long
@pytest.mark.alone
def test_the_whole_bench_in_tiny_size():
    """Every row comes out; rates on a busy machine are not this test's subject, what must be nought is."""
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    done = subprocess.run(
        [sys.executable, "-m", "bench.payments", "--size", "tiny", "--no-guards"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    rows = [line for line in done.stdout.splitlines() if "≥" in line or "≤" in line]
    assert len(rows) == 20, done.stdout + done.stderr[-2000:]
    for name in ("audit rows", "lost", "double", "unresolved", "deadlocks", "serialisation", "CHECK"):
        (row,) = [line for line in rows if line.startswith(name)]
        assert "MISSED" not in row, row
    assert "fsync, synchronous_commit, full_page_writes on" in done.stdout
