"""A bad line, and processes that die: the outcome is found out by asking, never guessed."""

import os
import signal
import uuid

import pytest
from django.db import OperationalError, transaction

from payments import faults, leases, pay
from payments.gateway import Answer, NoAnswer, gateway
from payments.models import Message, Payment
from payments.network.models import Authorisation
from tests.payments.cast import (
    asked,
    authorised,
    balance,
    issued,
    opened,
    recorded,
    told,
)
from tests.payments.processes import at_once

pytestmark = pytest.mark.ledger


@pytest.fixture(autouse=True)
def _bad_line(settings):
    settings.PAYMENT_FAULTS = "seed=7"
    faults.expect()


def healed(message):
    """What the healing job does with one unanswered question."""
    if message.verb != "authorise":
        return told(message)
    if (answer := pay.inquire(message)) is not None:
        return recorded(message, answer)
    undo = asked(pay.ask_reverse, payment=message.payment)
    told(undo)
    return Message.objects.select_related("payment").get(pk=message.pk)


def test_a_lost_answer_is_found_by_asking():
    card, presented = issued(10_000)
    message = opened(900)
    faults.expect("lost_answer")
    with pytest.raises(NoAnswer):
        pay.send(message, presented)
    assert balance(card) == (10_000, 900)
    message = healed(message)
    assert (message.code, message.payment.state, message.payment.last4) == ("00", "authorised", presented.number[-4:])
    assert message.payment.expires_at is not None
    assert balance(card) == (10_000, 900)


def test_a_lost_request_leaves_a_tombstone_and_the_late_one_is_declined():
    card, presented = issued(10_000)
    message = opened(900)
    faults.expect("lost_request")
    with pytest.raises(NoAnswer):
        pay.send(message, presented)
    healed_message = healed(message)
    assert (healed_message.code, healed_message.payment.state, healed_message.payment.code) == ("68", "declined", "68")
    # The original arrives after all.
    late = pay.send(message, presented)
    assert late.code == "68"
    assert recorded(message, late).payment.state == "declined"
    assert balance(card) == (10_000, 0)
    # The order can be paid again.
    assert told(opened(900, code=message.payment.order_code), presented).code == "00"


def test_approved_while_a_reversal_is_asked_is_pending_until_the_reversal_is_answered():
    """The approval is under way when healing gives up on it: nobody is told anything before it is true."""
    card, presented = issued(10_000)
    message = opened(900)
    undo = []
    faults.expect(lambda: undo.append(asked(pay.ask_reverse, payment=message.payment)))
    answer = pay.send(message, presented)
    payment = recorded(message, answer).payment
    assert (answer.code, payment.state, payment.code) == ("00", "pending", None)
    assert balance(card) == (10_000, 900)
    with pytest.raises(pay.LivePayment):
        opened(900, code=payment.order_code)
    payment = told(undo[0]).payment
    assert (payment.state, payment.code) == ("declined", "68")
    assert balance(card) == (10_000, 0)


def test_a_reversal_answered_before_the_approval_is_recorded():
    card, presented = issued(10_000)
    message = opened(900)
    faults.expect(lambda: told(asked(pay.ask_reverse, payment=message.payment)))
    answer = pay.send(message, presented)
    message = recorded(message, answer)
    assert (answer.code, message.code, message.payment.state) == ("00", "68", "declined")
    assert balance(card) == (10_000, 0)


@pytest.mark.parametrize("fault", ["lost_request", "lost_answer", "duplicate"])
def test_captures_releases_and_refunds_move_once(fault):
    card, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    questions = [
        lambda: asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=600, fare=0, commission_bp=0),
        lambda: asked(pay.ask_release, payment=payment, parcel=2, part="", amount=400),
        lambda: asked(
            pay.ask_refund, payment=payment, parcel=1, part=1, seller_id=5, goods=600, fare=0, commission_bp=0
        ),
    ]
    for question, after in zip(questions, [(9_400, 400), (9_400, 0), (10_000, 0)], strict=True):
        message = question()
        faults.expect(fault)
        if fault != "duplicate":
            with pytest.raises(NoAnswer):
                pay.send(message)
        assert told(message).code == "00"
        assert balance(card) == after


