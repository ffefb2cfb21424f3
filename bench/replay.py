"""The service's own statements as pgbench scripts: recorded from one real payment, with its ids made variable."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from uuid import uuid5

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.load import AMOUNT, COMMISSION_BP, FARE, GOODS, whole_payment
from bench.stock import CARDS, Shelf, presented
from payments.models import Payment
from payments.network import digests
from payments.network.models import Card
from payments.pay import message_id
from payments.shop_book import commission_on

# The recorded payment's card and seller: the last ones, whose numbers appear nowhere else in its statements.
_CARD, _SELLER = CARDS, 999
COMMITS = 6
RANDOM = r"""\set n random(72057594037927936, 144115188075855871)
\set card random(1, :cards)
\set seller random(1, :sellers)
"""
# Cards are known by a digest under a key that PostgreSQL does not have: a table says it, found by its index.
_MACS = "CREATE TABLE bench_mac (card bigint PRIMARY KEY, mac bytea NOT NULL)"


def record(shelf: Shelf) -> list[str]:
    """Pay once on the current database: the statements, in which n, card and seller are pgbench's variables."""
    whole_payment(card=presented(1), seller_id=1)  # what is asked only once in a process's life is not recorded
    whole_payment(card=presented(1), seller_id=_SELLER)
    with CaptureQueriesContext(connection) as captured:
        payment_id, _ = whole_payment(card=presented(_CARD), seller_id=_SELLER)
    statements = [query["sql"] for query in captured.captured_queries]
    if statements.count("COMMIT") != COMMITS:
        raise RuntimeError(f"a whole payment has {COMMITS} commits, not {statements.count('COMMIT')}")
    variables = variables_of(payment_id, shelf)
    return [_varied(statement, variables) for statement in statements]


def write(file: Path, statements: list[str], *, head: str = RANDOM) -> Path:
    file.write_text(head + "".join(f"{statement.rstrip(';')};\n" for statement in statements))
    return file


def variables_of(payment_id: uuid.UUID, shelf: Shelf) -> dict[str, str]:
    """Literals of the recorded payment → expressions over the script's variables n, card and seller."""
    authorise, capture = message_id(payment_id, "authorise"), message_id(payment_id, "capture", 1)
    ids = [payment_id, authorise, capture, *(uuid5(capture, kind) for kind in ("sale", "fare", "commission"))]
    found = {f"'{key.hex}'": uuid_of(number) for number, key in enumerate(ids)}
    code = Payment.objects.values_list("order_code", flat=True).get(pk=payment_id)
    found[f"'{code}'"] = "right(to_hex((:n)::bigint), 12)"
    mac = digests.number_mac(presented(_CARD).number)
    found[rf"'\x{mac.hex()}'"] = "(SELECT mac FROM bench_mac WHERE card = (:card)::bigint)"
    found[f"'{_SELLER}'"] = "(:seller)::text"
    found[str(_SELLER)] = "(:seller)::bigint"
    card = shelf.first_card + _CARD - 1
    found[f"'{{{card}}}'"] = f"ARRAY[{shelf.first_card - 1} + (:card)::bigint]"
    found[str(card)] = f"({shelf.first_card - 1} + (:card)::bigint)"
    found[str(shelf.first_seller + _SELLER - 1)] = f"({shelf.first_seller - 1} + (:seller)::bigint)"
    constants = {str(number) for number in (AMOUNT, GOODS, FARE, COMMISSION_BP, commission_on(GOODS, COMMISSION_BP))}
    if len(found) != 13 or constants & set(found):
        raise RuntimeError("the recorded payment's ids cannot be told from its amounts")
    return found


def uuid_of(number: int) -> str:
    """The `number`th id of the payment n."""
    return f"(to_hex((:n)::bigint) || repeat('{number}', 17))::uuid"  # n has 15 hexadecimal digits


def _varied(statement: str, variables: dict[str, str]) -> str:
    for literal, expression in variables.items():
        bare = re.escape(literal) if literal.startswith("'") else rf"(?<![\w'.:-]){literal}(?![\w'.-])"
        statement = re.sub(bare, lambda _, text=expression: text, statement)  # type: ignore[misc]
    return statement


def prepare(shelf: Shelf) -> None:
    """What the script needs beside the shop's own tables, on the current database."""
    with connection.cursor() as cursor:
        cursor.execute(_MACS)
        macs = Card.objects.values_list("account_id", "number_mac")
        cursor.executemany(
            "INSERT INTO bench_mac VALUES (%s, %s)",
            [(account - shelf.first_card + 1, bytes(mac)) for account, mac in macs],
        )
        cursor.execute("ANALYZE bench_mac")
