"""How well the search finds what it should: a catalogue in a scratch database, cases asked through the engine."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from accounts.models import District
from catalog.models import Category, Product, ProductVariant, Seller, Stock
from catalog.search import index, rebuild
from catalog.search.engine import PAGE, search

FIRST = 10
SCRATCH = re.compile(r"^okryu_evaluate_([0-9]+)_([0-9]+)$")
ABANDONED_SECONDS = 24 * 3600


class BadFile(Exception):
    """A file that is not what it should be; the text says which line and why."""


@dataclass(frozen=True)
class Case:
    query: str
    names: list[str]
    kind: str
    line: int


@dataclass
class Outcome:
    case: Case
    places: dict[str, int | None]  # each wanted name → its place in the list from 1, or None
    listed: list[str]
    milliseconds: float

    @property
    def first(self) -> bool:
        return any(place == 1 for place in self.places.values())

    @property
    def in_ten(self) -> bool:
        return all(place is not None and place <= FIRST for place in self.places.values())


@dataclass
class Evaluation:
    outcomes: list[Outcome] = field(default_factory=list)
    broken: list[tuple[Case, str]] = field(default_factory=list)  # negative cases that listed what they must not

    def by_kind(self) -> dict[str, tuple[int, int, int]]:
        """kind → cases, first, in ten."""
        found: dict[str, tuple[int, int, int]] = {}
        for outcome in self.outcomes:
            count, first, ten = found.get(outcome.case.kind, (0, 0, 0))
            found[outcome.case.kind] = (count + 1, first + outcome.first, ten + outcome.in_ten)
        return found

    @property
    def total(self) -> tuple[int, int, int]:
        return (
            len(self.outcomes),
            sum(outcome.first for outcome in self.outcomes),
            sum(outcome.in_ten for outcome in self.outcomes),
        )


# ---------------------------------------------------------------- files
def read_table(path: Path, columns: dict[str, tuple[str, ...]], *, optional: tuple[str, ...] = ()) -> list[Any]:
    """Rows of a tab-separated file as (line, {column: text}); a column may go by several names.

    Takes a byte order mark, blank lines, stray spaces and columns in any order. Raises BadFile.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as missing:
        raise BadFile(f"{path}: {missing.strerror}") from missing
    except UnicodeDecodeError as wrong:
        raise BadFile(f"{path}: not UTF-8 (byte {wrong.start})") from wrong
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows:
        raise BadFile(f"{path}: the file is empty")
    head = [name.strip().lower() for name in _cells(rows[0][1])]
    places = {column: _place(head, known) for column, known in columns.items()}
    missing_columns = [column for column, at in places.items() if at is None and column not in optional]
    if missing_columns:
        lacking, there = ", ".join(missing_columns), ", ".join(head)
        raise BadFile(f"{path}: line {rows[0][0]} names no column {lacking} (it has: {there})")
    return [(number, _row(_cells(line), places, path, number, optional)) for number, line in rows[1:]]


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))


def _place(head: list[str], known: tuple[str, ...]) -> int | None:
    return next((head.index(name) for name in known if name in head), None)


def _row(
    cells: list[str], places: dict[str, int | None], path: Path, number: int, optional: tuple[str, ...]
) -> dict[str, str]:
    row = {column: cells[at].strip() if at is not None and at < len(cells) else "" for column, at in places.items()}
    for column, text in row.items():
        if not text and column not in optional:
            raise BadFile(f"{path}: line {number} has no {column}")
    return row


def read_catalogue(path: Path) -> list[dict[str, str]]:
    columns = {
        "name_ko": ("name_ko", "name"),
        "name_en": ("name_en",),
        "category_ko": ("category_ko", "category"),
        "category_en": ("category_en",),
        "seller_ko": ("seller_ko", "seller"),
        "seller_en": ("seller_en",),
        "description_ko": ("description_ko", "description"),
        "sku": ("sku",),
    }
    optional = tuple(column for column in columns if column != "name_ko")
    return [row for _, row in read_table(path, columns, optional=optional)]


def read_cases(path: Path) -> list[Case]:
    columns = {"query": ("query", "q"), "must_find": ("must_find", "expected", "names"), "kind": ("kind", "type")}
    rows = read_table(path, columns, optional=("kind",))
    return [Case(row["query"], _names(row["must_find"]), row["kind"] or "other", line) for line, row in rows]


def read_negatives(path: Path) -> list[Case]:
    columns = {"query": ("query", "q"), "must_not": ("must_not",), "kind": ("why", "kind")}
    rows = read_table(path, columns, optional=("kind",))
    return [Case(row["query"], _names(row["must_not"]), row["kind"], line) for line, row in rows]


def _names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split("|") if name.strip()]


