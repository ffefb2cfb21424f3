"""The whole life of a payment, with figures: authorise, capture per parcel, release, refund, reverse."""

import datetime
import uuid

import pytest
from django.db import connection, transaction

from payments import pay
from payments.gateway import Presented
from payments.models import Account, Payment, Transfer
from payments.network import desk
from payments.network.models import Balance
from payments.shop_book import seller_account

pytestmark = pytest.mark.django_db

NUMBER = "94081912345678008"
HOLDER = "리설희"


def balance_of(account: Account) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance_of(%s)", [account.pk])
        return cursor.fetchone()[0]


def told(message, card=None):
    answer = pay.send(message, card)
    with transaction.atomic():
        return pay.record(message_id=message.id, answer=answer)


def test_authorise_capture_release_refund():
    card = desk.issue_card(number=NUMBER, pin="4831", holder=HOLDER, expires_on=datetime.date(2099, 1, 1))
    desk.load(card=card, amount=10_000, deposit=uuid.uuid4())
    with transaction.atomic():
        message = pay.open_payment(key=uuid.uuid4(), order_code="7K3MQ9XB", amount=9_000)
    message = told(message, Presented(NUMBER, "4831", "리 설희"))
    payment = message.payment
    assert (message.code, payment.state, payment.last4, payment.held) == ("00", "authorised", "8008", 9_000)
    balance = Balance.objects.get()
    assert (balance.posted, balance.held) == (10_000, 9_000)

    with transaction.atomic():
        first = pay.ask_capture(payment=payment, parcel=1, seller_id=5, goods=5_000, fare=100, commission_bp=300)
        rest = pay.ask_release(payment=payment, parcel=1, part="", amount=900)
        second = pay.ask_capture(payment=payment, parcel=2, seller_id=6, goods=3_000, fare=0, commission_bp=0)
    assert told(first).payment.captured == 5_100
    assert told(rest).payment.released == 900
    assert told(second).payment.state == "done"
    balance.refresh_from_db()
    assert (balance.posted, balance.held) == (1_900, 0)
    assert balance_of(seller_account(5)) == 4_850
    assert balance_of(seller_account(6)) == 3_000

    with transaction.atomic():
        back = pay.ask_refund(payment=payment, parcel=1, part=1, seller_id=5, goods=2_000, fare=100, commission_bp=300)
    payment = told(back).payment
    assert (payment.captured, payment.refunded, payment.released) == (8_100, 2_100, 900)
    assert balance_of(seller_account(5)) == 2_910
    assert balance_of(Account.objects.get(kind="network")) == -6_000
    assert balance_of(Account.objects.get(kind="commission")) == 90
    balance.refresh_from_db()
    assert balance.posted == 4_000
    assert Transfer.objects.count() == 1 + 2 + 1 + 2 + 1 + 1 + 2 + 1


def test_reverse():
    card = desk.issue_card(number=NUMBER, pin="4831", holder=HOLDER, expires_on=datetime.date(2099, 1, 1))
    desk.load(card=card, amount=10_000, deposit=uuid.uuid4())
    with transaction.atomic():
        message = pay.open_payment(key=uuid.uuid4(), order_code="7K3MQ9XB", amount=9_000)
    payment = told(message, Presented(NUMBER, "4831", HOLDER)).payment
    with transaction.atomic():
        undo = pay.ask_reverse(payment=payment)
    assert told(undo).payment.state == Payment.State.CANCELLED
    assert Balance.objects.get().held == 0
