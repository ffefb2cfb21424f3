"""How long an import of 50,000 rows takes and what memory the job needs, beside the catalogue in DATABASE_URL.

    python -m bench.imports [--json] [--rows 50000]

The file is generated: new products in both languages with prices, stock, descriptions and answers to three attributes
of their categories, where these ask, as CSV or, with --xlsx, as a workbook. A copy of the
database takes it, all rows or none, in a process of its own: every row is checked, then every row is written, and the
database's triggers keep lists, search and price history as always. Seconds are of both stages together, megabytes the
most that the process ever held. The copy is dropped.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import environ
import psycopg
from openpyxl import Workbook
from psycopg import sql

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")

ROOT = Path(__file__).resolve().parent.parent
SEED = 4
BRANDS = ["은하수", "봄향기", "금강산", "묘향산", "송도원", "룡악산", "선흥", "대동강"]
GOODS = ["비누", "신발", "과자", "사탕", "간장", "치약", "그릇", "수건", "가방", "맥주"]
HEADER = (
    "sku,name_ko_kp,name_en,seller,category,price,stock,weight_g,content_amount,content_unit,"
    "description_ko_kp,description_en"
)
ANSWERS = {"a-colour": ["o1", "o2", "o3"], "a-volume": ["250", "500", "750"], "a-organic": ["yes", "no", ""]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--xlsx", action="store_true")
    parser.add_argument("--file", help=argparse.SUPPRESS)  # the child that is measured
    options = parser.parse_args()
    kind = "xlsx" if options.xlsx else "csv"
    figures = measured(Path(options.file)) if options.file else measure(options.rows, kind=kind)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name}: {value:,.1f}" if isinstance(value, float) else f"{name}: {value:,}")


def measure(rows: int, *, kind: str = "csv") -> dict[str, Any]:
    """Generate the file, copy the database, and let a child of ours import the one into the other."""
    with _copied(os.environ["DATABASE_URL"]) as url, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"goods.{kind}"
        with _connected(url) as database:
            sellers = [slug for (slug,) in database.execute("SELECT slug FROM catalog_seller ORDER BY id LIMIT 20")]
            shelves = [slug for (slug,) in database.execute("SELECT slug FROM catalog_category ORDER BY id LIMIT 20")]
            asked = [f"a-{slug}" for (slug,) in database.execute("SELECT slug FROM catalog_attribute")]
        _write(file, rows, sellers, shelves, {name: given for name, given in ANSWERS.items() if name in asked})
        child = subprocess.run(
            [sys.executable, "-m", "bench.imports", "--json", f"--file={file}"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, "STATEMENT_TIMEOUT_SECONDS": "0"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    figures: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    assert figures["rows_written"] == rows, figures
    return figures


@contextmanager
def _copied(url: str) -> Iterator[str]:
    name = str(environ.Env.db_url_config(url)["NAME"])
    copy = f"{name}_import"
    with _connected(url, database="postgres") as server:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(copy))
        server.execute(drop)
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(copy), sql.Identifier(name))
        server.execute(make)
        try:
            yield f"{url.removesuffix(name)}{copy}"
        finally:
            server.execute(drop)


def _connected(url: str, *, database: str = "") -> psycopg.Connection[tuple[Any, ...]]:
    found = environ.Env.db_url_config(url)
    return psycopg.connect(
        host=found["HOST"] or None,
        port=found["PORT"] or None,
        user=found["USER"] or None,
        password=found["PASSWORD"] or None,
        dbname=database or found["NAME"],
        autocommit=True,
    )


def _write(file: Path, rows: int, sellers: list[str], shelves: list[str], answers: dict[str, list[str]]) -> None:
    if file.suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in _rows(rows, sellers, shelves, answers):
            sheet.append(row)
        book.save(file)
        return
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(_rows(rows, sellers, shelves, answers))


def _rows(rows: int, sellers: list[str], shelves: list[str], answers: dict[str, list[str]]) -> Iterator[list[Any]]:
    dice = random.Random(SEED)
    yield [*HEADER.split(","), *answers]
    for n in range(rows):
        name = f"{dice.choice(BRANDS)} {dice.choice(GOODS)} {n}"
        yield [
            f"BENCH-{n:06d}",
            name,
            f"Good thing {n} of quality",
            dice.choice(sellers),
            dice.choice(shelves),
            dice.randint(100, 90_000),
            dice.randint(0, 50),
            dice.randint(50, 5000),
            500,
            "g",
            f"{name} 품질이 좋은 제품입니다. " * 3,
            "A good product of high quality, made at home. " * 3,
            *(dice.choice(given) for given in answers.values()),
        ]


def measured(file: Path) -> dict[str, Any]:
    """Both stages in this process, as the worker runs them."""
    import django  # noqa: PLC0415  # the settings have to be named first

    django.setup()
    from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: PLC0415  # needs Django set up first

    from accounts.models import User  # noqa: PLC0415  # needs Django set up first
    from catalog.importing import job, mapping, stages  # noqa: PLC0415  # needs Django set up first
    from catalog.importing.files import receive  # noqa: PLC0415  # needs Django set up first

    by = User.objects.create_user(phone="1939999999", password="bench-stream-of-jade")  # noqa: S106
    one = receive(SimpleUploadedFile(file.name, file.read_bytes()), by=by)
    begun = time.monotonic()
    stages.begin_check(one, mapping.from_json(one.mapping), by=by)
    job.check(one.pk)
    checked = time.monotonic()
    one.refresh_from_db()
    assert stages.begin_writing(one, how="all"), one.failure
    job.write_rows(one.pk)
    ended = time.monotonic()
    one.refresh_from_db()
    return {
        "seconds": ended - begun,
        "check_seconds": checked - begun,
        "write_seconds": ended - checked,
        "cpu_seconds": time.process_time(),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows_written": one.written_count,
    }


if __name__ == "__main__":
    main()
