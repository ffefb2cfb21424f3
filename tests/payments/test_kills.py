"""kill -9 of workers, of PostgreSQL's processes and of its postmaster, under load: what was acknowledged stands."""

import subprocess
import sys

import pytest

from tests.databases import ROOT

pytestmark = [pytest.mark.long, pytest.mark.alone]
LONGEST_SECONDS = 300


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.payments.kills", "--deadline", str(LONGEST_SECONDS), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)  # the seed, should it be red
    return done


def test_twenty_kills_lose_nothing_and_take_nothing_twice() -> None:
    done = run("--kills", "20", "--pause", "1.5")
    assert done.returncode == 0
    assert "0 lost · 0 wrong" in done.stdout


def test_a_database_that_forgets_is_found_out() -> None:
    """The negative control: committed without waiting for the disk, steps that were acknowledged are missing."""
    done = run("--kills", "3", "--pause", "4", "--forgetful", "--seed", "3")
    assert done.returncode == 1
    assert "WRONG: lost: " in done.stdout
