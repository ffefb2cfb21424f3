"""A running shop with the demo's goods and people, for stories told from outside."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from okryu.demo import people
from okryu.demo.load import load_catalogue, read_catalogue
from payments.network import desk


@pytest.fixture
def demo_shop(live_server: Any) -> Iterator[str]:
    """The address of a shop with the demo's shelves, members, cards and staff; its sixty days are not needed here."""
    load_catalogue(read_catalogue(), tell=lambda line: None)
    people.load_staff()
    money = people.balances()
    for shopper in people.load_shoppers():
        if amount := money.get(shopper.user.phone):
            desk.load(card=shopper.card, amount=amount, deposit=uuid4())
    yield live_server.url
