"""The shop's verbs: asked once however often, refused in time, and what each answer brings about."""

import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from payments import leases, pay
from payments.gateway import Answer, Presented
from payments.models import Message, Payment, Transfer
from payments.shop_book import seller_account
from tests.payments.cast import (
    HOLDER,
    asked,
    authorised,
    balance,
    balance_of,
    captured,
    issued,
    opened,
    recorded,
    told,
)

pytestmark = pytest.mark.django_db


def capture_of(payment, amount, **more):
    return {"payment": payment, "parcel": 1, "seller_id": 5, "goods": amount, "fare": 0, "commission_bp": 300, **more}


def test_the_same_key_is_the_same_payment():
    key = uuid.uuid4()
    first = opened(900, key=key, code="7K3MQ9XB")
    assert opened(900, key=key, code="7K3MQ9XB") == first
    assert Payment.objects.count() == Message.objects.count() == 1


@pytest.mark.parametrize(("amount", "code"), [(901, "7K3MQ9XB"), (900, "OTHERONE")])
def test_a_key_used_for_something_else_is_stale(amount, code):
    key = uuid.uuid4()
    opened(900, key=key, code="7K3MQ9XB")
    with pytest.raises(pay.StaleKey):
        opened(amount, key=key, code=code)


def test_another_key_finds_the_live_payment_and_after_a_decline_none():
    _, presented = issued(100)
    declined = told(opened(900, code="7K3MQ9XB"), presented)
    assert (declined.code, declined.payment.state, declined.payment.code) == ("51", "declined", "51")
    live = opened(90, code="7K3MQ9XB")
    with pytest.raises(pay.LivePayment) as refused:
        opened(90, code="7K3MQ9XB")
    assert refused.value.payment == live.payment


def test_questions_are_asked_once():
    _, presented = issued(10_000)
    payment = authorised(presented, 5_000)
    assert asked(pay.ask_capture, **capture_of(payment, 2_000)) == asked(pay.ask_capture, **capture_of(payment, 2_000))
    with pytest.raises(pay.StaleKey):
        asked(pay.ask_capture, **capture_of(payment, 2_001))
    one, two = (asked(pay.ask_release, payment=payment, parcel=2, part=part, amount=500) for part in ("a", "b"))
    assert one != two
    assert asked(pay.ask_release, payment=payment, parcel=2, part="a", amount=500) == one


def test_an_answer_is_recorded_once():
    card, presented = issued(10_000)
    message = opened(900)
    answer = pay.send(message, presented)
    recorded(message, answer)
    again = recorded(message, Answer("51"))
    assert (again.code, again.payment.state) == ("00", "authorised")
    capture = asked(pay.ask_capture, **capture_of(again.payment, 900))
    for _ in range(3):
        assert told(capture).payment.state == "done"
    assert balance(card) == (9_100, 0)
    assert balance_of(seller_account(5)) == 873


def test_no_more_than_was_authorised():
    _, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    asked(pay.ask_capture, **capture_of(payment, 600))
    with pytest.raises(pay.TooMuch):
        asked(pay.ask_capture, **capture_of(payment, 401, parcel=2))
    with pytest.raises(pay.TooMuch):
        asked(pay.ask_release, payment=payment, parcel=2, part="", amount=401)
    asked(pay.ask_release, payment=payment, parcel=2, part="", amount=400)


def test_nothing_is_captured_before_the_approval():
    payment = opened(1_000).payment
    with pytest.raises(pay.TooMuch):
        asked(pay.ask_capture, **capture_of(payment, 1))


def test_no_more_is_refunded_than_was_captured():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    refund = {"payment": payment, "parcel": 1, "seller_id": 5, "fare": 0, "commission_bp": 300}
    asked(pay.ask_refund, part=1, goods=600, **refund)
    with pytest.raises(pay.TooMuch):
        asked(pay.ask_refund, part=2, goods=401, **refund)


def test_captured_or_reversed_but_not_both():
    _, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    question = asked(pay.ask_capture, **capture_of(payment, 100))
    with pytest.raises(pay.PartAsked):
        asked(pay.ask_reverse, payment=payment)
    told(question)
    with pytest.raises(pay.PartAsked):
        asked(pay.ask_reverse, payment=payment)
    other = authorised(presented, 1_000)
    asked(pay.ask_reverse, payment=other)
    with pytest.raises(pay.ReversalAsked):
        asked(pay.ask_capture, **capture_of(other, 100))


