"""The worker's two stages: all or none, the good rows only, stopped in the middle, taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from catalog.importing import job, offers, stages
from catalog.models import CatalogueImport, FilePiece, ImportRow, Product, ProductVariant, Stock, StockMovement
from tests.catalog.importing.files import HEADER, NOODLES, as_csv, checked, counts, errors, sent, shelves, written
from tests.factories import VariantFactory

ROOT = Path(__file__).resolve().parents[3]


def rows(count: int, **other: str) -> list[list[str]]:
    plain = [other.get(name, value) for name, value in zip(HEADER, NOODLES, strict=True)]
    return [[f"N-{n:05d}", *plain[1:]] for n in range(count)]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 10)


def fail_in_chunk(monkeypatch: pytest.MonkeyPatch, number: int, error: Exception) -> None:
    calls = iter(range(1, 1000))
    real = job.write

    def failing(*args, **options):
        if next(calls) == number:
            raise error
        return real(*args, **options)

    monkeypatch.setattr(job, "write", failing)


@pytest.mark.django_db
def test_all_or_none_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    shelves()
    one = checked(as_csv(*rows(35)))
    fail_in_chunk(monkeypatch, 3, RuntimeError("pulled the plug"))
    stages.begin_writing(one, how="all")
    with pytest.raises(RuntimeError):
        job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.failure, ProductVariant.objects.count()) == ("failed", ["fault", {}], 0)


@pytest.mark.django_db
def test_good_rows_only_passes_by_what_the_database_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    shelves()
    one = checked(as_csv(*rows(35)))
    real = job.write

    def refusing(offers, *args, **options):
        if any(offer.sku == "N-00017" for offer in offers):
            raise DatabaseError("no")
        return real(offers, *args, **options)

    monkeypatch.setattr(job, "write", refusing)
    stages.begin_writing(one, how="good")
    job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.written_count, one.wrong_count) == ("done", 34, 1)
    assert errors(one) == [(19, "", "database")]
    assert set(ProductVariant.objects.values_list("stock__on_hand", flat=True)) == {12}


@pytest.mark.django_db
def test_writing_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    shelves()
    header = ["sku", "product", "name_ko_kp", "seller", "category", "price", "weight_g"]
    lines = [[f"V-{n:05d}", "one" if n % 2 else f"p{n}", "신발", "okryugwan", "dishes", "9", "9"] for n in range(35)]
    one = checked(as_csv(*lines, header=header))
    stages.begin_writing(one, how="good")
    with monkeypatch.context() as patch:
        fail_in_chunk(patch, 3, KeyboardInterrupt())  # a killed worker reaches no handler
        with pytest.raises(KeyboardInterrupt):
            job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.done_count, ProductVariant.objects.count()) == ("writing", 20, 20)
    job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.written_count) == ("done", 35)
    assert Product.objects.count() == 18 + 1
    assert Product.objects.get(variants__sku="V-00001").variants.count() == 17


@pytest.mark.django_db
def test_a_stage_that_stops_again_and_again_is_given_up() -> None:
    shelves()
    one = checked(as_csv(*rows(3)))
    stages.begin_writing(one, how="good")
    CatalogueImport.objects.filter(pk=one.pk).update(tries=job.MOST_TRIES)
    job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.failure) == ("failed", ["tries", {}])


@pytest.mark.django_db
def test_what_changed_since_the_preview_is_compared_again() -> None:
    shelves()
    written(as_csv(*rows(2)))
    one = checked(as_csv(*rows(2, price="500", stock="9")))
    Stock.objects.get(variant__sku="N-00001")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_stockmovement (stock_id, kind, on_hand_change, reserved_change, cause, note)"
            " SELECT id, 'hold', 0, 11, 'order', '' FROM catalog_productvariant WHERE sku = 'N-00001'"
        )
    stages.begin_writing(one, how="all")
    job.write_rows(one.pk)
    one.refresh_from_db()
    assert one.failure == ["rows_wrong", {"n": 1}]
    assert not ProductVariant.objects.filter(price=500).exists()


@pytest.mark.django_db
def test_given_up_while_it_writes() -> None:
    shelves()
    one = checked(as_csv(*rows(35)))
    stages.begin_writing(one, how="good")
    real, done = job.write, []

    def stopping(*args, **options):
        done.append(1)
        answer = real(*args, **options)
        if len(done) == 2:
            stages.give_up(one)
        return answer

    job.write = stopping
    try:
        job.write_rows(one.pk)
    finally:
        job.write = real
    one.refresh_from_db()
    assert one.state == "cancelled"
    assert ProductVariant.objects.count() == ImportRow.objects.filter(of=one, state="written").count() == 20


@pytest.mark.django_db
def test_statements_do_not_grow_with_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    shelves()
    monkeypatch.setattr(job, "CHUNK", 1000)
    counted = []
    for start, count in ((0, 20), (1000, 200)):
        lines = [[f"Q-{start + n}", *NOODLES[1:]] for n in range(count)]
        asked = 0

        def count_one(execute, *args):
            nonlocal asked
            asked += 1
            return execute(*args)

        one = checked(as_csv(*lines))
        stages.begin_writing(one, how="good")
        with connection.execute_wrapper(count_one):
            job.write_rows(one.pk)
        counted.append(asked)
    assert counted[0] == counted[1]


@pytest.mark.django_db
def test_old_rows_go_and_refused_rows_stay() -> None:
    shelves()
    one = written(as_csv(*rows(3), ["", *NOODLES[1:]]), how="good")
    left = sent(as_csv(*rows(2)))
    stages.forget_old()
    assert (ImportRow.objects.filter(of=one).count(), left.pieces.count()) == (4, 1)
    CatalogueImport.objects.update(created_at="2026-01-01T00:00Z")
    CatalogueImport.objects.filter(finished_at__isnull=False).update(finished_at="2026-01-01T00:00Z")
    stages.forget_old()
    assert list(ImportRow.objects.filter(of=one).values_list("state", flat=True)) == ["wrong"]
    assert not FilePiece.objects.exists()
    left.refresh_from_db()
    assert left.state == "cancelled"


CHILD = """
import django, sys, time
django.setup()
from catalog.importing import job
job.CHUNK = 10
real = job.write
def slow(*args, **options):
    answer = real(*args, **options)
    print("chunk", flush=True)
    time.sleep(0.3)
    return answer
