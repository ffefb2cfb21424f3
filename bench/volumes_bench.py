"""Large ledgers: the audit, the night's work, one busy seller's balance."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from django.db import connection

from bench import load, volumes
from bench.cluster import Cluster
from bench.figures import Bar, Figure
from bench.progress import Progress
from bench.stock import Shelf
from payments.audit import audit
from payments.models import Transfer

if TYPE_CHECKING:
    from bench.payments import Size

DATABASE = "bench_volume"


def figures(cluster: Cluster, shelf: Shelf, size: Size, progress: Progress) -> list[Figure]:
    cluster.copy(template="okryu", name=DATABASE)
    with load.using(DATABASE):
        found = _days(shelf, size, progress)
        found.append(_audit(size, progress))
        found.append(_balance(shelf, size, progress))
    return found


def _days(shelf: Shelf, size: Size, progress: Progress) -> list[Figure]:
    """Ordinary days, then one so busy that its file has `size.lines` lines."""
    nights = []
    for number, payments in enumerate([size.payments_a_day] * size.days + [size.lines]):
        progress.step(f"day {number + 1} of {size.days + 1}: {payments:,} payments")
        volumes.trade(shelf, payments=payments)
        volumes.analyse()
        nights.append(volumes.end_of_day(number))
    last, busiest = nights[-4:-1], nights[-1]
    closing, settling = median(night.closing for night in last), median(night.settling for night in last)
    moved = size.payments_a_day * (volumes.TRANSFERS + 1)
    return [
        Figure(
            Bar("closing, seal and payouts of 100,000 movements", "s", 4, None, at_most=True),
            closing + settling,
            f"close {closing:.2f} s, settle {settling:.2f} s; {moved:,} movements, {size.payments_a_day:,} receipts",
        ),
        Figure(
            Bar("file of 100,000 lines read and reconciled", "s", 8, None, at_most=True),
            busiest.reconciling,
            f"{busiest.lines:,} lines; closing that day {busiest.closing:.2f} s, settling {busiest.settling:.2f} s",
        ),
    ]


def _audit(size: Size, progress: Progress) -> Figure:
    progress.step("audit")
    volumes.analyse()
    began = time.perf_counter()
    rows = sum(finding.rows for finding in audit())
    seconds = time.perf_counter() - began
    if rows:
        raise RuntimeError("the ledger does not agree with itself")
    return Figure(
        Bar("audit of 1,000,000 transfers", "s", 10, None, at_most=True),
        seconds,
        f"{Transfer.objects.count():,} transfers, every view",
    )


def _balance(shelf: Shelf, size: Size, progress: Progress) -> Figure:
    progress.step(f"a seller with {size.movements:,} movements")
    seller = shelf.first_seller
    volumes.move_often(seller=seller, count=size.movements - size.movements_today)
    volumes.close_without_settling(size.days + 1)
    volumes.analyse()
    volumes.move_often(seller=seller, count=size.movements_today)
    times = []
    with connection.cursor() as cursor:
        for _ in range(101):
            began = time.perf_counter()
            cursor.execute("SELECT balance_of(%s)", [seller])
            cursor.fetchone()
            times.append(time.perf_counter() - began)
    return Figure(
        Bar("balance of a seller with 1,000,000 movements", "ms", 4, None, at_most=True),
        median(times) * 1000,
        f"{size.movements:,} movements, {size.movements_today:,} of them since the last closing; median of 101",
    )