# ---------------------------------------------------------------- the scratch database
@contextlib.contextmanager
def scratch_database(*, locale: str = "") -> Iterator[None]:
    """A migrated database of one's own that is dropped at the end, whatever ends it but a kill -9; what one of
    those left is dropped by the next run a day later."""
    name = f"okryu_evaluate_{int(time.time())}_{os.getpid()}"
    conf = connections.settings["default"]
    before = conf["NAME"]
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    with _server() as server:
        _drop_abandoned(server)
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        if locale:
            create += sql.SQL(" LOCALE {}").format(sql.Literal(locale))
        server.execute(create)
        try:
            _point_at(name)
            with connection.cursor() as cursor:  # a page's limits are not a migration's
                cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
            call_command("migrate", "catalog", interactive=False, verbosity=0)
            yield
        finally:
            _point_at(before)
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            server.execute(statement)
            signal.signal(signal.SIGTERM, previous)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _point_at(name: str) -> None:
    connection.close()
    connections.settings["default"]["NAME"] = connection.settings_dict["NAME"] = name


def _server() -> psycopg.Connection[Any]:
    conf = connection.settings_dict
    known = {"host": conf["HOST"], "port": conf["PORT"], "user": conf["USER"], "password": conf["PASSWORD"]}
    given = {key: value for key, value in known.items() if value}
    return psycopg.connect(dbname=str(conf["NAME"]), autocommit=True, **given)


def _drop_abandoned(server: psycopg.Connection[Any]) -> None:
    for (name,) in server.execute("SELECT datname FROM pg_database").fetchall():
        found = SCRATCH.match(name)
        if found and time.time() - int(found[1]) > ABANDONED_SECONDS:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


# ---------------------------------------------------------------- the catalogue and the questions
def load(rows: list[dict[str, str]]) -> int:
    """Fill the current database with these products, all listed and in stock, in the order of the file."""
    district, _ = District.objects.get_or_create(
        slug="evaluation", defaults={"name_ko_kp": "평가구역", "name_en": "District"}
    )
    categories = _named(Category, rows, "category", "평가", {})
    sellers = _named(Seller, rows, "seller", "", {"kind": Seller.Kind.SHOP, "district": district})
    products = [
        Product(
            seller=sellers[row["seller_ko"]],
            category=categories[row["category_ko"] or "평가"],
            slug=f"p-{number}",
            name_ko_kp=row["name_ko"][:120],
            name_en=row["name_en"][:120],
            description_ko_kp=row["description_ko"][:4000],
            unit_ko_kp="개",
            weight_g=1,
        )
        for number, row in enumerate(rows, 1)
    ]
    Product.objects.bulk_create(products, batch_size=2000)
    skus = [row["sku"][:40] or f"E-{number:06d}" for number, row in enumerate(rows, 1)]
    pairs = zip(products, skus, strict=True)
    variants = [ProductVariant(product=product, sku=sku, price=1) for product, sku in pairs]
    ProductVariant.objects.bulk_create(variants, batch_size=2000)
    Stock.objects.bulk_create([Stock(variant=variant, on_hand=1) for variant in variants], batch_size=2000)
    index.follow_all()
    rebuild.count_words()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_searchdoc, catalog_searchterm, catalog_searchname")
    return len(products)


def _named(model: Any, rows: list[dict[str, str]], what: str, otherwise: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The categories or sellers the file names, by their Korean name; one without a name where it names none."""
    english = {row[f"{what}_ko"] or otherwise: row[f"{what}_en"] for row in rows}
    return {
        name: model.objects.create(slug=f"{what}-{number}", name_ko_kp=name[:80], name_en=word[:80], **fields)
        for number, (name, word) in enumerate(english.items(), 1)
    }


def ask(case: Case, called: dict[int, str]) -> Outcome:
    begun = time.perf_counter()
    found = search(case.query, limit=PAGE)
    spent = (time.perf_counter() - begun) * 1000
    listed = [called[pk] for pk in found.ids]
    return Outcome(case, {name: _where(name, listed) for name in case.names}, listed, spent)


def _where(name: str, listed: list[str]) -> int | None:
    return listed.index(name) + 1 if name in listed else None


def evaluate(cases: list[Case], negatives: list[Case]) -> Evaluation:
    """Ask every case of the current database."""
    called = {pk: " ".join(name.split()) for pk, name in Product.objects.values_list("pk", "name_ko_kp")}
    result = Evaluation([ask(case, called) for case in cases])
    for case in negatives:
        outcome = ask(case, called)
        if problem := _broken(case, outcome):
            result.broken.append((case, problem))
    return result


def _broken(case: Case, outcome: Outcome) -> str:
    """What is wrong with this list, or "". A name that may be listed, but not ranked above, must not stand above
    the products whose name the query is."""
    listed = [(name, place) for name, place in outcome.places.items() if place is not None]
    if "above" in case.kind or "before" in case.kind:
        own = [at for at, name in enumerate(outcome.listed, 1) if case.query.replace(" ", "") in name.replace(" ", "")]
        return "; ".join(f"{name} stands at {place}" for name, place in listed if not own or place < min(own))
    return "; ".join(f"{name} stands at {place}" for name, place in listed)


def unknown_names(cases: list[Case], rows: list[dict[str, str]]) -> list[tuple[Case, str]]:
    """Names that cases want and the catalogue does not have: no search could find them."""
    known = {" ".join(row["name_ko"].split()) for row in rows}
    return [(case, name) for case in cases for name in case.names if name not in known]
