"""Everything that must be found over the invented catalogue, by kind, and what must not."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.models import Product
from catalog.search import evaluation
from catalog.search.engine import search
from tests.search.generated import nonsense, typos

DATA = Path(__file__).resolve().parents[1] / "data"
CATALOGUE = DATA / "search_catalogue.tsv"
WHOLE = {"exact", "ns_spelling", "chosung", "chosung_ns", "infix", "single_syllable"}

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def catalogue(filled: Any) -> Iterator[list[str]]:
    rows = evaluation.read_catalogue(CATALOGUE)
    with filled(lambda: evaluation.load(rows)):
        yield [row["name_ko"] for row in rows]


@pytest.mark.parametrize("file", ["search_cases.tsv", "search_held_out.tsv"])
def test_what_must_be_found(catalogue: list[str], file: str) -> None:
    result = evaluation.evaluate(evaluation.read_cases(DATA / file), [])
    missed = [(o.case.query, o.case.kind, o.listed[:3]) for o in result.outcomes if not o.in_ten]
    count, first, ten = result.total
    assert count >= 90
    assert ten / count >= 0.97, missed
    assert first / count >= 0.9
    short = {kind: counts for kind, counts in result.by_kind().items() if kind in WHOLE and counts[0] != counts[2]}
    assert not short, missed


def test_what_must_not_be_listed(catalogue: list[str]) -> None:
    negatives = evaluation.read_negatives(DATA / "search_negative_cases.tsv")
    assert len(negatives) == 6
    assert evaluation.evaluate([], negatives).broken == []


def test_a_thousand_slips_of_the_finger(catalogue: list[str]) -> None:
    called = dict(Product.objects.values_list("pk", "name_ko_kp"))
    made, found = Counter[str](), Counter[str]()
    for query, name, kind in typos(catalogue, 1000):
        made[kind] += 1
        found[kind] += name in [called[pk] for pk in search(query, limit=20).ids[:10]]
    assert sum(made.values()) == 1000
    assert sum(found.values()) >= 900, {kind: f"{found[kind]} of {count}" for kind, count in made.items()}


def test_nonsense_finds_nothing(catalogue: list[str]) -> None:
    answered = [query for query in nonsense(catalogue, 200) if search(query).hits]
    assert len(answered) <= 10, answered


def test_exact_before_folded_before_corrected(catalogue: list[str]) -> None:
    """굴 and 꿀 are the same keys, 오리 and 오이 near ones."""
    called = dict(Product.objects.values_list("pk", "name_ko_kp"))
    assert called[search("꿀").ids[0]] == "밤꿀 500그람"
    assert called[search("오리").ids[0]] == "오리고기 1.5키로그람"
    assert "오리고기 1.5키로그람" not in [called[pk] for pk in search("오이").ids]
