"""Payments as fast as they go: the service and its own statements, on many sellers and on one, in turns."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db import connection

from bench import load, replay, stock
from bench.cluster import Cluster
from bench.figures import Bar, Figure
from bench.progress import Progress

if TYPE_CHECKING:
    from bench.payments import Size

CLIENTS = 8
SERVICE, RAW = "bench_service", "bench_raw"
TABLES = "pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind = 'r'"
# Every payment the service acknowledged on SERVICE, to be looked for at the end.
acknowledged: list[load.Load] = []


def prepare(cluster: Cluster) -> stock.Shelf:
    """The migrated and stocked database, and a copy of it for the service and for the raw statements."""
    call_command("migrate", verbosity=0)
    shelf = stock.stock_up()
    connection.close()
    for name in (SERVICE, RAW):
        cluster.copy(template="okryu", name=name)
    return shelf


def throughput(cluster: Cluster, shelf: stock.Shelf, size: Size, folder: Path, progress: Progress) -> list[Figure]:
    with load.using(RAW):
        replay.prepare(shelf)
        script = replay.write(folder / "payment.sql", replay.record(shelf))
    found: dict[str, list[float]] = {name: [] for name in ("P", "P hot", "R", "R hot")}

    def python(name: str, sellers: int) -> None:
        done = load.run(database=SERVICE, seconds=size.seconds, sellers=sellers)
        acknowledged.append(done)
        found[name].append(done.rate)

    def raw(name: str, sellers: int) -> None:
        variables = {"cards": stock.CARDS, "sellers": sellers}
        rate, failed = cluster.pgbench(
            database=RAW, script=script, seconds=size.seconds, clients=CLIENTS, variables=variables
        )
        if failed:
            raise RuntimeError(f"{failed} of pgbench's transactions failed")
        found[name].append(rate)

    rounds = [
        lambda: python("P", stock.SELLERS),
        lambda: python("P hot", 1),
        lambda: raw("R", stock.SELLERS),
        lambda: raw("R hot", 1),
    ]
    raw("R", stock.SELLERS)  # warm
    found["R"].clear()
    for pair in range(size.pairs):
        progress.step(f"payments: pair {pair + 1} of {size.pairs}")
        for each in rounds if pair % 2 == 0 else reversed(rounds):
            each()
    return _figures(found)


def _figures(found: dict[str, list[float]]) -> list[Figure]:
    def ratio(one: str, other: str) -> float:
        return median(a / b for a, b in zip(found[one], found[other], strict=True))

    def rate(name: str) -> str:
        return f"{median(found[name]):.0f}/s"

    pairs = f"median of {len(found['P'])} interleaved"
    return [
        Figure(
            Bar("whole payments, Python ÷ raw", "×", 0.20, 0.35),
            ratio("P", "R"),
            f"{pairs}; {rate('P')} by {load.WORKERS} processes ÷ {rate('R')} by pgbench, {CLIENTS} clients",
        ),
        Figure(Bar("whole payments through Python", "/s", 100, 200), median(found["P"]), "six commits each, no HTTP"),
        Figure(Bar("hot seller ÷ 1,000 sellers, raw", "×", 0.90, 0.97), ratio("R hot", "R"), pairs),
        Figure(Bar("hot seller ÷ 1,000 sellers, Python", "×", 0.90, 0.97), ratio("P hot", "P"), pairs),
    ]


def manners(cluster: Cluster, size: Size, progress: Progress) -> list[Figure]:
    """At half load: how long an authorisation takes, what a closing day costs a writer, what a payment weighs."""
    progress.step("authorisations at half load, days closing meanwhile")
    before, full = _weight(cluster), median(each.rate for each in acknowledged)
    calm = load.run(database=SERVICE, seconds=size.seconds * 2, rate=full / 2)
    weight = (_weight(cluster) - before) / len(calm.acknowledged)
    stalls: list[float] = []
    closing = threading.Thread(target=_close_days, args=(cluster, size.seconds, stalls))
    closing.start()
    busy = load.run(database=SERVICE, seconds=size.seconds)
    closing.join()
    acknowledged.extend([calm, busy])
    return [
        Figure(
            Bar("authorisation, 99th percentile at half load", "ms", 80, 40, at_most=True),
            calm.percentile(0.99) * 1000,
            f"median {calm.percentile(0.5) * 1000:.1f} ms at {calm.rate:.0f}/s",
        ),
        Figure(
            Bar("close_day under load, longest stall of a writer", "ms", 1000, 100, at_most=True),
            max(stalls) * 1000,
            f"{len(stalls)} days cut at {busy.rate:.0f} payments/s; from asking for the lock to letting go",
        ),
        Figure(
            Bar("disk of one payment, tables and indexes", "kB", 2.2, 1.8, at_most=True),
            weight / 1000,
            "grown by a load's payments: 2 questions, 1 authorisation, 4 transfers",
        ),
    ]


def _close_days(cluster: Cluster, seconds: float, stalls: list[float]) -> None:
    with cluster.connect(SERVICE) as server:
        for number in range(5):
            time.sleep(seconds / 6)
            began = time.perf_counter()
            server.execute("CALL close_day(%s)", [date(2001, 1, 1) + timedelta(days=number)])
            stalls.append(time.perf_counter() - began)


def _weight(cluster: Cluster) -> int:
    """Bytes of all tables and indexes."""
    with cluster.connect(SERVICE) as server:
        row = server.execute(f"SELECT sum(pg_total_relation_size(c.oid))::bigint FROM {TABLES}").fetchone()
    return int(row[0]) if row else 0
