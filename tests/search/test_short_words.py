"""Short words mistyped, over the demo's few products: the words to correct them with are rare there."""

import json
from pathlib import Path

import pytest

from catalog.search import evaluation
from catalog.search.engine import search
from tests.search.generated import nonsense

DATA = Path(__file__).resolve().parents[1] / "data"
DEMO = DATA.parents[1] / "okryu" / "demo" / "catalogue.json"

pytestmark = pytest.mark.django_db


def test_short_words_mistyped_in_a_small_shop() -> None:
    """랭면 stands once in the demo, inside 평양랭면: the word for correcting 랭맨 has to be taken out of the name."""
    demo = json.loads(DEMO.read_text())
    shelves = {category["slug"]: category["name_ko"] for category in demo["categories"]}
    empty = dict.fromkeys(("name_en", "category_en", "seller_ko", "seller_en", "description_ko", "sku"), "")
    products = [(product["name_ko"], shelves.get(product["category"], "")) for product in demo["products"]]
    evaluation.load([{**empty, "name_ko": name, "category_ko": shelf} for name, shelf in products])
    result = evaluation.evaluate(evaluation.read_cases(DATA / "search_short_cases.tsv"), [])
    assert result.total[0] >= 20
    assert [(o.case.query, o.listed[:3]) for o in result.outcomes if not o.in_ten] == []
    answered = [query for query in nonsense([name for name, _ in products], 200) if search(query).hits]
    assert len(answered) <= 10, answered
