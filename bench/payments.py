"""Every figure of the ledger, against its floor and its aim, in one run on a PostgreSQL of its own.

    make bench-payments                                  all of it
    make bench-payments QUICK=1                          shorter rounds and a twentieth of the volumes, for trials
    make bench-payments WRITE=docs/benchmarks.md         and put the table into this file

Exit status 1 when a floor is missed. Rounds are interleaved and medians taken, because a machine is seldom idle.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.cluster import DURABLE, Cluster, scratch_cluster
from bench.figures import Figure, status, table
from bench.progress import Progress
from bench.report import write


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how large. Floors are for the full size; the others show that the bench works."""

    pairs: int
    seconds: float
    payments_a_day: int  # five transfers each until the next morning
    days: int
    lines: int  # of the busiest day's settlement file
    movements: int  # of the seller whose balance is asked
    movements_today: int
    waiting: int  # questions left without an answer
    sales: int  # posted by each connection against the naive control

    @property
    def steps(self) -> int:
        return self.pairs + self.days + 9


SIZES = {
    "full": Size(
        pairs=5,
        seconds=5,
        payments_a_day=20_000,
        days=5,
        lines=100_000,
        movements=1_000_000,
        movements_today=10_000,
        waiting=200,
        sales=400,
    ),
    "quick": Size(
        pairs=5,
        seconds=1,
        payments_a_day=1_000,
        days=5,
        lines=5_000,
        movements=50_000,
        movements_today=10_000,
        waiting=50,
        sales=100,
    ),
    "tiny": Size(
        pairs=1,
        seconds=1,
        payments_a_day=50,
        days=2,
        lines=100,
        movements=500,
        movements_today=100,
        waiting=4,
        sales=10,
    ),
}


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    size = SIZES[options.size]
    with scratch_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        settings = cluster.settings()
        if soft := [name for name in DURABLE if settings[name] != "on"]:
            print(f"{', '.join(soft)} is off: no figure would mean anything.", file=sys.stderr)
            return 2
        _set_up_django(cluster)
        figures = _measure(cluster, size, Path(folder), with_guards=options.guards)
    where = f"{os.cpu_count()} cores, PostgreSQL {settings['server_version']}, {', '.join(DURABLE)} on"
    print(f"\n{table(figures)}\n\n{where}")
    if options.write:
        write(Path(options.write), figures, where=where, size=options.size)
    return status(figures)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=list(SIZES), default="full")
    parser.add_argument("--no-guards", dest="guards", action="store_false", help="leave out the tests of the guards")
    parser.add_argument("--write", metavar="FILE", help="put the table into this file")
    return parser.parse_args(arguments)


def _set_up_django(cluster: Cluster) -> None:
    """The shop's own settings on the scratch cluster, its questions as impatient as they are on a page."""
    os.environ |= {
        "DATABASE_URL": cluster.url("okryu"),
        "DJANGO_SETTINGS_MODULE": "okryu.settings",
        "STATEMENT_TIMEOUT_SECONDS": "0",  # the volumes below are made by long statements
        "LOG_LEVEL": "ERROR",
        "DATABASE_POOL": "0",  # loads are forked, and databases copied: no connection may be kept for later
        "PAYMENT_FAULTS": "",
    }
    import django  # noqa: PLC0415

    django.setup()


def _measure(cluster: Cluster, size: Size, folder: Path, *, with_guards: bool) -> list[Figure]:
    from bench import naive, rounds, truths, volumes_bench  # noqa: PLC0415 - models need Django

    progress = Progress(size.steps)
    progress.step("migrating, opening sellers, issuing cards")
    shelf = rounds.prepare(cluster)
    figures = rounds.throughput(cluster, shelf, size, folder, progress)
    figures += naive.figures(cluster, shelf, size, folder, progress)
    figures += rounds.manners(cluster, size, progress)
    figures += truths.in_doubt(cluster, size, progress)
    figures = truths.correctness(cluster, progress) + figures
    figures += volumes_bench.figures(cluster, shelf, size, progress)
    figures += truths.complaints(cluster)
    if with_guards:
        figures += truths.guards(progress)
    progress.end()
    return figures


if __name__ == "__main__":
    sys.exit(main())
