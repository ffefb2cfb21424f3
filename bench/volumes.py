"""A ledger of a million transfers, day by day, written by a few large statements through every guard it has.

Nothing is switched off and no history is claimed: each payment is asked, answered and posted like any other, only many
in one statement. Two processes write at once, no row of one is locked by the other.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection, transaction

from bench.load import AMOUNT, COMMISSION_BP, FARE, GOODS
from bench.stock import CARDS, SELLERS, Shelf
from payments.gateway import gateway
from payments.models import Account
from payments.network.desk import pay_shop
from payments.reconciliation import keep_file, reconcile
from payments.settlement import close_day, settle
from payments.shop_book import commission_on

FIRST_DAY = date(2001, 1, 1)
BATCH = 2_500  # payments a commit: a card's row is written often, and only a commit lets its old versions go
WRITERS = 2  # divides the number of cards
_FORK = multiprocessing.get_context("fork")
TRANSFERS = 4  # of one payment: capture, sale, fare, commission

# One batch, as the service writes one payment: question, authorisation, answer, question, capture, answer, shop book.
_BATCH = """
CREATE TEMP TABLE batch ON COMMIT DROP AS
SELECT gen_random_uuid() AS payment, gen_random_uuid() AS authorisation, gen_random_uuid() AS capture,
       left(md5(random()::text), 12) AS code,
       %(card)s + (n %% %(cards)s) AS card, (n * 7919 %% %(sellers)s) AS seller
  FROM generate_series(%(first)s, %(last)s, %(writers)s) n;
ANALYZE batch;
INSERT INTO payments_payment (id, order_code, amount) SELECT payment, code, %(amount)s FROM batch;
INSERT INTO payments_message (id, payment_id, verb, amount, next_at)
SELECT authorisation, payment, 'authorise', %(amount)s, now() FROM batch;
INSERT INTO network_authorisation (id, account_id, merchant_reference, last4, amount, state, code, expires_at)
SELECT authorisation, card, code, '0000', %(amount)s, 'open', '00', now() + interval '7 days' FROM batch;
UPDATE payments_message m SET code = '00' FROM batch WHERE m.id = authorisation;
UPDATE payments_payment p SET state = 'authorised', code = '00', last4 = '0000', expires_at = now() + interval '7 days'
  FROM batch WHERE p.id = payment;
INSERT INTO payments_message (id, payment_id, verb, parcel, seller_id, amount, goods, fare, commission_bp, next_at)
SELECT capture, payment, 'capture', 1, seller + 1, %(amount)s, %(goods)s, %(fare)s, %(basis)s, now() FROM batch;
INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference)
SELECT capture, 'capture', card, %(merchant)s, %(amount)s, authorisation FROM batch;
UPDATE payments_message m SET code = '00' FROM batch WHERE m.id = capture;
INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference)
SELECT gen_random_uuid(), kind, debit, credit, won, payment FROM batch, LATERAL (VALUES
    ('sale', %(network)s, %(seller)s + seller, %(goods)s),
    ('fare', %(network)s, %(delivery)s, %(fare)s),
    ('commission', %(seller)s + seller, %(commission)s, %(due)s)) moves (kind, debit, credit, won);
"""
_VOUCHERS = """
INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference)
SELECT gen_random_uuid(), kind, debit, credit, 10, gen_random_uuid()
  FROM generate_series(%(first)s, %(count)s, %(writers)s) n, LATERAL (VALUES
    ('subsidy', %(promotion)s, %(seller)s), ('subsidy_back', %(seller)s, %(promotion)s)) moves (kind, debit, credit)
 WHERE (kind = 'subsidy') = (n %% 10 > 0)
"""


def trade(shelf: Shelf, *, payments: int) -> None:
    """`payments` whole payments between all cards and all sellers."""
    account = dict(Account.objects.filter(owner="").values_list("kind", "id"))
    about = {
        **{str(kind): key for kind, key in account.items()},
        "card": shelf.first_card,
        "cards": CARDS,
        "seller": shelf.first_seller,
        "sellers": SELLERS,
        "amount": AMOUNT,
        "goods": GOODS,
        "fare": FARE,
        "basis": COMMISSION_BP,
        "due": commission_on(GOODS, COMMISSION_BP),
        "writers": WRITERS,
    }
    _at_once(_trade, about, payments)


def _at_once(write: Callable[..., None], *about: object) -> None:
    """`write(0, …)` and `write(1, …)`, each in a process of its own."""
    connection.close()  # a process must not inherit an open one
    writers = [_FORK.Process(target=write, args=(number, *about)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    if any(writer.exitcode for writer in writers):
        raise RuntimeError("a writer failed; its traceback is above")


def _trade(number: int, about: dict[str, int], payments: int) -> None:
    """Every WRITERS-th payment, the `number`th of them first."""
    for first in range(number, payments, BATCH * WRITERS):
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            last = min(first + BATCH * WRITERS, payments) - 1
            cursor.execute(_BATCH, {**about, "first": first, "last": last})
    connection.close()


@dataclass(frozen=True, slots=True)
class Night:
    """Seconds of one day's end."""

    closing: float
    reconciling: float  # the network's file read, kept and compared
    settling: float
    lines: int


def end_of_day(number: int) -> Night:
    """Close the day, import and reconcile the network's file, settle with everybody."""
    began = time.perf_counter()
    cut = close_day(FIRST_DAY + timedelta(days=number))
    closing = time.perf_counter() - began
    pay_shop(cut)
    content = gateway().file(cut.day)
    began = time.perf_counter()
    kept = keep_file(cut, content)
    found = reconcile(cut)
    reconciling = time.perf_counter() - began
    began = time.perf_counter()
    settled = settle(cut)
    if settled.waits_for:
        raise RuntimeError(f"the day waits for {settled.waits_for}: {found}")
    return Night(closing, reconciling, time.perf_counter() - began, kept.lines)


def move_often(*, seller: int, count: int) -> None:
    """`count` movements of one seller's account: nine vouchers made good to one taken back."""
    promotion = Account.objects.get(kind=Account.Kind.PROMOTION).pk
    _guard("DISABLE")  # no payment stands behind them
    _at_once(_move, {"count": count, "promotion": promotion, "seller": seller, "writers": WRITERS})
    _guard("ENABLE")


def _guard(switch: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE payments_transfer {switch} TRIGGER shop_book")


def _move(number: int, about: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_VOUCHERS, {**about, "first": number + 1})
    connection.close()


def analyse() -> None:
    """What autovacuum does by itself where days are not made in seconds."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def close_without_settling(number: int) -> None:
    close_day(FIRST_DAY + timedelta(days=number))
