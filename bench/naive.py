"""What the ledger saves by keeping no balance row for a seller: its own transaction against one that keeps it.

Compared is the transaction that posts a sale (step D: the capture's answer and the shop book), replayed by pgbench on
one seller by as many connections as the shop's web processes hold; the naive one is the same with the seller's balance
row updated last, just before the commit. The questions it answers are written beforehand.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from django.db import connection

from bench import load, replay
from bench.cluster import Cluster
from bench.figures import Bar, Figure
from bench.load import AMOUNT, COMMISSION_BP, FARE, GOODS
from bench.progress import Progress
from bench.rounds import RAW
from bench.stock import Shelf
from payments.shop_book import commission_on

if TYPE_CHECKING:
    from bench.payments import Size

CONNECTIONS = 16  # two processes of eight threads
FIRST = 0x200000000000000  # beside the payments at random, whose n begin below
_HEAD = r"""\set i :i + 1
\set n :base + :client_id * :each + :i
\set seller 1
"""
_ASKED = f"""
CREATE TABLE bench_seller_balance (account_id bigint PRIMARY KEY, balance bigint NOT NULL);
INSERT INTO bench_seller_balance VALUES (%(account)s, 0);
CREATE TEMP TABLE asked AS SELECT n, {{payment}} AS payment, {{authorise}} AS authorise, {{capture}} AS capture
  FROM generate_series(%(first)s + 1, %(first)s + %(count)s) n;
ANALYZE asked;
INSERT INTO payments_payment (id, order_code, amount) SELECT payment, right(to_hex(n), 12), {AMOUNT} FROM asked;
INSERT INTO payments_message (id, payment_id, verb, amount, next_at)
SELECT authorise, payment, 'authorise', {AMOUNT}, now() FROM asked;
ANALYZE payments_payment, payments_message; -- the guards' plans were made when these were empty
UPDATE payments_message SET code = '00' FROM asked WHERE id = authorise;
UPDATE payments_payment SET state = 'authorised', code = '00', expires_at = now() + interval '7 days'
  FROM asked WHERE id = payment;
INSERT INTO payments_message (id, payment_id, verb, parcel, seller_id, amount, goods, fare, commission_bp, next_at)
SELECT capture, payment, 'capture', 1, 1, {AMOUNT}, {GOODS}, {FARE}, {COMMISSION_BP}, now() FROM asked;
"""


def figures(cluster: Cluster, shelf: Shelf, size: Size, folder: Path, progress: Progress) -> list[Figure]:
    progress.step("a sale on one seller, against a balance row")
    with load.using(RAW):
        statements = replay.record(shelf)
        _ask(shelf, CONNECTIONS * size.sales * size.pairs * 2)
    begins = [place for place, statement in enumerate(statements) if statement == "BEGIN"]
    sale = statements[begins[-1] :]
    update = (
        f"UPDATE bench_seller_balance SET balance = balance + {GOODS - commission_on(GOODS, COMMISSION_BP)}"
        f" WHERE account_id = {shelf.first_seller}"
    )
    own = replay.write(folder / "sale.sql", sale, head=_HEAD)
    naive = replay.write(folder / "naive.sql", [*sale[:-1], update, sale[-1]], head=_HEAD)
    rates: dict[Path, list[float]] = {own: [], naive: []}
    base = FIRST
    for pair in range(size.pairs):
        for script in (own, naive) if pair % 2 == 0 else (naive, own):
            variables = {"i": 0, "base": base, "each": size.sales}
            rate, _ = cluster.pgbench(
                database=RAW, script=script, each=size.sales, clients=CONNECTIONS, variables=variables
            )
            rates[script].append(rate)
            base += CONNECTIONS * size.sales
    return [
        Figure(
            Bar("hot seller ÷ the same with a balance row updated last", "×", 1.5, 4),
            median(a / b for a, b in zip(rates[own], rates[naive], strict=True)),
            f"the transaction that posts a sale: {median(rates[own]):.0f}/s ÷ {median(rates[naive]):.0f}/s,"
            f" {CONNECTIONS} connections; median of {size.pairs} interleaved",
        )
    ]


def _ask(shelf: Shelf, count: int) -> None:
    ids = [replay.uuid_of(number).replace(":n", "n") for number in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(
            _ASKED.format(payment=ids[0], authorise=ids[1], capture=ids[2]),
            {"account": shelf.first_seller, "first": FIRST, "count": count},
        )
