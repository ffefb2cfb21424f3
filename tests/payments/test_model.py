"""Any history of cards, payments, parcels and days under a bad line, compared with an independent auditor.

Hypothesis writes the histories (machine.py). After every step the audits are empty, the auditor's dicts equal the
database, no card is below 0, no declined payment has a hold; at the end the faults stop, the questions are asked until
none is left, and both books agree about every payment. Its seed is printed; `HYPOTHESIS_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis.stateful import run_state_machine_as_test

from tests import databases
from tests.payments.machine import Money

# What 200 histories of 50 steps must meet at least so often, or they prove little; mostly they meet several times that.
DEEP = {
    "authorise 00": 400, "authorise 51": 20, "authorise 55": 40, "authorise 57": 15, "authorise 61": 10,
    "authorise 75": 20, "authorise 41": 20, "resent whole": 8, "altered 94": 8, "a stale key": 8,
    "a second live payment refused": 4, "paid again after a refusal": 8, "tombstone": 8,
    "kept out by a tombstone": 100, "capture recorded": 120,
    "a part captured, more held": 80, "another capture of the same payment": 50, "capture 25": 4,
    "release recorded": 40, "refund recorded": 50, "another refund of the same payment": 15, "everything refunded": 6,
    "reverse recorded": 30, "held money expired": 20, "ended by the network 00": 4,
    "an answer recorded by two at once": 15, "fault lost_request": 40, "fault lost_answer": 40, "fault duplicate": 30,
    "fault garbage": 20, "fault late": 40, "a day with money in its file": 12, "a receipt": 12, "a payout": 20,
    "a seller owes": 4, "redeem 00": 8, "send 00": 15, "a claim": 8, "agree 00": 4, "a claim expired": 1, "load": 800,
}  # fmt: skip
# The three payments with which each of the eight short histories begins, and whatever else it met.
SHORT = {"authorise 00": 16, "load": 24, "capture recorded": 1}

PER_LEDGER = 25  # histories in one database: an audit reads all that ever moved there


def histories(*, examples, steps, number=None, shrink=True):
    """Run the machine in ledgers of its own: the auditor knows of everything that moves there. What was met."""
    number = number or int(os.environ.get("HYPOTHESIS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"HYPOTHESIS_SEED={number}")
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    Money.met.clear()
    with ExitStack() as ledger:
        run_state_machine_as_test(with_seed(number)(lambda: _in_a_small_ledger(ledger)), settings=profile)
    print(dict(sorted(Money.met.items())))
    return Money.met


def _in_a_small_ledger(ledger):
    """A ledger in which a history went wrong is not used again: its repetition must not meet the damage."""
    went_wrong = Money.met["begun"] != Money.met["histories"]
    Money.met["begun"] += 1
    if went_wrong or Money.met["begun"] % PER_LEDGER == 1:
        Money.met["histories"] = Money.met["begun"] - 1
        ledger.close()
        ledger.enter_context(databases.using(ledger.enter_context(databases.copied("model"))))
    return Money()


@pytest.fixture(autouse=True)
def _a_bad_line(settings):
    settings.PAYMENT_FAULTS = "seed=7"


@pytest.mark.ledger
def test_short_histories():
    met = histories(examples=8, steps=25)
    assert {what: met[what] for what, times in SHORT.items() if met[what] < times} == {}


@pytest.mark.ledger
@pytest.mark.long(first=True)
def test_deep_histories_of_fifty_steps():
    examples = int(os.environ.get("HISTORIES", "200"))
    met = histories(examples=examples, steps=50)
    assert {what: met[what] for what, times in DEEP.items() if met[what] < times * examples // 200} == {}
