"""The shop book: what an answered question moves between the network, the sellers, delivery and the bureau.

Called by `pay.record` with the message's payment locked. Ids are made from the message: posted once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid5

from django.db import connection
from django.db.models import Q, Sum

from payments.models import Account, Message, Transfer
from payments.rows import read_one


def post_capture(message: Message) -> None:
    """The seller has sold, the couriers have earned their fee, the bureau its commission."""
    due = _commission_due(message, message.goods + message.subsidy)
    _post(message, sale=message.goods, fare=message.fare, subsidy=message.subsidy, commission=due)


def post_refund(message: Message, *, at: datetime | None = None) -> None:
    """All of it back, as far as it was returned. `at` is kept only while history is written."""
    due = _commission_due(message, -message.goods - message.subsidy)
    _post(
        message,
        at=at,
        sale_back=message.goods,
        fare_back=message.fare,
        subsidy_back=message.subsidy,
        commission_back=-due,
    )


def _commission_due(message: Message, change: int) -> int:
    """What is due of this payment's sales of the seller after `change`, less what was posted.

    The difference, not a part of the part: several returns do not drift, a full one gives all back.
    """
    if message.payment.captured == 0:
        return commission_on(change, message.commission_bp)  # nothing was posted of it before
    seller = seller_account(message.seller_id).pk
    sums = Transfer.objects.filter(reference=message.payment_id).aggregate(
        goods_in=Sum("amount", filter=Q(credit_account=seller, kind__in=["sale", "subsidy"])),
        goods_out=Sum("amount", filter=Q(debit_account=seller, kind__in=["sale_back", "subsidy_back"])),
        taken=Sum("amount", filter=Q(debit_account=seller, kind="commission")),
        given=Sum("amount", filter=Q(credit_account=seller, kind="commission_back")),
    )
    total = {name: amount or 0 for name, amount in sums.items()}
    base = total["goods_in"] - total["goods_out"] + change
    return commission_on(base, message.commission_bp) - (total["taken"] - total["given"])


def commission_on(base: int, basis_points: int) -> int:
    """The bureau's part of `base` won of sales, rounded down."""
    return base * basis_points // 10_000


# Each kind says itself between which accounts it moves; the seller's is the message's.
_POST = """
INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference, at)
SELECT m.id, m.kind, debit.id, credit.id, m.amount, %(payment)s, coalesce(%(at)s, now())
  FROM (VALUES {rows}) AS m (id, kind, amount, place)
  JOIN payments_transferkind k ON k.kind = m.kind
  JOIN payments_account debit ON debit.kind = k.debit
   AND debit.owner = CASE k.debit WHEN 'seller' THEN %(seller)s ELSE '' END
  JOIN payments_account credit ON credit.kind = k.credit
   AND credit.owner = CASE k.credit WHEN 'seller' THEN %(seller)s ELSE '' END
 WHERE EXISTS (SELECT FROM payments_account WHERE kind = 'seller' AND owner = %(seller)s)
 ORDER BY m.place
"""


def _post(message: Message, *, at: datetime | None = None, **moves: int) -> None:
    """Write the shop book's transfers of one answered question: won by kind, those above 0."""
    moves = {kind: amount for kind, amount in moves.items() if amount > 0}
    if not moves:
        return
    rows: list[str] = []
    values: dict[str, Any] = {"payment": message.payment_id, "seller": str(message.seller_id), "at": at}
    for place, (kind, amount) in enumerate(moves.items()):
        rows.append(f"(%(id{place})s, '{kind}', %(won{place})s, {place})")
        values |= {f"id{place}": uuid5(message.id, kind), f"won{place}": amount}
    statement = _POST.format(rows=", ".join(rows))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if not cursor.rowcount:
            seller_account(message.seller_id)  # the seller's first sale
            cursor.execute(statement, values)
    payment = message.payment
    del payment.captured, payment.refunded, payment.state  # moved by the transfers: read again if anybody asks


def seller_account(seller_id: int | None) -> Account:
    """The account that says what is owed to a seller; opened at the first need."""
    owner = {"kind": Account.Kind.SELLER, "owner": str(seller_id)}
    found = read_one(Account, "WHERE kind = %s AND owner = %s", list(owner.values()))
    if found is None:
        Account.objects.bulk_create([Account(**owner)], ignore_conflicts=True)
        found = Account.objects.get(**owner)
    return found
