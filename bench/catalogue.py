"""Every figure of the catalogue against its bar: `make bench-catalogue`.

Builds ten thousand and a million products once, in a PostgreSQL of its own under var/bench-catalogue (for root: where
the embedded server keeps what belongs to that folder), then measures and prints a table; broken off, it goes on where
it stopped. Bars are held against the wall; beside them stands the processor time of the process and its backend, which
other programs change less. Exit 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.catalogue_goods import VERSION, fill
from okryu.embedded_postgres import ROLE, Server

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "bench-catalogue"
SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 3
DONE = "bench_done"  # a table of the steps of the build that are done


@dataclass
class Figure:
    name: str
    value: float | None  # None: it could not be measured, which is a miss
    bar: float
    unit: str = "ms"
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.value is not None and self.value <= self.bar

    def row(self) -> str:
        shown = "not measured" if self.value is None else f"{self.value:,.2f} {self.unit}".strip()
        verdict = "met" if self.is_met else "MISSED"
        return f"| {self.name} | {shown} | ≤ {self.bar:g} {self.unit} | {verdict} | {self.note} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=LARGE, help="of the large catalogue (1,000,000)")
    parser.add_argument("--requests", type=int, default=100, help="pages a round (100)")
    parser.add_argument("--queries", type=int, default=1000, help="searches (1000)")
    parser.add_argument("--anew", action="store_true", help="build both catalogues again")
    parser.add_argument("--write", metavar="FILE", help="keep the table in this file's section on the catalogue")
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    server = Server(HOME)
    with server.in_use():
        os.environ["PATH"] = f"{server.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        bench = Bench(server)
        for products in (SMALL, options.products):
            bench.build(products, anew=options.anew)
        bench.manage(SMALL, "collectstatic", "--noinput", "--verbosity=0")
        figures = [
            *bench.pages(SMALL, options.products, requests=options.requests),
            *bench.search(options.products, queries=options.queries),
            *bench.imports(),
        ]
    table = _table(figures, options.products)
    print(table)
    if options.write:
        _keep(table, Path(options.write))
    return 0 if all(figure.is_met for figure in figures) else 1


class Bench:
    def __init__(self, server: Server) -> None:
        self.server = server

    # ------------------------------------------------------------ building

    def database(self, products: int) -> str:
        return f"catalogue_{products}"

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.server.socket), user=ROLE, dbname=database, autocommit=True)

    def environment(self, products: int) -> dict[str, str]:
        url = f"postgres://{ROLE}@/{self.server.socket}/{self.database(products)}"
        return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "okryu.settings", "PYTHONPATH": str(ROOT)}

    def build(self, products: int, *, anew: bool) -> None:
        """The catalogue of this size. What stands is only migrated; a build that was broken off goes on."""
        name, begun = self.database(products), time.monotonic()
        if anew or VERSION not in self._done(name):
            with self.connect("postgres") as server:
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            with self.connect(name) as database:
                database.execute(f"CREATE TABLE {DONE} (step text PRIMARY KEY)")
                database.execute(f"INSERT INTO {DONE} VALUES (%s)", [VERSION])
        self.manage(products, "migrate", "--verbosity=0")
        steps: dict[str, Callable[[], None]] = {
            "goods": lambda: self._fill(products),
            "rebuild_listing": lambda: self.manage(products, "rebuild_listing"),
            "rebuild_search": lambda: self.manage(products, "rebuild_search"),
            "vacuum": lambda: self._vacuum(name),
        }
        done = self._done(name)
        for step, build in steps.items():
            if step in done:
                continue
            say(f"{products:,} products, built once: {step} … ({time.monotonic() - begun:,.0f} s)")
            build()
            with self.connect(name) as database:
                database.execute(f"INSERT INTO {DONE} VALUES (%s)", [step])

    def _done(self, name: str) -> set[str]:
        try:
            with self.connect(name) as database:
                return {str(step) for (step,) in database.execute(f"SELECT step FROM {DONE}")}
        except psycopg.Error:
            return set()

    def _fill(self, products: int) -> None:
        """All goods or none, so that a broken build begins this step again."""
        with self.connect(self.database(products)) as database:
            fill(database, products, tell=progress)

    def _vacuum(self, name: str) -> None:
        with self.connect(name) as database:
            database.execute("VACUUM ANALYZE")

    def manage(self, products: int, *command: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment(products),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    # ------------------------------------------------------------ measuring

    def pages(self, small: int, large: int, *, requests: int) -> list[Figure]:
        """Rounds of both sizes interleaved, so that the machine's moods fall on both."""
        rounds: dict[int, list[dict[str, Any]]] = {small: [], large: []}
        queries: dict[str, int] = {}
        for number in range(ROUNDS):
            for size in (small, large):
                say(f"category pages, round {number + 1} of {ROUNDS}, {size:,} products …")
                answer = self._child(size, "bench.catalogue_pages", f"--requests={requests}", f"--seed={number + 1}")
                rounds[size].append(answer)
                queries = {**queries, **{k: max(v, queries.get(k, 0)) for k, v in answer["queries"].items()}}
        middle = {size: _middle(taken) for size, taken in rounds.items()}
        ratios = {
            kind: statistics.median(
                many[f"{kind}_p95"] / few[f"{kind}_p95"] for few, many in zip(rounds[small], rounds[large], strict=True)
            )
            for kind in ("wall", "cpu")
        }
        return [
            *(
                Figure(f"category page, two filters, p95, {size:,} products", of["wall_p95"], 60, note=_note(of))
                for size, of in middle.items()
            ),
            Figure("the same, large ÷ small", ratios["wall"], 2, unit="×", note=f"aim 1.5; CPU {ratios['cpu']:.2f} ×"),
            *(Figure(f"queries, cold, {address}", count, 6, unit="") for address, count in queries.items()),
        ]

    def search(self, products: int, *, queries: int) -> list[Figure]:
        """Search and suggestions, measured by bench/search.py."""
        say("search and suggestions …")
        answer = self._child(products, "bench.search", "--json", f"--queries={queries}")
        named = [("search", "search", 50), ("suggestions", "suggestions", 20)]
        return [
            *(
                Figure(f"{name} p95, {products:,} products", answer[key]["wall_p95"], bar, note=_note(answer[key]))
                for name, key, bar in named
            ),
            Figure("search index", answer["index_kb_a_product"], 1.2, unit="KB a product"),
        ]

    def imports(self) -> list[Figure]:
        """Import of 50,000 rows, measured by bench/imports.py."""
        say("import of 50,000 rows …")
        answer = self._child(SMALL, "bench.imports", "--json")
        return [
            Figure("import of 50,000 rows", answer["seconds"], 60, unit="s"),
            Figure("memory of the import", answer["megabytes"], 300, unit="MB"),
        ]

    def _child(self, products: int, module: str, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment(products),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer


def _middle(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """Each figure's median over the rounds."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0] if name.endswith(("p50", "p95"))}


def _note(of: dict[str, float]) -> str:
    return (
        f"median {of['wall_p50']:.1f} ms; CPU p95 {of['cpu_p95']:.1f} ms, median {of['cpu_p50']:.1f} ms"
        f" (Python {of['python_p50']:.1f}, PostgreSQL {of['postgres_p50']:.1f})"
    )


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


def progress(what: str, done: int, of: int) -> None:
    filled = round(30 * done / of)
    end = "\n" if done >= of else ""
    print(f"\r  {'█' * filled}{'░' * (30 - filled)} {done:,} of {of:,} {what}", end=end, flush=True)


def _table(figures: list[Figure], products: int) -> str:
    head = (
        f"Measured on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, one process,"
        f" PostgreSQL warm, page cache emptied before every page; {products:,} products.\n\n"
    )
    lines = ["| figure | measured | bar | | |", "|---|---|---|---|---|", *(figure.row() for figure in figures)]
    return head + "\n".join(lines)


BEGIN, END = "<!-- catalogue -->", "<!-- /catalogue -->"


def _keep(table: str, file: Path) -> None:
    """Put the table in the file's section, which is added where there is none."""
    text = file.read_text(encoding="utf-8") if file.exists() else "# Benchmarks\n"
    section = f"{BEGIN}\n{table}\n{END}"
    if BEGIN in text and END in text:
        text = text[: text.index(BEGIN)] + section + text[text.index(END) + len(END) :]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
