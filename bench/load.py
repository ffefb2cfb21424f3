"""The service under load: whole payments through Python, without HTTP, from several processes at once."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, connections, transaction

from accounts.models import random_code
from bench.stock import CARDS, SELLERS, presented
from payments import pay
from payments.gateway import APPROVED, Presented
from payments.models import Message

GOODS, FARE, COMMISSION_BP = 713, 94, 300
AMOUNT = GOODS + FARE
WORKERS = 4  # two cores, PostgreSQL on them too: more only take turns
_FORK = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Load:
    """What the workers did and were told."""

    seconds: float
    acknowledged: list[uuid.UUID] = field(default_factory=list)
    authorise_seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.acknowledged) / self.seconds

    def percentile(self, part: float) -> float:
        ordered = sorted(self.authorise_seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def whole_payment(*, card: Presented, seller_id: int, commission_bp: int = COMMISSION_BP) -> tuple[uuid.UUID, float]:
    """Authorise, capture, post the shop book: six commits. The payment's id and the authorisation's seconds.

    Exactly what orders/paying.py does for the money; the order's own rows are left out.
    """
    began = time.perf_counter()
    payment_id = uuid.uuid4()
    with transaction.atomic(durable=True):
        question = pay.open_payment(key=payment_id, order_code=random_code(8), amount=AMOUNT)
    held = _send_and_record(question, card)
    authorised = time.perf_counter() - began
    with transaction.atomic(durable=True):
        question = pay.ask_capture(
            payment=held.payment, parcel=1, seller_id=seller_id, goods=GOODS, fare=FARE, commission_bp=commission_bp
        )
    _send_and_record(question, None)
    return payment_id, authorised


def _send_and_record(question: Message, card: Presented | None) -> Message:
    answer = pay.send(question, card)
    with transaction.atomic(durable=True):
        message = pay.record(message_id=question.pk, answer=answer)
    if message.code != APPROVED:
        raise RuntimeError(f"{question.verb} was answered {message.code}")
    return message


def run(*, database: str, seconds: float, sellers: int = SELLERS, workers: int = WORKERS, rate: float = 0) -> Load:
    """Load on `database` with `sellers` sellers (1: all buy from one); `rate` payments/s, 0 for as many as can."""

    def work(number: int) -> Load:
        return _worker(number, seconds=seconds, sellers=sellers, pause=workers / rate if rate else 0)

    with using(database):
        parts = _at_once(workers, work)
    total = Load(seconds=sum(part.seconds for part in parts) / len(parts))
    for part in parts:
        total.acknowledged += part.acknowledged
        total.authorise_seconds += part.authorise_seconds
    return total


def _worker(number: int, *, seconds: float, sellers: int, pause: float) -> Load:
    chance = random.Random(f"{number} {time.time_ns()}")
    mine = Load(seconds=seconds)
    began = time.perf_counter()
    for turn in itertools.count(1):
        card, seller_id = presented(chance.randint(1, CARDS)), chance.randint(1, sellers)
        payment_id, authorised = whole_payment(card=card, seller_id=seller_id)
        mine.acknowledged.append(payment_id)
        mine.authorise_seconds.append(authorised)
        now = time.perf_counter() - began
        if now >= seconds:
            break
        if pause and (early := turn * pause - now) > 0:
            time.sleep(early)
    mine.seconds = time.perf_counter() - began
    return mine


@contextmanager
def using(database: str) -> Iterator[None]:
    """Point Django at another database of the same server: this process and those it forks."""
    settings = connections.settings["default"]
    before = settings["NAME"]
    connection.close()
    settings["NAME"] = connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        settings["NAME"] = connection.settings_dict["NAME"] = before


def _at_once(count: int, work: Callable[[int], Load]) -> list[Load]:
    """What `work(0)` … returned, each in a process of its own; they begin together. Raises if one failed."""
    barrier = _FORK.Barrier(count)
    pipes = [_FORK.Pipe(duplex=False) for _ in range(count)]
    children = [_FORK.Process(target=_child, args=(barrier, work, n, pipes[n][1])) for n in range(count)]
    for child in children:
        child.start()
    for _, sender in pipes:
        sender.close()
    results: list[Any] = []
    for (receiver, _), child in zip(pipes, children, strict=True):
        try:
            results.append(receiver.recv())
        except EOFError:
            results.append("died")
        child.join()
    if failed := [result for result in results if not isinstance(result, Load)]:
        raise RuntimeError(f"a worker failed: {failed[0]}")
    return results


def _child(barrier: Any, work: Callable[[int], Load], number: int, sender: Any) -> None:
    try:
        connection.ensure_connection()
        whole_payment(card=presented(number + 1), seller_id=number + 1)  # warm: imports, plans, caches
        barrier.wait(60)
        sender.send(work(number))
    except Exception as error:
        sender.send(f"{type(error).__name__}: {error}")
        barrier.abort()
    finally:
        connections.close_all()
