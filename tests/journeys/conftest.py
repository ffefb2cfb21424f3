"""A running shop with the demo's goods and people, for stories told from outside."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from okryu.demo import people
from okryu.demo.load import load_catalogue, read_catalogue
from payments.network import desk
from tests import databases


@pytest.fixture(scope="session")
def demo_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database with the demo's shelves, members, cards and staff; its sixty days are not needed here."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            name = stack.enter_context(databases.filled("demo_filled", load_demo_shop))
        yield name


@pytest.fixture
def demo_shop(live_server: Any, demo_database: str) -> Iterator[str]:
    """The address of a shop that works on a copy of it."""
    with databases.copied("demo", of=demo_database) as name, databases.using(name):
        yield live_server.url


def load_demo_shop() -> None:
    load_catalogue(read_catalogue(), tell=lambda line: None)
    people.load_staff()
    money = people.balances()
    for shopper in people.load_shoppers():
        if amount := money.get(shopper.user.phone):
            desk.load(card=shopper.card, amount=amount, deposit=uuid4())
