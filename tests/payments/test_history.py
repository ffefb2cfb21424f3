"""Past days written in order, closed and settled: what the demo shop starts with."""

import datetime
import time
import uuid

import pytest
from django.db import IntegrityError, connection

from okryu import calendar
from payments import audit
from payments.history import Fate, PastLoad, PastOrder, PastParcel, PastRefund, write_day
from payments.models import Account, Closing, Payment, Transfer
from payments.network.models import Authorisation, Balance
from tests.payments.cast import balance_of, issued

pytestmark = pytest.mark.django_db

FIRST = datetime.date(2026, 9, 1)


def order(card, day, code, *parcels):
    at, answered_at = calendar.at(day, 11), calendar.at(day, 15)
    return PastOrder(key=uuid.uuid4(), code=code, card=card, at=at, answered_at=answered_at, parcels=parcels)


def test_two_days_with_figures():
    card, _ = issued(0)
    first = order(
        card, FIRST, "7K3MQ9XB",
        PastParcel(number=1, seller_id=5, goods=1_000, fare=100, commission_bp=300),
        PastParcel(number=2, seller_id=6, goods=500, fare=0, commission_bp=300, fate=Fate.RELEASED),
        PastParcel(number=3, seller_id=7, goods=300, fare=0, commission_bp=0, fate=Fate.HELD),
    )  # fmt: skip
    write_day(FIRST, loads=[PastLoad(card=card, amount=5_000, at=calendar.at(FIRST, 9))], orders=[first])
    second = FIRST + datetime.timedelta(days=1)
    write_day(
        second,
        refunds=[PastRefund(first, first.parcels[0], goods=1_000, fare=0, at=calendar.at(second, 10))],
    )
    payment = Payment.objects.get()
    assert (payment.state, payment.captured, payment.released, payment.refunded) == ("authorised", 1_100, 500, 1_000)
    assert payment.created_at == calendar.at(FIRST, 11)
    assert Authorisation.objects.get().created_at == calendar.at(FIRST, 11)
    balance = Balance.objects.get()
    assert (balance.posted, balance.held) == (4_900, 300)
    # The seller was paid 970 the morning after, then owes 970 for the returned goods (1,000 less 30 commission).
    assert Transfer.objects.get(kind="payout").amount == 970
    assert Transfer.objects.get(kind="payout").at == calendar.at(second, 6)
    assert balance_of(Account.objects.get(kind="seller", owner="5")) == -970
    assert Closing.objects.get(account__owner="5", cut__day=second).balance == -970
    assert not any(finding.rows for finding in audit.audit())
    assert audit.count().is_whole


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (FIRST, "already closed"),
        (FIRST - datetime.timedelta(days=1), "before the closed day"),
        (datetime.date(2099, 1, 1), "not yet"),
    ],
)
def test_history_is_written_in_order(day, why):
    card, _ = issued(0)
    write_day(FIRST, loads=[PastLoad(card=card, amount=5_000, at=calendar.at(FIRST, 9))])
    with pytest.raises(IntegrityError, match="history is written in order"):
        write_day(day, loads=[PastLoad(card=card, amount=5_000, at=calendar.at(day, 9))])


def test_no_history_once_there_is_a_live_transfer():
    card, _ = issued(5_000)
    with pytest.raises(IntegrityError, match="history is written in order"):
        write_day(FIRST, loads=[PastLoad(card=card, amount=5_000, at=calendar.at(FIRST, 9))])


def test_without_the_setting_the_clock_is_the_databases():
    _, _ = issued(5_000)
    load = Transfer.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference, at)"
            " VALUES (gen_random_uuid(), 'load', %s, %s, 1, gen_random_uuid(), '2020-01-01')",
            [load.debit_account_id, load.credit_account_id],
        )
    assert Transfer.objects.order_by("-seq").first().at.year > 2020


def test_a_day_is_a_few_statements(django_assert_max_num_queries):
    card, _ = issued(0)
    parcels = [PastParcel(number=1, seller_id=n % 7, goods=100 + n, fare=10, commission_bp=300) for n in range(40)]
    orders = [order(card, FIRST, f"CODE{n:04d}", parcel) for n, parcel in enumerate(parcels)]
    started = time.monotonic()
    with django_assert_max_num_queries(40):
        write_day(FIRST, loads=[PastLoad(card=card, amount=50_000, at=calendar.at(FIRST, 9))], orders=orders)
    print(f"40 orders in {time.monotonic() - started:.2f} s")