def test_a_refused_capture_leaves_the_payment_open_to_a_reversal():
    card, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    question = asked(pay.ask_capture, **capture_of(payment, 100))
    assert recorded(question, Answer("25")).payment.state == "authorised"
    assert told(asked(pay.ask_reverse, payment=payment)).payment.state == "cancelled"
    assert balance(card) == (10_000, 0)


def test_a_refused_capture_is_asked_anew_and_its_approval_recorded():
    card, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    refused = recorded(asked(pay.ask_capture, **capture_of(payment, 100)), Answer("96"))
    again = asked(pay.ask_capture, **capture_of(payment, 100))
    assert again.id != refused.id
    assert asked(pay.ask_capture, **capture_of(payment, 100)).id == again.id
    assert told(again).payment.captured == 100
    assert asked(pay.ask_capture, **capture_of(payment, 100)).id == again.id
    assert balance(card) == (9_900, 900)


def test_a_payment_released_part_by_part_is_done():
    card, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    for part in range(4):
        payment = told(asked(pay.ask_release, payment=payment, parcel=1, part=part, amount=250)).payment
    assert (payment.state, payment.captured, payment.released) == ("done", 0, 1_000)
    assert balance(card) == (10_000, 0)


def test_part_released_then_reversed():
    card, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    told(asked(pay.ask_release, payment=payment, parcel=1, part="", amount=300))
    assert told(asked(pay.ask_reverse, payment=payment)).payment.state == "cancelled"
    assert balance(card) == (10_000, 0)


def test_commission_does_not_drift_over_returns():
    """333 won at 3 % is 9; three returns of 111 give back 9 in all."""
    _, presented = issued(10_000)
    payment = captured(presented, 333)
    commission = Transfer.objects.filter(kind="commission").get()
    assert commission.amount == 9
    for part in (1, 2, 3):
        told(
            asked(
                pay.ask_refund, payment=payment, parcel=1, part=part, seller_id=5, goods=111, fare=0, commission_bp=300
            )
        )
    back = Transfer.objects.filter(kind="commission_back").values_list("amount", flat=True)
    assert sum(back) == 9
    assert balance_of(seller_account(5)) == 0


def test_a_voucher_is_the_bureaus():
    """Goods of 1,000 of which a voucher pays 200: the card pays 800, the seller gets 1,000 less commission."""
    _, presented = issued(10_000)
    payment = authorised(presented, 800)
    told(asked(pay.ask_capture, **capture_of(payment, 800, subsidy=200)))
    assert balance_of(seller_account(5)) == 970
    told(
        asked(
            pay.ask_refund, payment=payment, parcel=1, part=1, seller_id=5, goods=800, fare=0, subsidy=200,
            commission_bp=300,
        )
    )  # fmt: skip
    assert balance_of(seller_account(5)) == 0


def test_the_network_is_not_called_inside_a_transaction():
    _, presented = issued(10_000)
    message = opened(900)
    for call in [
        lambda: pay.send(message, presented),
        lambda: pay.inquire(message),
        lambda: leases.claim_due(limit=1),
        leases.make_all_due,
    ]:
        with transaction.atomic(), pytest.raises(transaction.TransactionManagementError):
            call()


def test_an_authorisation_is_never_sent_again_without_the_card():
    with pytest.raises(ValueError, match="inquire, then reverse"):
        pay.send(opened(900))


def test_statements_do_not_grow():
    """A payment and a capture, the network's own statements included."""
    _, presented = issued(10_000)
    with CaptureQueriesContext(connection) as paying:
        payment = authorised(presented, 1_000)
    question = asked(pay.ask_capture, **capture_of(payment, 100, fare=10))
    told(question)  # opens the seller's account
    question = asked(pay.ask_capture, **capture_of(payment, 100, fare=10, parcel=2))
    with CaptureQueriesContext(connection) as capturing:
        told(question)
    count = [len([q for q in queries if "SAVEPOINT" not in q["sql"]]) for queries in (paying, capturing)]
    assert count[0] <= 16
    assert count[1] <= 14


def test_the_holder_is_compared_without_spaces():
    _, presented = issued(10_000)
    assert authorised(Presented(presented.number, presented.pin, " ".join(HOLDER)), 10)
