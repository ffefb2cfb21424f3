"""The load of kills.py: people buy, sellers and couriers do their part, and write down what was acknowledged.

Whoever gets no answer does as people do: tries the same again until something is said.
"""

from __future__ import annotations

import json
import os
import random
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection, connections

from accounts.models import User
from orders.cancelling import cancel_order, cancel_parcel
from orders.healing import heal_once
from orders.models import Order, Parcel
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.paying import Attempt, NotPayable, Outcome, OutOfDate, pay
from orders.refunds import Goods, refund_lines
from payments import leases
from payments import pay as payments
from payments.gateway import Presented
from tests.factories import UserFactory, VariantFactory
from tests.orders.paid import an_address, issued, placed

PEOPLE = 40
BALANCE = 1_000_000
NO_LIMIT = {"per_payment": 10**9, "per_day": 10**9, "count_day": 10**6}
SHAPES: list[list[dict[str, Any]]] = [
    [{"lines": [(380, 2)], "fee": 100}],
    [{"lines": [(380, 2)], "fee": 100}, {"lines": [(50, 4)]}],
    [{"lines": [(95, 1), (240, 3)], "fee": 150}],
]
_people: list[tuple[User, Presented]] = []
T = TypeVar("T")


class GaveUp(Exception):
    """Nothing was said for too long; somebody else will see to it."""


def open_shop(*, forgetful: bool = False) -> None:
    """Tables, and forty members, each with a card that is never empty. Made before the workers are forked."""
    call_command("migrate", interactive=False, verbosity=0)
    for _ in range(PEOPLE):
        _people.append((UserFactory(), issued(BALANCE, **NO_LIMIT)[1]))
    placed(user=_people[0][0], parcels=SHAPES[1])  # the sellers and the district exist
    if forgetful:
        with connection.cursor() as cursor:
            for setting in ["synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '64MB'"]:
                cursor.execute(f"ALTER SYSTEM SET {setting}")
            cursor.execute("SELECT pg_reload_conf()")


def heal_for_ever(place: Path, *, generation: int, seed: int) -> NoReturn:
    _in_a_hurry()
    while True:
        try:
            heal_once(limit=20)
        except (OperationalError, InterfaceError):
            connections.close_all()
        time.sleep(0.2)


def buy_for_ever(place: Path, *, generation: int, seed: int) -> NoReturn:
    _in_a_hurry()
    dice = random.Random(f"{seed} {generation}")
    VariantFactory.reset_sequence(generation * 100_000, force=True)  # numbers no other process gives
    written = os.open(place / f"acknowledged.{generation}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def acknowledge(what: str, order: Order, **facts: Any) -> None:
        os.write(written, json.dumps({"what": what, "order": order.code, **facts}).encode() + b"\n")
        os.fsync(written)

    while True:
        try:
            _buy(dice, acknowledge)
        except GaveUp:
            continue
        except Exception:  # told at the end, and the load goes on
            (place / f"broken.{generation}").write_text(traceback.format_exc())
            time.sleep(0.2)


def _in_a_hurry() -> None:
    """Nobody waits ten seconds here for a question to be asked again."""
    payments.FIRST_TRY_SECONDS = 1
    leases.RETRY_SECONDS = (1, 1, 2)


def insist(deed: Callable[[], T]) -> T:
    """The same deed again while nothing comes back."""
    for _ in range(60):
        try:
            return deed()
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(0.2)
    raise GaveUp


def _buy(dice: random.Random, acknowledge: Callable[..., None]) -> None:
    user, card = dice.choice(_people)
    order = insist(lambda: placed(user=user, parcels=dice.choice(SHAPES)))
    if not _paid(order, user, card):
        return
    acknowledge("paid", order, won=order.total)
    if dice.random() < 0.1:
        insist(lambda: cancel_order(order_code=order.code))
        acknowledge("cancelled", order)
        return
    for parcel in insist(lambda: list(order.parcels.order_by("number"))):
        _carry(dice, acknowledge, order, parcel.number)


def _paid(order: Order, user: User, card: Presented) -> bool:
    """Until the page says paid or not paid. The form carries the order's key; a decline gives it a new one."""

    def post() -> Attempt:
        key = Order.objects.get(pk=order.pk).payment_key
        return pay(order_code=order.code, key=key, card=card, user=user, address=an_address())

    for _ in range(40):
        try:
            attempt = insist(post)
        except (NotPayable, OutOfDate):
            fresh = insist(lambda: Order.objects.get(pk=order.pk))
            return fresh.paid_at is not None
        if attempt.outcome == Outcome.HELD:
            return True
        if attempt.outcome == Outcome.TOO_MANY:
            raise GaveUp
        time.sleep(0.3)
    raise GaveUp


def _carry(dice: random.Random, acknowledge: Callable[..., None], order: Order, number: int) -> None:
    place = {"order_code": order.code, "number": number}
    if (chance := dice.random()) < 0.1:
        insist(lambda: decline_parcel(**place, reason=Reason.CLOSED))
        acknowledge("declined", order, parcel=number)
        return
    lines = insist(lambda: list(Parcel.objects.get(order=order, number=number).lines.all()))
    fewer = {lines[0].public_id: lines[0].quantity - 1} if chance < 0.3 and lines[0].quantity > 1 else None
    parcel = insist(lambda: confirm_parcel(**place, quantities=fewer))
    acknowledge("confirmed", order, parcel=number, won=parcel.confirmed_total)
    if chance > 0.9:
        insist(lambda: cancel_parcel(**place))
        acknowledge("declined", order, parcel=number)
        return
    _until_captured(order, number)
    acknowledge("captured", order, parcel=number, won=(parcel.confirmed_total or 0) + parcel.fee)
    insist(lambda: dispatch_parcel(**place))
    parcel = insist(lambda: deliver_parcel(**place))
    acknowledge("delivered", order, parcel=number)
    line = next(each for each in insist(lambda: list(parcel.lines.all())) if each.confirmed_quantity)
    if chance > 0.5:
        key = uuid.UUID(int=dice.getrandbits(128))
        one = {line.public_id: 1}
        insist(lambda: refund_lines(**place, key=key, quantities=one, goods=Goods.RESTOCK))
        acknowledge("refunded", order, parcel=number, won=line.unit_price, part=key.hex[:16])


def _until_captured(order: Order, number: int) -> None:
    """Packed; the courier waits until the network has confirmed the money."""
    for _ in range(60):
        parcel = insist(lambda: make_ready(order_code=order.code, number=number))
        if parcel.captured_at is not None:
            return
        time.sleep(0.2)
    raise GaveUp
