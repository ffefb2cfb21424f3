"""The issuer's decision, in its order: nothing about the person before the PIN is right."""

import datetime
from dataclasses import replace

import pytest

from payments.network.decide import Decision, Facts, decide

TODAY = datetime.date(2026, 11, 24)
GOOD = Facts(
    status="active",
    expires_on=TODAY,
    today=TODAY,
    pin_tries=0,
    pin_is_right=True,
    holder_is_right=True,
    is_resident=True,
    currency="KPW",
    per_payment=500,
    per_day=1_000,
    count_day=3,
    spent_today=0,
    count_today=0,
    available=400,
)
# From the last reason to the first: each is told before those above it.
WRONG = [
    ("51", {"available": 0}),
    ("65", {"count_today": 3}),
    ("61", {"per_payment": 1}),
    ("57", {"holder_is_right": False}),
    ("55", {"pin_is_right": False}),
    ("75", {"pin_tries": 3}),
    ("54", {"expires_on": TODAY - datetime.timedelta(days=1)}),
    ("62", {"status": "blocked"}),
]


def test_approved():
    assert decide(GOOD, 400) == Decision("00", 0)
    assert decide(GOOD, 0) == Decision("00", 0)


def test_reasons_come_in_order():
    facts = GOOD
    for code, change in WRONG:
        facts = replace(facts, **change)
        assert decide(facts, 100).code == code


@pytest.mark.parametrize(
    ("code", "change", "amount"),
    [
        ("41", {"status": "lost"}, 100),
        ("43", {"status": "stolen"}, 100),
        ("62", {"status": "closed"}, 100),
        ("57", {"currency": "EUR"}, 100),
        ("57", {"is_resident": False}, 100),
        ("57", {"holder_is_right": False}, 0),
        ("61", {"spent_today": 901}, 100),
        ("00", {"spent_today": 900}, 100),
        ("65", {"count_today": 3}, 1),
        ("00", {"count_today": 2}, 1),
        ("61", {}, 501),
        ("51", {}, 401),
    ],
)
def test_each_reason(code, change, amount):
    assert decide(replace(GOOD, **change), amount).code == code


@pytest.mark.parametrize(("before", "right", "code", "after"), [
    (0, False, "55", 1), (1, False, "55", 2), (2, False, "55", 3), (3, False, "75", 3),
    (2, True, "00", 0), (3, True, "75", 3),
])  # fmt: skip
def test_pin_counter(before, right, code, after):
    assert decide(replace(GOOD, pin_tries=before, pin_is_right=right), 100) == Decision(code, after)


def test_a_right_pin_resets_the_counter_even_of_a_refused_card():
    assert decide(replace(GOOD, pin_tries=2, is_resident=False), 100) == Decision("57", 0)
