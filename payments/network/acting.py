"""In whose name the network writes: one transaction each, in a database role of its own where roles are in use.

The shop's process works as `shop_app`, which writes no table of the network and only the shop book's transfers.
With DATABASE_ROLES the network's own transactions therefore begin by changing to `network_app`, and the bank's card
desk to `bank_desk`; both end with the transaction. Without it (development, tests) nothing is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction


@contextlib.contextmanager
def as_network() -> Iterator[None]:
    """A durable transaction of the network: authorisations, captures, refunds, sends."""
    with _transaction("network_app"):
        yield


@contextlib.contextmanager
def as_bank_desk() -> Iterator[None]:
    """A durable transaction of the bank's card desk: cards, loads, payouts."""
    with _transaction("bank_desk"):
        yield


@contextlib.contextmanager
def _transaction(role: str) -> Iterator[None]:
    with transaction.atomic(durable=True):
        if settings.DATABASE_ROLES:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL ROLE {role}")  # one of the two names above
        yield
