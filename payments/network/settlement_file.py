"""The network's settlement file: every capture, refund and chargeback of a closed day, and their sums.

    H,1,KPW,<day>,<number of the cut>,<shop>
    D,<message id>,capture|refund,<amount>,<network's number>,<moment in UTC>
    D,<case>,chargeback,<amount>,<network's number>,<moment>,<message id of the capture in dispute>
    T,<lines>,<captured>,<returned>,<net>,<sha256 of all bytes above, in lower case>

UTF-8, lines end with one LF, the last one too; lines stand in the order of the network's numbers. The same day is
always the same bytes.
"""

from __future__ import annotations

import hashlib
from datetime import date

from django.db import connection

from payments.gateway import SHOP, WON, NoAnswer
from payments.models import DayCut
from payments.network.desk import pay_shop


def hand_out(day: date) -> bytes:
    """The file of `day`, and with it the money: the network pays the shop what it owed at the cut, once.

    Raises NoAnswer while the day is not closed.
    """
    cut = DayCut.objects.filter(day=day).first()
    if cut is None:
        raise NoAnswer
    pay_shop(cut)
    return write(cut)


def write(cut: DayCut) -> bytes:
    """The bytes alone, from the card book between the cut before and this one."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [cut.pk])
        rows = cursor.fetchall()
    captured = sum(amount for _line, kind, amount in rows if kind == "capture")
    returned = sum(amount for _line, kind, amount in rows if kind == "refund")
    head = f"H,1,{WON},{cut.day},{cut.pk},{SHOP}\n"
    above = (head + "".join(f"{line}\n" for line, _kind, _amount in rows)).encode()
    digest = hashlib.sha256(above).hexdigest()
    return above + f"T,{len(rows)},{captured},{returned},{captured - returned},{digest}\n".encode()


_LINES = """
    SELECT concat_ws(',', 'D', t.id, CASE WHEN b.id IS NULL THEN t.kind ELSE 'chargeback' END, t.amount, t.seq,
                     to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), b.capture),
           t.kind, t.amount
      FROM span_of(%s) s JOIN payments_transfer t ON t.seq > s.low AND t.seq <= s.high
      LEFT JOIN network_chargeback b ON b.id = t.id
     WHERE t.kind IN ('capture', 'refund') ORDER BY t.seq
"""
