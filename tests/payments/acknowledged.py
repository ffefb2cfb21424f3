"""After kills.py: heal, audit, and look for every acknowledged step in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Sum

from orders.models import Order, Parcel
from payments import audit
from payments.models import Message, Payment, Transfer
from payments.network.models import Authorisation
from tests.payments.flows import heal

# Each must find nothing. What → statement.
LAWS = {
    "an order is paid twice": """
        SELECT merchant_reference FROM network_authorisation WHERE state IN ('open', 'done')
         GROUP BY merchant_reference HAVING count(*) > 1""",
    "an order has two live payments": """
        SELECT order_code FROM payments_payment WHERE state IN ('pending', 'authorised', 'done')
         GROUP BY order_code HAVING count(*) > 1""",
    "more is taken than the captured parcels cost": """
        SELECT o.code FROM orders_order o
          LEFT JOIN (SELECT order_id, sum(confirmed_total + fee) AS cost FROM orders_parcel
                      WHERE captured_at IS NOT NULL GROUP BY order_id) p ON p.order_id = o.id
          LEFT JOIN (SELECT merchant_reference, sum(captured) AS taken FROM network_authorisation
                      GROUP BY merchant_reference) a ON a.merchant_reference = o.code
         WHERE coalesce(p.cost, 0) <> coalesce(a.taken, 0)""",
    "the two books disagree about a payment": """
        SELECT p.id FROM payments_payment p
          JOIN payments_message m ON m.payment_id = p.id AND m.verb = 'authorise'
          JOIN network_authorisation a ON a.id = m.id
         WHERE (p.captured, p.refunded, p.released) <> (a.captured, a.refunded, a.released)
            OR (p.state = 'authorised') <> (a.state = 'open')""",
    "a card holds money for no payment": """
        SELECT a.id FROM network_authorisation a WHERE a.state = 'open' AND NOT EXISTS (
            SELECT FROM payments_payment p JOIN payments_message m ON m.payment_id = p.id
             WHERE m.id = a.id AND p.state = 'authorised')""",
    "a question has no answer": "SELECT id FROM payments_message WHERE code IS NULL",
    "a payment is in doubt": "SELECT id FROM payments_payment WHERE state = 'pending'",
    "a parcel left without its money": """
        SELECT id FROM orders_parcel WHERE (dispatched_at IS NOT NULL OR delivered_at IS NOT NULL)
           AND captured_at IS NULL""",
    "a shelf and its movements disagree": """
        SELECT s.variant_id FROM catalog_stock s JOIN (
            SELECT stock_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
              FROM catalog_stockmovement GROUP BY stock_id) m ON m.stock_id = s.variant_id
         WHERE s.reserved <> m.reserved OR s.on_hand <> m.on_hand""",
}


@dataclass
class Verdict:
    summary: str = ""
    wrong: list[str] = field(default_factory=list)


def judged(place: Path) -> Verdict:
    """Heal what the kills left, then judge."""
    verdict = Verdict()
    waiting = Message.objects.filter(code=None).count()
    heal()
    steps = [json.loads(line) for file in sorted(place.glob("acknowledged.*")) for line in _whole_lines(file)]
    lost = [step for step in steps if not _is_there(step)]
    verdict.wrong += [f"lost: {step}" for step in lost]
    verdict.wrong += [f"a worker broke: {file.read_text()}" for file in place.glob("broken.*")]
    with connection.cursor() as cursor:
        for law, statement in LAWS.items():
            cursor.execute(statement)
            verdict.wrong += [f"{law}: {row}" for row in cursor.fetchall()]
    verdict.wrong += [f"{finding.view}: {finding.first}" for finding in audit.audit() if finding.rows]
    if not audit.count().is_whole:
        verdict.wrong.append(f"money is made or lost: {audit.count()}")
    if not steps:
        verdict.wrong.append("nothing was acknowledged at all")
    paid = Order.objects.exclude(paid_at=None).count()
    verdict.summary = (
        f"{paid} orders paid · {Transfer.objects.count()} transfers · {len(steps)} steps acknowledged · "
        f"{waiting} questions healed at the end · {len(lost)} lost · {len(verdict.wrong)} wrong"
    )
    return verdict


def _whole_lines(file: Path) -> list[str]:
    """A worker killed while writing leaves a line without its end: that step was never acknowledged."""
    *whole, _ = file.read_text().split("\n")
    return whole


def _is_there(step: dict[str, Any]) -> bool:
    try:
        return FINDERS[step["what"]](step)
    except ObjectDoesNotExist:
        return False


def _paid(step: dict[str, Any]) -> bool:
    payment = Payment.objects.filter(order_code=step["order"], amount=step["won"], code="00").first()
    order = Order.objects.get(code=step["order"])
    held = Authorisation.objects.filter(merchant_reference=step["order"], amount=step["won"], code="00")
    return payment is not None and order.paid_at is not None and held.count() == 1


def _cancelled(step: dict[str, Any]) -> bool:
    held = Authorisation.objects.get(merchant_reference=step["order"], code="00")
    return Order.objects.get(code=step["order"]).status == "cancelled" and held.state == "reversed"


def _parcel(step: dict[str, Any]) -> Parcel:
    return Parcel.objects.get(order__code=step["order"], number=step["parcel"])


def _moved(step: dict[str, Any], verb: str, **about: Any) -> int:
    """Won the network moved for this parcel, by the shop's questions."""
    questions = Message.objects.filter(
        payment__order_code=step["order"], verb=verb, parcel=step["parcel"], code="00", **about
    )
    return Transfer.objects.filter(uuid__in=questions.values("id")).aggregate(won=Sum("amount"))["won"] or 0


FINDERS = {
    "paid": _paid,
    "cancelled": _cancelled,
    "declined": lambda step: _parcel(step).status in ("declined", "cancelled") and _moved(step, "capture") == 0,
    "confirmed": lambda step: _parcel(step).confirmed_total == step["won"],
    "captured": lambda step: _moved(step, "capture") == step["won"],
    "delivered": lambda step: _parcel(step).status in ("delivered", "returned"),
    "refunded": lambda step: _moved(step, "refund", part=step["part"]) == step["won"],
}
