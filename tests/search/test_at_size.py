"""Fifty thousand products, and a database whose letters are only bytes."""

import contextlib
from pathlib import Path

import pytest
from django.db import connection, transaction

from catalog.search import asking, evaluation, matching
from catalog.search.engine import search

DATA = Path(__file__).resolve().parents[1] / "data"
PRODUCTS = 50_000
QUERIES = (
    "랭면",
    "국수",
    "배",
    "ㄱㅅ",
    "ㄹㅁ",
    "평양 랭면",
    "soap",
    "naengmyeon",
    "없는말씀",
    "머리물비노",
    "물 국수 500그람",
)

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


# The documents of the invented catalogue, each so often under other names. The search reads no other table for its
# tiers, so no products have to be made for them; the triggers and foreign keys that would ask for some stand aside.
MULTIPLIED = """
SET LOCAL session_replication_role = replica;
INSERT INTO catalog_searchdoc
SELECT d.product_id + 1000000 * copy, d.seller_id, d.category_id, d.visible, d.in_stock, d.pop, d.key_version,
       d.n || copy || '번', d.k || copy || 'qjs ', d.f, d.c || 'qs ', d.r, d.e, d.d
  FROM catalog_searchdoc d, generate_series(1, %s) AS copy
"""


def test_no_question_reads_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with evaluation.scratch_database():
        rows = evaluation.read_catalogue(DATA / "search_catalogue.tsv")
        evaluation.load(rows)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SELECT pg_get_indexdef('searchdoc_words'::regclass)")
            (index,) = cursor.fetchone() or ("",)
            cursor.execute("DROP INDEX searchdoc_words")  # built at the end, as the first rebuild does
            with transaction.atomic():
                cursor.execute(MULTIPLIED, [PRODUCTS // len(rows)])
            cursor.execute(index)
            cursor.execute("ANALYZE catalog_searchdoc")
            cursor.execute("SELECT count(*) FROM catalog_searchdoc")
            assert cursor.fetchone()[0] >= PRODUCTS
        plans: list[str] = []

        def explained(statement: str, args: list[object]) -> list[tuple[object, ...]]:
            plans.extend(str(row[0]) for row in asking.ask(f"EXPLAIN {statement}", args))
            return asking.ask(statement, args)

        monkeypatch.setattr(matching, "ask", explained)
        for query in QUERIES:
            search(query)
        assert any("searchdoc_words" in line for line in plans)
        assert not [line for line in plans if "Seq Scan on catalog_searchdoc" in line]
        with connection.cursor() as cursor:  # and it would be seen: without the index there is no other way
            cursor.execute("DROP INDEX searchdoc_words")
        plans.clear()
        with contextlib.suppress(asking.TooSlow):
            search(QUERIES[0])
        assert [line for line in plans if "Seq Scan on catalog_searchdoc" in line]


def test_the_same_in_a_database_of_plain_bytes() -> None:
    with evaluation.scratch_database(locale="C"):
        evaluation.load(evaluation.read_catalogue(DATA / "search_catalogue.tsv"))
        for file in ("search_cases.tsv", "search_held_out.tsv"):
            result = evaluation.evaluate(evaluation.read_cases(DATA / file), [])
            assert result.total[0] == result.total[2], [o.case.query for o in result.outcomes if not o.in_ten]
