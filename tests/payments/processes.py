"""Real processes that start at once, each with its own connection to the test's database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

_FORK = multiprocessing.get_context("fork")


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0)` … `work(count - 1)` returned, each in a process of its own, started by one barrier.

    An exception comes back as its repr, a process that died as None.
    """
    connections.close_all()  # a connection must not be shared with a child
    barrier = _FORK.Barrier(count)
    pairs = [_FORK.Pipe(duplex=False) for _ in range(count)]
    children = [
        _FORK.Process(target=_child, args=(barrier, work, number, sender)) for number, (_, sender) in enumerate(pairs)
    ]
    for child in children:
        child.start()
    results = []
    for (receiver, sender), child in zip(pairs, children, strict=True):
        sender.close()
        try:
            results.append(receiver.recv())
        except EOFError:
            results.append(None)
        child.join(30)
    return results


def _child(barrier: Any, work: Callable[[int], Any], number: int, sender: Any) -> None:
    connection.ensure_connection()
    barrier.wait(30)
    try:
        sender.send(work(number))
    except Exception as error:
        sender.send(repr(error))
    finally:
        connections.close_all()