job.write = slow
job.write_rows(int(sys.argv[1]))
"""


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["all", "good"])
def test_a_killed_worker_leaves_a_clear_state(how: str, process_env: dict[str, str]) -> None:
    shelves()
    VariantFactory()
    one = checked(as_csv(*rows(60)))
    stages.begin_writing(one, how=how)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(one.pk)], cwd=ROOT, env=process_env, stdout=subprocess.PIPE
    )
    for _ in range(3):
        assert child.stdout.readline() == b"chunk\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    time.sleep(0.5)  # until the server has noticed
    one.refresh_from_db()
    there = ProductVariant.objects.filter(sku__startswith="N-").count()
    assert one.state == "writing"
    assert there == 0 if how == "all" else there in (20, 30)
    job.write_rows(one.pk)
    one.refresh_from_db()
    assert (one.state, one.written_count) == ("done", 60)
    assert ProductVariant.objects.filter(sku__startswith="N-").count() == 60
    assert StockMovement.objects.filter(cause__startswith=f"import-{one.pk}:").count() == 60
    assert counts(checked(as_csv(*rows(60)))) == {"same": 60}


@pytest.mark.django_db
def test_tables_the_statistics_call_empty_are_not_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Autovacuum that meets an import's uncommitted rows writes down "no rows in many pages". Every row of the next
    chunk was then compared with every row of the tables: thousand times as much as there is to read."""
    monkeypatch.setattr(job, "CHUNK", 1000)
    shelves()
    goods = as_csv(*rows(3000))
    with monkeypatch.context() as without:
        without.setattr(job, "_mend_statistics", lambda: None)
        written(goods)
    _look_from_outside()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + offers.FIND + "WHERE v.sku = ANY(%s)", [["N-00001"] * 2])
        assert _expected(cursor.fetchone()) <= 1  # it is as bad as it can be
    one = checked(goods)
    assert counts(one) == {"same": 3000}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s) AND reltuples < 3000", [list(FILLED)])
        assert cursor.fetchall() == []
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + offers.FIND + "WHERE v.sku = ANY(%s)", [_skus(1000)])
        plan = (cursor.fetchone() or [[]])[0][0]["Plan"]
        cursor.execute("SELECT catalog_mend_statistics()")
        assert cursor.fetchone() == (0,)
    assert _rows_read(plan) < 20_000


FILLED = ("catalog_product", "catalog_productvariant", "catalog_stock")


def _skus(count: int) -> list[str]:
    return [f"N-{n:05d}" for n in range(count)]


def _look_from_outside() -> None:
    told = connection.settings_dict
    where = {"host": told["HOST"], "port": told["PORT"], "user": told["USER"], "password": told["PASSWORD"]}
    given = {name: value for name, value in where.items() if value}
    with psycopg.connect(dbname=told["NAME"], autocommit=True, **given) as outside:
        for table in FILLED:
            outside.execute(f"ANALYZE {table}")


def _expected(row: Any) -> float:
    return float(row[0][0]["Plan"]["Plan Rows"])


def _rows_read(plan: dict[str, Any]) -> float:
    """What all steps of a plan touched: given on or thrown away."""
    own = sum(plan.get(what, 0) for what in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return own * plan["Actual Loops"] + sum(_rows_read(inner) for inner in plan.get("Plans", []))
