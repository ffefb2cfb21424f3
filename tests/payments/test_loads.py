"""Deposits onto cards: each line once, two persons above the limit."""

import uuid

import pytest
from django.db import IntegrityError

from payments.models import Transfer
from payments.network import cards, desk, loads
from payments.network.acts import Refused
from payments.network.models import Act, LoadProposal
from tests.payments.cast import balance, issued
from tests.payments.desk_cast import CLERK, SECOND, every_won_is_accounted_for

pytestmark = pytest.mark.django_db

MUCH = 1_000_001


def load(card, line, amount, *, by=CLERK, key=None):
    return loads.load_line(key=key or uuid.uuid4(), card=card, line=line, amount=amount, by=by)


def a_line():
    return f"T-{uuid.uuid4().hex[:12]}"


def test_a_line_loads_once_however_it_is_typed():
    card, _ = issued(0)
    line = a_line()
    for typed in (line, f" {line.lower()} ", line.replace("-", "－")):
        assert load(card, typed, 5_000).amount == 5_000
    assert balance(card) == (5_000, 0)
    assert Act.objects.get(card=card, kind="loaded").detail == f"5000 {line.upper()}"


def test_a_line_used_for_something_else_is_refused():
    card, _ = issued(0)
    other, _ = issued(0)
    line = a_line()
    load(card, line, 5_000)
    for wrong in [(card, 5_001), (other, 5_000)]:
        with pytest.raises(Refused, match="deposit used"):
            load(wrong[0], line, wrong[1])
    assert balance(card) == (5_000, 0)
    assert balance(other) == (0, 0)


def test_one_form_loads_one_line():
    card, _ = issued(0)
    key = uuid.uuid4()
    load(card, a_line(), 5_000, key=key)
    with pytest.raises(Refused, match="out of date"):
        load(card, a_line(), 5_000, key=key)


def test_the_limit_itself_needs_one_person_a_won_more_two():
    card, _ = issued(0)
    assert loads.alone_limit() == MUCH - 1
    assert isinstance(load(card, a_line(), MUCH - 1), Transfer)
    proposal = load(card, a_line(), MUCH)
    assert isinstance(proposal, LoadProposal)
    assert balance(card) == (MUCH - 1, 0)


def test_the_database_refuses_a_large_load_that_nobody_agreed_to():
    card, _ = issued(0)
    with pytest.raises(IntegrityError, match="was not decided"):
        desk.load(card=card, amount=MUCH, deposit=uuid.uuid4())


def test_two_persons():
    card, _ = issued(0)
    line = a_line()
    proposal = load(card, line, MUCH)
    assert load(card, line, MUCH, by=SECOND).pk == proposal.pk, "proposing it again is no agreement"
    with pytest.raises(Refused, match="deposit used"):
        load(card, line, MUCH + 1)
    with pytest.raises(Refused, match="second person"):
        loads.agree_load(proposal=proposal, by=CLERK)
    assert balance(card) == (0, 0)
    for _ in range(2):
        assert loads.agree_load(proposal=proposal, by=SECOND).state == "agreed"
    assert balance(card) == (MUCH, 0)
    assert load(card, line, MUCH).amount == MUCH, "the line again: loaded once"
    with pytest.raises(Refused, match="load decided"):
        loads.refuse_load(proposal=proposal, by=CLERK)
    lines = Act.objects.filter(card=card).values_list("kind", "staff_phone")
    assert set(lines) == {("proposed", CLERK.phone), ("agreed", SECOND.phone)}
    assert every_won_is_accounted_for()


def test_a_refused_load_can_be_proposed_anew():
    card, _ = issued(0)
    line = a_line()
    proposal = load(card, line, MUCH + 5)
    for _ in range(2):
        assert loads.refuse_load(proposal=proposal, by=CLERK).state == "refused"
    with pytest.raises(Refused, match="load decided"):
        loads.agree_load(proposal=proposal, by=SECOND)
    again = load(card, line, MUCH)
    assert again.pk != proposal.pk
    loads.agree_load(proposal=again, by=SECOND)
    assert balance(card) == (MUCH, 0)


def test_a_card_out_of_use_is_not_loaded():
    card, _ = issued(0)
    proposal = load(card, a_line(), MUCH)
    cards.report_lost(key=uuid.uuid4(), card=card)
    with pytest.raises(Refused, match="not in use"):
        load(card, a_line(), 100)
    with pytest.raises(Refused, match="not in use"):
        loads.agree_load(proposal=proposal, by=SECOND)
    assert balance(card) == (0, 0)
