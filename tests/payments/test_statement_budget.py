"""How many statements a payment costs: a growth must be meant.

Counted are the statements of the shop and of the network together; BEGIN and COMMIT are counted apart.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import pay
from tests.payments.cast import asked, authorised, issued, opened, told

pytestmark = pytest.mark.ledger
PAY, CAPTURE, COMMITS = 13, 11, 3


def statements(captured) -> tuple[int, int]:
    """Statements without BEGIN and COMMIT, and commits."""
    words = [query["sql"] for query in captured]
    assert words.count("BEGIN") == words.count("COMMIT")
    return len(words) - 2 * words.count("COMMIT"), words.count("COMMIT")


def test_holding_money():
    _, presented = issued(10_000)
    with CaptureQueriesContext(connection) as captured:
        told(opened(1_000), presented)
    assert statements(captured) == (PAY, COMMITS)


def test_taking_it():
    _, presented = issued(10_000)
    asking = {"parcel": 1, "seller_id": 5, "goods": 900, "fare": 100, "commission_bp": 300}
    told(asked(pay.ask_capture, payment=authorised(presented, 1_000), **asking))  # opens the seller's account
    payment = authorised(presented, 1_000)
    with CaptureQueriesContext(connection) as captured:
        told(asked(pay.ask_capture, payment=payment, **asking))
    assert statements(captured) == (CAPTURE, COMMITS)
