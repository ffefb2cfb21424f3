"""Every figure of the catalogue against its bar: `make bench-catalogue`.

Builds ten thousand and a million products once, in a PostgreSQL of its own under var/bench-catalogue (for root: where
the embedded server keeps what belongs to that folder), then measures and prints a table. Exit 1 when a bar is missed
or something could not be measured.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.catalogue_goods import fill
from okryu.embedded_postgres import ROLE, Server

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "bench-catalogue"
SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 3
FILLED = "bench_filled"  # a table that stands where the build went through


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
            *bench.search(options.products),
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
        """The catalogue of this size, unless it stands already with the same schema."""
        name = self.database(products)
        schema = self._schema()
        if not anew and self._stands(name, schema):
            return
        print(f"Building {products:,} products (once) …", flush=True)
        with self.connect("postgres") as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self.manage(products, "migrate", "--verbosity=0")
        with self.connect(name) as database:
            fill(database, products, tell=progress)
        for command in self._rebuilds():
            begin = time.monotonic()
            self.manage(products, command)
            print(f"  {command}: {time.monotonic() - begin:.0f} s", flush=True)
        with self.connect(name) as database:
            database.execute("VACUUM ANALYZE")
            database.execute(f"CREATE TABLE {FILLED} AS SELECT '{schema}'::text AS schema")

    def _rebuilds(self) -> list[str]:
        commands = ROOT / "catalog" / "management" / "commands"
        return [name for name in ("rebuild_listing", "rebuild_search") if (commands / f"{name}.py").exists()]

    def _schema(self) -> str:
        """Whatever changes what is built: the migrations and the generator."""
        return ",".join(sorted(path.stem for path in (ROOT / "catalog" / "migrations").glob("0*.py")))

    def _stands(self, name: str, schema: str) -> bool:
        try:
            with self.connect(name) as database:
                row = database.execute(f"SELECT schema FROM {FILLED}").fetchone()
                return row is not None and row[0] == schema
        except psycopg.Error:
            return False

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
        taken: dict[int, list[list[float]]] = {small: [], large: []}
        queries: dict[str, int] = {}
        worked: dict[int, float] = {}
        for number in range(ROUNDS):
            for size in (small, large):
                answer = self._child(size, "bench.catalogue_pages", f"--requests={requests}", f"--seed={number + 1}")
                taken[size].append(answer["ms"])
                worked[size] = min(answer["cpu"], worked.get(size, answer["cpu"]))
                queries = {**queries, **{k: max(v, queries.get(k, 0)) for k, v in answer["queries"].items()}}
        p95 = {size: statistics.median(percentile(one, 95) for one in rounds) for size, rounds in taken.items()}
        p50 = {size: statistics.median(percentile(one, 50) for one in rounds) for size, rounds in taken.items()}
        ratio = statistics.median(
            percentile(many, 95) / percentile(few, 95) for few, many in zip(taken[small], taken[large], strict=True)
        )
        halves = {size: f"median {p50[size]:.1f} ms; {worked[size]:.1f} ms CPU of the process" for size in taken}
        return [
            Figure(f"category page, two filters, p95, {small:,} products", p95[small], 60, note=halves[small]),
            Figure(f"category page, two filters, p95, {large:,} products", p95[large], 60, note=halves[large]),
            Figure("the same, large ÷ small", ratio, 2, unit="×", note="aim 1.5"),
            *(Figure(f"queries, cold, {address}", count, 6, unit="") for address, count in queries.items()),
        ]

    def search(self, products: int) -> list[Figure]:
        """Search and suggestions, measured by bench/search.py."""
        bars = [("search p95", 50.0, "ms"), ("suggestions p95", 20.0, "ms"), ("search index", 1.2, "KB a product")]
        if not (ROOT / "bench" / "search.py").exists():
            return [Figure(name, None, bar, unit=unit) for name, bar, unit in bars]
        answer = self._child(products, "bench.search", "--json")
        values = [answer["search_p95_ms"], answer["suggestions_p95_ms"], answer["index_kb_a_product"]]
        return [
            Figure(f"{name}, {products:,} products", value, bar, unit=unit)
            for (name, bar, unit), value in zip(bars, values, strict=True)
        ]

    def imports(self) -> list[Figure]:
        """Import of 50,000 rows, measured by bench/imports.py."""
        bars = [("import of 50,000 rows", 60.0, "s"), ("memory of the import", 300.0, "MB")]
        if not (ROOT / "bench" / "imports.py").exists():
            return [Figure(name, None, bar, unit=unit) for name, bar, unit in bars]
        answer = self._child(SMALL, "bench.imports", "--json")
        values = [answer["seconds"], answer["megabytes"]]
        return [Figure(name, value, bar, unit=unit) for (name, bar, unit), value in zip(bars, values, strict=True)]

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


def percentile(values: list[float], per_cent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)]


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
    section = f"{BEGIN}\n## Catalogue (`make bench-catalogue`)\n{table}\n{END}"
    if BEGIN in text and END in text:
        text = text[: text.index(BEGIN)] + section + text[text.index(END) + len(END) :]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