def test_killed_between_the_networks_commit_and_the_shops():
    card, presented = issued(10_000)
    message = opened(900)

    def pay_and_die(_):
        faults.expect(lambda: os.kill(os.getpid(), signal.SIGKILL))
        told(message, presented)

    assert at_once(1, pay_and_die) == [None]
    assert balance(card) == (10_000, 900)
    assert Message.objects.get(pk=message.pk).code is None
    assert healed(message).payment.state == "authorised"
    capture = asked(pay.ask_capture, payment=message.payment, parcel=1, seller_id=5, goods=900, fare=0, commission_bp=0)

    def capture_and_die(_):
        faults.expect(lambda: os.kill(os.getpid(), signal.SIGKILL))
        told(capture)

    assert at_once(1, capture_and_die) == [None]
    assert balance(card) == (9_100, 0)
    assert Payment.objects.get(pk=message.payment_id).captured == 0
    assert healed(capture).payment.state == "done"
    assert balance(card) == (9_100, 0)


def test_an_expired_authorisation_is_not_captured_and_its_money_is_free(settings):
    settings.AUTHORISATION_LIFE_DAYS = 0
    card, presented = issued(1_000)
    payment = authorised(presented, 900)
    capture = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=900, fare=0, commission_bp=0)
    assert told(capture).code == "25"
    assert Authorisation.objects.get(pk=pay.message_id(payment.id, "authorise")).state == "expired"
    settings.AUTHORISATION_LIFE_DAYS = 7
    assert authorised(presented, 1_000).held == 1_000
    assert told(asked(pay.ask_reverse, payment=payment)).payment.state == "cancelled"
    assert balance(card) == (1_000, 1_000)


def test_due_questions_are_asked_again_later_each_time():
    _, presented = issued(10_000)
    payment = authorised(presented, 900)
    message = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=900, fare=0, commission_bp=0)
    rows = Message.objects.filter(pk=message.pk)
    assert message.pk not in {due.pk for due in leases.claim_due(limit=1_000)}  # not before its first ten seconds
    waits = []
    for _ in range(8):
        rows.update(next_at="2020-01-01T00:00Z")
        assert message.pk in {due.pk for due in leases.claim_due(limit=1_000)}
        row = rows.get()
        waits.append(round((row.next_at - row.tried_at).total_seconds()))
    assert waits == [10, 20, 40, 60, 120, 300, 300, 300]
    # Just asked by another: not even a probe. A while ago and in vain: the probe, though it is not due.
    assert message.pk not in {due.pk for due in leases.claim_due(limit=1_000)}
    rows.update(tried_at="2020-01-01T00:00Z")
    Message.objects.filter(code=None).exclude(pk=message.pk).update(tried_at=None)
    assert [due.pk for due in leases.claim_due(limit=1_000)] == [message.pk]
    leases.make_all_due()
    assert message.pk in {due.pk for due in leases.claim_due(limit=1_000)}
    assert told(message).payment.state == "done"


def test_a_broken_network_database_is_no_answer(monkeypatch):
    _, presented = issued(10_000)
    message = opened(900)
    with transaction.atomic(), pytest.raises(transaction.TransactionManagementError):
        pay.send(message, presented)

    def broken(*args, **kwargs):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("payments.network.verbs.authorise", broken)
    with pytest.raises(NoAnswer):
        gateway().authorise(pay.Ask(id=message.id, verb="authorise", amount=900, of=message.id), presented)
    assert recorded(message, Answer("68")).payment.state == "declined"


def test_money_is_not_written_outside_a_transaction():
    for write in [
        lambda: pay.open_payment(key=uuid.uuid4(), order_code="7K3MQ9XB", amount=1),
        lambda: pay.ask_reverse(payment=Payment(id=uuid.uuid4())),
        lambda: pay.record(message_id=uuid.uuid4(), answer=Answer("00")),
    ]:
        with pytest.raises(transaction.TransactionManagementError):
            write()


def test_a_payment_is_not_reversed_while_a_release_is_unanswered():
    """The network may have done the release: its answer could not be written down after a reversal."""
    card, presented = issued(10_000)
    payment = authorised(presented, 900)
    part = asked(pay.ask_release, payment=payment, parcel=1, part="short", amount=300)
    faults.expect("lost_answer")
    with pytest.raises(NoAnswer):
        pay.send(part)
    with pytest.raises(pay.PartAsked):
        asked(pay.ask_reverse, payment=payment)
    assert told(part).payment.released == 300
    undo = asked(pay.ask_reverse, payment=payment)
    assert told(undo).payment.state == "cancelled"
    assert balance(card) == (10_000, 0)


def test_nothing_is_released_from_a_payment_being_reversed():
    _, presented = issued(10_000)
    payment = authorised(presented, 900)
    undo = asked(pay.ask_reverse, payment=payment)
    with pytest.raises(pay.ReversalAsked):
        asked(pay.ask_release, payment=payment, parcel=1, part="short", amount=300)
    assert told(undo).payment.state == "cancelled"
