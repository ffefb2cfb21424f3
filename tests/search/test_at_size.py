"""Fifty thousand products, and a database whose letters are only bytes."""

from pathlib import Path

import pytest
from django.db import connection

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


def test_no_question_reads_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [row["name_ko"] for row in evaluation.read_catalogue(DATA / "search_catalogue.tsv")]
    with evaluation.scratch_database():
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        rows = [_row(f"{names[n % len(names)]} {n // len(names)}번") for n in range(PRODUCTS)]
        evaluation.load(rows)
        plans: list[str] = []

        def explained(statement: str, args: list[object]) -> list[tuple[object, ...]]:
            plans.extend(str(row[0]) for row in asking.ask(f"EXPLAIN {statement}", args))
            return asking.ask(statement, args)

        monkeypatch.setattr(matching, "ask", explained)
        for query in QUERIES:
            search(query)
        assert any("searchdoc_words" in line for line in plans)
        assert not [line for line in plans if "Seq Scan on catalog_searchdoc" in line]


def _row(name: str) -> dict[str, str]:
    empty = dict.fromkeys(
        ("name_en", "category_ko", "category_en", "seller_ko", "seller_en", "description_ko", "sku"), ""
    )
    return {"name_ko": name, **empty}


def test_the_same_in_a_database_of_plain_bytes() -> None:
    with evaluation.scratch_database(locale="C"):
        evaluation.load(evaluation.read_catalogue(DATA / "search_catalogue.tsv"))
        for file in ("search_cases.tsv", "search_held_out.tsv"):
            result = evaluation.evaluate(evaluation.read_cases(DATA / file), [])
            assert result.total[0] == result.total[2], [o.case.query for o in result.outcomes if not o.in_ten]
