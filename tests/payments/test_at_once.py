"""Many at once, by real processes: one hold, three PINs, no overdraft; and what happens without the lock."""

import multiprocessing
import uuid
from collections import Counter

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.models import random_code
from payments import leases, pay
from payments.gateway import NoAnswer, Presented, gateway
from payments.models import DayCut, Message, Payment, Transfer
from payments.network import verbs
from payments.network.models import Authorisation, Balance, Card
from tests import databases
from tests.payments.cast import asked, authorised, balance, captured, issued, opened, told
from tests.payments.processes import at_once


@pytest.mark.ledger
def test_the_same_payment_ten_times_is_one_hold():
    card, presented = issued(10_000)
    key, code = uuid.uuid4(), random_code(8)

    def pay_once(_):
        message = opened(3_000, key=key, code=code)
        message = told(message, presented) if message.code is None else message
        return message.code, message.ref, message.payment.state

    answers = at_once(10, pay_once)
    assert len(set(answers)) == 1, answers
    assert answers[0][0] == "00"
    assert answers[0][2] == "authorised"
    assert balance(card) == (10_000, 3_000)
    assert Payment.objects.filter(order_code=code).count() == 1


@pytest.mark.ledger
def test_ten_keys_for_one_order_are_one_hold():
    card, presented = issued(100_000)
    code = random_code(8)

    def pay_once(_):
        try:
            return told(opened(3_000, code=code), presented).code
        except pay.LivePayment as live:
            return str(live.payment.order_code)

    assert sorted(at_once(10, pay_once)) == sorted(["00"] + [code] * 9)
    assert balance(card) == (100_000, 3_000)


@pytest.mark.ledger
def test_twenty_wrong_pins_at_once_are_three_tries():
    card, presented = issued(10_000)
    wrong = Presented(presented.number, "1111", presented.holder)
    codes = at_once(20, lambda number: verbs.authorise(ask_for(100), wrong).code if number % 2 else verify(wrong))
    assert Counter(codes) == {"55": 3, "75": 17}
    assert Card.objects.get(pk=card.pk).pin_tries == 3
    assert verbs.authorise(ask_for(100), presented).code == "75"


def verify(card):
    return gateway().verify(card).code


def ask_for(amount, key=None):
    key = key or uuid.uuid4()
    return pay.Ask(id=key, verb="authorise", amount=amount, of=key)


@pytest.mark.ledger
def test_fifty_payments_that_fit_seven_times():
    card, presented = issued(7_500, count_day=100)

    def pay_six(_):
        return [verbs.authorise(ask_for(1_000), presented).code for _ in range(6)]

    codes = Counter(code for several in at_once(8, pay_six) for code in several)
    assert codes == {"00": 7, "51": 41}
    assert balance(card) == (7_500, 7_000)


@pytest.mark.ledger
def test_a_capture_asked_ten_times_moves_once():
    card, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    question = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=2_900, fare=100, commission_bp=300)
    assert set(at_once(10, lambda _: told(question).code)) == {"00"}
    assert balance(card) == (7_000, 0)
    assert Transfer.objects.filter(reference=payment.id).count() == 3


@pytest.mark.ledger
def test_refunds_at_once_never_return_more_than_was_taken():
    card, presented = issued(10_000)
    payment = captured(presented, 1_000)

    def refund(number):
        try:
            return told(
                asked(
                    pay.ask_refund,
                    payment=payment,
                    parcel=1,
                    part=number,
                    seller_id=5,
                    goods=300,
                    fare=0,
                    commission_bp=300,
                )
            ).code
        except pay.TooMuch:
            return "too much"

    assert Counter(at_once(8, refund)) == {"00": 3, "too much": 5}
    assert balance(card) == (9_900, 0)


@pytest.mark.ledger
def test_an_authorisation_and_its_reversal_at_once_leave_nothing_held():
    card, presented = issued(10_000)
    keys = [uuid.uuid4() for _ in range(4)]

    def race(number):
        key = keys[number // 2]
        if number % 2:
            return "reversed", verbs.reverse(pay.Ask(id=uuid.uuid4(), verb="reverse", amount=100, of=key)).code
        return "authorised", verbs.authorise(ask_for(100, key), presented).code

    answers = at_once(8, race)
    assert {code for what, code in answers if what == "reversed"} == {"00"}
    assert {code for what, code in answers if what == "authorised"} <= {"00", "68"}
    assert balance(card) == (10_000, 0)


@pytest.mark.ledger
def test_two_workers_never_get_the_same_question():
    _, presented = issued(10_000)
    payment = authorised(presented, 6_000)
    for parcel in range(1, 7):
        asked(pay.ask_capture, payment=payment, parcel=parcel, seller_id=5, goods=1_000, fare=0, commission_bp=0)
    due = Message.objects.filter(payment=payment, code=None)
    due.update(next_at="2020-01-01T00:00Z")

    def work(_):
        mine = [message for message in leases.claim_due(limit=100) if message.payment_id == payment.id]
        for message in mine:
            told(message)
        return [message.parcel for message in mine]

    parcels = sorted(parcel for several in at_once(4, work) for parcel in several)
    assert parcels == [1, 2, 3, 4, 5, 6]
    assert balance(issued_card(payment)) == (4_000, 0)


def issued_card(payment):
    account_id = Authorisation.objects.get(pk=pay.message_id(payment.id, "authorise")).account_id
    return Card.objects.get(account_id=account_id)


# ---------------------------------------------------------------- negative controls


def overdraw(monkeypatch):
    """Two payments of 700 on a card with 1,000, both decided before either is written: the lock is gone."""
    card, presented = issued(1_000)
    together = multiprocessing.get_context("fork").Barrier(2)

    def look_without_locking(number):
        balance = Balance.objects.annotate(clock=Now()).get(pk=card.account_id)
        balance.now = balance.clock
        return balance

    def decide_together(facts, amount, decide=verbs.decide):
        decision = decide(facts, amount)
        together.wait(10)
        return decision

    monkeypatch.setattr(verbs, "_lock_balance_of_card", look_without_locking)
    monkeypatch.setattr(verbs, "decide", decide_together)
    monkeypatch.setattr(verbs, "expire_due", lambda account_id: None)

    def pay_once(_):
        try:
            return gateway().authorise(ask_for(700), presented).code
        except NoAnswer:
            return "refused by the database"

    codes = at_once(2, pay_once)
    row = Balance.objects.get(pk=card.account_id)
    return sorted(codes), row.posted - row.held


def test_without_the_lock_the_constraint_still_holds(transactional_db, monkeypatch):
    codes, left = overdraw(monkeypatch)
    assert codes == ["00", "refused by the database"]
    assert left == 300


def test_without_lock_and_constraint_the_card_is_overdrawn(transactional_db, monkeypatch):
    """The control: the two tests above would see it if nothing guarded the card."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'balance_never_overdrawn'")
        (check,) = cursor.fetchone()
        cursor.execute("ALTER TABLE network_balance DROP CONSTRAINT balance_never_overdrawn")
    try:
        codes, left = overdraw(monkeypatch)
    finally:
        databases.restore()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE network_balance ADD CONSTRAINT balance_never_overdrawn {check}")
    assert codes == ["00", "00"]
    assert left == -400
    assert not DayCut.objects.exists()
