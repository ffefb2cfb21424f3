"""What must be nought: rows in the audits, acknowledged payments that are lost, money taken twice, open questions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from bench import load, rounds, stock
from bench.cluster import Cluster
from bench.figures import Bar, Figure
from bench.progress import Progress
from orders.healing import heal
from orders.models import Order
from orders.paying import Outcome, pay
from payments.audit import audit
from payments.models import MemberCard, Message, Payment

if TYPE_CHECKING:
    from bench.payments import Size

TICK_SECONDS = 5  # of payments_tick
PATIENCE_SECONDS = 120
GUARD_TESTS = ("tests/payments/test_guards.py", "tests/payments/test_refusals.py")


def nought(name: str, found: float, note: str = "") -> Figure:
    return Figure(Bar(name, "", 0, 0, at_most=True), found, note)


def in_doubt(cluster: Cluster, size: Size, progress: Progress) -> list[Figure]:
    """Pay orders while the line to the network is dead, let it come back, tick as the worker does."""
    progress.step(f"{size.waiting} questions without an answer, healed")
    with load.using(rounds.SERVICE):
        for number in range(1, size.waiting + 1):
            # Half of the questions the network never heard, half it has answered and we have not heard.
            settings.PAYMENT_FAULTS = "lost_request=1" if number % 2 else "lost_answer=1"
            _pay_into_silence(number)
        settings.PAYMENT_FAULTS = ""
        back = timezone.now()
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting = Message.objects.filter(code=None)
        while waiting.exists() and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
            heal()
        answered = Message.objects.filter(answered_at__gte=back).values_list("answered_at", flat=True)
        ages = sorted((moment - back).total_seconds() for moment in answered if moment) or [float(PATIENCE_SECONDS)]
        return [
            nought("unresolved after healing", _unresolved()),
            Figure(
                Bar("in doubt until resolved once the network is back, p99", "s", 60, 20, at_most=True),
                ages[int(len(ages) * 0.99)],
                f"{size.waiting} orders paid over a dead line; a tick every {TICK_SECONDS} s",
            ),
        ]


def _pay_into_silence(number: int) -> None:
    user = User.objects.create(phone=f"191{number:07d}", name=stock.HOLDER)
    order = Order.objects.create(
        user=user,
        checkout_token=uuid.uuid4(),
        recipient_name=stock.HOLDER,
        recipient_phone=user.phone,
        goods_total=load.GOODS,
        delivery_total=load.FARE,
        total=load.AMOUNT,
        hold_until=timezone.now() + timedelta(minutes=15),
    )
    card = stock.presented(number)
    MemberCard.objects.create(user=user, token=uuid.uuid4(), last4=card.number[-4:])
    attempt = pay(order_code=order.code, key=order.payment_key, card=card, user=user, address=f"10.0.0.{number}")
    if attempt.outcome != Outcome.WAITING:
        raise RuntimeError(f"the network is down and yet: {attempt}")


def _unresolved() -> int:
    return Message.objects.filter(code=None).count() + Payment.objects.filter(state="pending").count()


def correctness(cluster: Cluster, progress: Progress) -> list[Figure]:
    """After all load: what the workers were told against what the database holds."""
    progress.step("correctness")
    told = [payment_id for each in rounds.acknowledged for payment_id in each.acknowledged]
    with load.using(rounds.SERVICE), connection.cursor() as cursor:
        rows = sum(finding.rows for finding in audit())
        cursor.execute(
            "SELECT count(*) FROM unnest(%s::uuid[]) AS told (id) LEFT JOIN payments_payment p USING (id)"
            " WHERE p.state IS DISTINCT FROM 'done' OR p.captured <> %s",
            [told, load.AMOUNT],
        )
        lost = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*) FROM (SELECT t.reference FROM payments_transfer t"
            " JOIN network_authorisation a ON a.id = t.reference WHERE t.kind = 'capture'"
            " GROUP BY t.reference, a.amount HAVING count(*) > 1 OR sum(t.amount) > a.amount"
            " UNION ALL SELECT NULL FROM payments_payment WHERE state IN ('pending', 'authorised', 'done')"
            " GROUP BY order_code HAVING count(*) > 1) twice"
        )
        twice = cursor.fetchone()[0]
    return [
        nought("audit rows", rows, "after all load"),
        nought("lost acknowledged payments", lost, f"of {len(told):,} acknowledged"),
        nought("double charges", twice),
    ]


def complaints(cluster: Cluster) -> list[Figure]:
    return [nought(name, found, "over the whole run") for name, found in cluster.complaints().items()]


def guards(progress: Progress) -> list[Figure]:
    """Take each guard away: how many of them no test misses."""
    progress.step("guards taken away one by one")
    tests = [test for test in GUARD_TESTS if Path(test).exists()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    passed = counted.get("passed", 0)
    bad = sum(counted.values()) - passed or int(done.returncode != 0)
    return [nought("guards whose removal turns no test red", bad, f"{passed} of {passed + bad} tests of guards passed")]
