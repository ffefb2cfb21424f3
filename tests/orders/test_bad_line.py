"""Shoppers, sellers and couriers at work in real processes while the line to the network is bad and then gone."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
import uuid

import pytest
from django.conf import settings
from django.db import connection

from orders.cancelling import cancel_order, cancel_parcel
from orders.models import Order, Parcel
from orders.parcels import Refused, confirm_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.paying import NotPayable, Outcome, pay
from orders.refunds import Goods, refund_lines
from payments.audit import audit
from payments.models import Message, Payment
from tests import databases
from tests.factories import UserFactory, VariantFactory
from tests.orders.paid import issued, placed
from tests.payments.processes import at_once

pytestmark = [pytest.mark.ledger, pytest.mark.long]

RATES = "lost_request=0.1,lost_answer=0.1,duplicate=0.05,late=0.05,garbage=0.01"
SHOPPERS, TICKS = 4, 2
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "6"))
BEFORE_SECONDS, AFTER_SECONDS = 6, 6
WAITING_SECONDS = OUTAGE_SECONDS / 100  # whoever is told to wait looks at that page before ordering again
WITHIN_SECONDS = 20  # p99 from the network's return to the answer


def one_order(chance, presented):
    """From the form to the hand-over as far as the network answers; what the shopper was told."""
    parcels = [{"lines": [(chance.randint(1, 400), 2)], "fee": 100} for _ in range(chance.randint(1, 2))]
    order = placed(parcels=parcels)  # a new member each: the first purchase verifies and links the card
    address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
    form = {"order_code": order.code, "key": order.payment_key, "card": presented, "user": order.user}
    attempt = pay(**form, address=address)
    if chance.random() < 0.2:  # the form is posted again
        assert pay(**form, address=address).outcome in {attempt.outcome, Outcome.HELD, Outcome.DECLINED}
    with contextlib.suppress(Refused, NotPayable):  # the network is silent: the parcel waits, as it would in the shop
        _afterwards(chance, order, attempt)
    return order.code, attempt.outcome.value


def _afterwards(chance, order, attempt):
    if chance.random() < 0.15:
        cancel_order(order_code=order.code)
        return
    if attempt.outcome != Outcome.HELD:
        return
    for number in order.parcels.values_list("number", flat=True):
        where = {"order_code": order.code, "number": number}
        confirm_parcel(**where)
        if chance.random() < 0.2:
            cancel_parcel(**where)
            continue
        make_ready(**where)
        dispatch_parcel(**where)
        deliver_parcel(**where)
        if chance.random() < 0.3:
            line = Parcel.objects.get(order=order, number=number).lines.get()
            refund_lines(**where, key=uuid.uuid4(), quantities={line.public_id: 1}, goods=Goods.RESTOCK)


def clock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_bad_line_and_an_outage_lose_and_double_nothing(own_ledger, process_env, tmp_path):
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    flag = tmp_path / "network-down"
    cards = [issued(10**9, per_payment=10**9, per_day=10**9, count_day=10**6)[1] for _ in range(SHOPPERS)]
    placed(parcels=[{"lines": [(1, 1)]}, {"lines": [(1, 1)]}])  # the sellers and the district exist
    weather = f"{RATES},down_while={flag},seed="
    ticks = [
        subprocess.Popen(
            [sys.executable, "manage.py", "payments_tick", "--loop"],
            env={**process_env, "PAYMENT_FAULTS": f"{weather}{seed + 100 + number}"},
            cwd=databases.ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(TICKS)
    ]

    def work(number):
        if number == SHOPPERS:
            time.sleep(BEFORE_SECONDS)
            flag.touch()
            time.sleep(OUTAGE_SECONDS)
            flag.unlink()
            return clock()
        settings.PAYMENT_FAULTS = f"{weather}{seed + number}"
        chance, presented = random.Random(seed + number), cards[number]
        for factory in (UserFactory, VariantFactory):  # no phone and no SKU twice
            factory.reset_sequence((number + 1) * 100_000, force=True)
        told, end = [], time.monotonic() + BEFORE_SECONDS + OUTAGE_SECONDS + AFTER_SECONDS
        while time.monotonic() < end:
            told.append(one_order(chance, presented))
            if told[-1][1] == Outcome.WAITING.value:
                time.sleep(WAITING_SECONDS)
        return told

    try:
        *told, back = at_once(SHOPPERS + 1, work)
        assert [several for several in told if isinstance(several, str)] == []  # nobody met an error
        orders = dict(each for several in told for each in several)
        until = time.monotonic() + 120
        while Message.objects.filter(code=None).exists() and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        for tick in ticks:
            tick.terminate()
            tick.wait(20)

    waited = sorted(
        (answered - back).total_seconds()
        for (answered,) in Message.objects.filter(created_at__lt=back, answered_at__gt=back).values_list("answered_at")
    )
    p99 = waited[int(len(waited) * 0.99)] if waited else None
    figures = {
        "seed": seed, "orders": len(orders),
        "questions": Message.objects.filter(payment__order_code__in=orders).count(),
        "held at once": sum(outcome == "held" for outcome in orders.values()),
        "told to wait": sum(outcome == "waiting" for outcome in orders.values()),
        "outage s": OUTAGE_SECONDS, "unanswered when it was over": len(waited), "p99 s to the answer": p99,
    }  # fmt: skip
    print(json.dumps(figures))

    assert not Message.objects.filter(code=None).exists()
    assert not Payment.objects.filter(state="pending").exists()
    assert {finding.view: finding.first for finding in audit() if finding.rows} == {}
    # No order is held or charged twice, and what the network took is what the shop knows of.
    assert (
        rows(
            "SELECT merchant_reference FROM network_authorisation WHERE captured > 0 OR state = 'open'"
            " GROUP BY 1 HAVING count(*) > 1"
        )
        == []
    )
    assert (
        rows(
            "SELECT p.id FROM payments_payment p JOIN payments_message m ON m.payment_id = p.id"
            " AND m.verb = 'authorise' LEFT JOIN network_authorisation a ON a.id = m.id"
            " WHERE (p.captured, p.refunded) IS DISTINCT FROM (a.captured, a.refunded)"
            " OR (p.state = 'authorised') <> (a.state = 'open')"
        )
        == []
    )
    # Whoever was told that the order is paid for has a paid order; a cancelled one keeps no money.
    for order in Order.objects.filter(code__in=orders):
        payment = Payment.objects.filter(order_code=order.code).order_by("created_at").last()
        if orders[order.code] == "held":
            assert order.paid_at is not None
        assert (order.paid_at is not None) == (payment.state in ("authorised", "done", "cancelled")), order.code
        if order.status == "cancelled":
            assert payment.state in ("declined", "cancelled", "done"), order.code
            assert payment.captured == 0
    assert len(waited) >= min(OUTAGE_SECONDS, 10)  # the outage was felt
    # Each answer is some processor time: what a long outage leaves beyond two hundred drains by ten a second at least.
    assert p99 <= WITHIN_SECONDS + max(len(waited) - 200, 0) / 10
    assert figures["held at once"] >= SHOPPERS
