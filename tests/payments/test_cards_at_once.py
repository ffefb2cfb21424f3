"""Cards in many hands at once, by real processes: no deadlock, nothing twice, every won where it belongs."""

import uuid
from collections import Counter

import pytest
from django.db import connection

from payments.models import Transfer
from payments.network import cards, claims, loads, sending
from payments.network.acts import Clerk, Refused
from payments.network.models import Act, Card, Instruction
from tests.payments.cast import PIN, balance, card_number, issued
from tests.payments.desk_cast import CLERK, FEE, claimed, every_won_is_accounted_for, replaced, sent
from tests.payments.processes import at_once

pytestmark = pytest.mark.ledger


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_sending_in_opposite_directions():
    one, _ = issued(10_000, count_day=1_000)
    other, _ = issued(10_000, count_day=1_000)
    before = deadlocks()

    def send_twelve(number):
        pair = (one, other) if number % 2 else (other, one)
        return [sent(*pair, 50).code for _ in range(12)]

    codes = Counter(code for several in at_once(8, send_twelve) for code in several)
    assert codes == {"00": 96}
    assert deadlocks() == before
    assert balance(one) == balance(other) == (10_000 - 48 * FEE, 0)
    assert every_won_is_accounted_for()


def test_the_same_sending_ten_times():
    payer, _ = issued(10_000)
    payee, _ = issued(0)
    key = uuid.uuid4()
    assert at_once(10, lambda _: sent(payer, payee, 3_000, key=key).code) == ["00"] * 10
    assert balance(payee) == (3_000, 0)
    assert balance(payer) == (6_990, 0)


def test_more_sendings_than_there_is_money():
    payer, _ = issued(1_000, count_day=100)
    payees = [issued(0)[0] for _ in range(4)]

    def send_three(number):
        return [sent(payer, payees[number % 4], 190).code for _ in range(3)]

    codes = Counter(code for several in at_once(8, send_three) for code in several)
    assert codes == {"00": 5, "51": 19}
    assert balance(payer) == (0, 0)
    assert sum(balance(payee)[0] for payee in payees) == 950


def test_a_wrong_pin_of_one_form_counts_once():
    payer, _ = issued(1_000)
    payee, _ = issued(0)
    key = uuid.uuid4()
    assert at_once(8, lambda _: sent(payer, payee, 100, key=key, pin="1357").code) == ["55"] * 8
    assert Card.objects.get(pk=payer.pk).pin_tries == 1


def test_a_deposit_line_ten_times():
    card, _ = issued(0)
    line = uuid.uuid4().hex

    def load(number):
        clerk = Clerk(id=number, phone=str(number))
        return loads.load_line(key=uuid.uuid4(), card=card, line=line, amount=7_000, by=clerk).amount

    assert at_once(10, load) == [7_000] * 10
    assert balance(card) == (7_000, 0)


def test_two_persons_agree_at_once():
    card, _ = issued(0)
    proposal = loads.load_line(key=uuid.uuid4(), card=card, line=uuid.uuid4().hex, amount=2_000_000, by=CLERK)

    def agree(number):
        by = CLERK if number == 0 else Clerk(id=100 + number, phone=str(number))
        try:
            return loads.agree_load(proposal=proposal, by=by).state
        except Refused as refused:
            return refused.why

    answers = at_once(6, agree)
    assert answers[1:] == ["agreed"] * 5
    assert answers[0] in {"second person", "agreed"}, "who proposed it sees it agreed, or is refused; never agrees"
    assert balance(card) == (2_000_000, 0)
    proposal.refresh_from_db()
    assert proposal.decided_by != proposal.proposed_by


def test_a_claim_agreed_ten_times_is_one_way_back():
    payer, _ = issued(5_000)
    payee, _ = issued(5_000)
    claim = claimed(payer, payee, 1_000)
    answers = at_once(10, lambda _: claims.agree(key=uuid.uuid4(), claim=claim, card=payee, pin=PIN))
    assert answers == ["00"] * 10
    assert balance(payee) == (5_000, 0)
    assert balance(payer) == (5_000 - FEE, 0)
    assert Transfer.objects.filter(uuid=claim.pk).count() == 1


def test_a_claim_agreed_and_refused_at_once_is_one_of_the_two():
    payer, _ = issued(5_000)
    payee, _ = issued(0)
    claim = claimed(payer, payee, 1_000)

    def answer(number):
        try:
            if number % 2:
                return claims.refuse(claim=claim, card=payee).state
            return claims.agree(key=uuid.uuid4(), claim=claim, card=payee, pin=PIN)
        except Refused as refused:
            return refused.why

    at_once(6, answer)
    claim.refresh_from_db()
    assert (claim.state, balance(payee)) in [("agreed", (0, 0)), ("refused", (1_000, 0))]


def test_a_loss_and_payouts_at_once():
    card, _ = issued(1_000)

    def go(number):
        if number == 0:
            cards.report_lost(key=uuid.uuid4(), card=card)
            return "lost"
        return sending.redeem(key=uuid.uuid4(), card=card, amount=300, pin=PIN, by=CLERK).code

    codes = Counter(at_once(6, go))
    assert codes["lost"] == 1
    assert codes["00"] <= 3
    assert balance(card) == (1_000 - 300 * codes["00"], 0)
    paid = Instruction.objects.filter(account=card.account_id, code="00").count()
    assert paid == codes["00"] == Act.objects.filter(card=card, kind="redeemed", code="00").count()


def test_one_card_replaced_twice_at_once_is_one_new_card():
    card, _ = issued(1_000)
    numbers = [card_number() for _ in range(4)]  # here: a child's count goes on from the parent's

    def replace(number):
        try:
            return replaced(card, number=numbers[number]).last4
        except Refused as refused:
            return refused.why

    answers = Counter(at_once(4, replace))
    assert answers["replaced before"] == 3
    assert Card.objects.filter(account=card.account_id, status="active").count() == 1
