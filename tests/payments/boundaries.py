"""Every point where a process can die: before and after each commit and each call to the card network.

They are found by counting, not by hand. A statement outside a transaction that writes is a commit of its own; a
commit inside the network's call is the network's. A process that dies at a boundary leaves by `os._exit`, as kill -9
would make it: no `finally` runs, its connection breaks, and PostgreSQL takes back what was not committed.
"""

from __future__ import annotations

import functools
import json
import os
import time
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from payments.gateway import gateway

DIED = 9
OTHERS = """
SELECT count(*) FROM pg_stat_get_activity(NULL) a JOIN pg_database d ON d.oid = a.datid
 WHERE d.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
"""
CALLS = ("authorise", "tell", "inquire", "verify")


_PARENTS: list[Any] = []  # in a child: kept from the collector, which would end the session for both


class Survived(AssertionError):
    """The process ended in another way than the case expects."""


def boundaries_of(work: Callable[[], Any]) -> list[str]:
    """The names of the boundaries `work` passes in a process of its own."""
    names = _in_child(work, die_at=None)
    if names is None:
        raise Survived("nobody asked it to die")
    return names


def dies_at(work: Callable[[], Any], number: int) -> bool:
    """Run `work` in a process that dies at its `number`-th boundary; False when it ended before it came there."""
    return _in_child(work, die_at=number) is None


def _in_child(work: Callable[[], Any], *, die_at: int | None) -> list[str] | None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, die_at, write)
    os.close(write)
    with os.fdopen(read) as answer:
        told = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _wait_until_we_are_alone()
    if status == DIED:
        return None
    if status != 0:
        raise Survived(told)
    return list(json.loads(told))


def _child(work: Callable[[], Any], die_at: int | None, write: int) -> None:
    status, told = 1, ""
    try:
        _leave_the_parents_connection()
        names = _watch(die_at)
        work()
        connections.close_all()
        status, told = 0, json.dumps(names)
    except BaseException:
        told = traceback.format_exc()
    finally:
        os.write(write, told.encode()[:60_000])
        os._exit(status)


def _wait_until_we_are_alone() -> None:
    """PostgreSQL needs a moment to see that the child is dead; until then it holds the child's locks."""
    until = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(OTHERS)
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.002)
    raise Survived("its session did not end")


def _leave_the_parents_connection() -> None:
    """The parent goes on with it: the child neither speaks through it nor closes it, and opens its own."""
    _PARENTS.append(connection.connection)
    connection.connection = None


def _watch(die_at: int | None) -> list[str]:
    """Count this process's boundaries from now on; it dies at the `die_at`-th."""
    passed: list[str] = []

    def here(name: str) -> None:
        passed.append(name)
        if len(passed) == die_at:
            os._exit(DIED)

    def around(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            here(f"before {name}")
            result = call(*args, **kwargs)
            here(f"after {name}")
            return result

        return wrapper

    def statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        alone = not connection.in_atomic_block and not sql.lstrip().upper().startswith("SELECT")
        return (around(f"commit of {sql[:40]}", execute) if alone else execute)(sql, params, many, context)

    connection.execute_wrappers.append(statement)
    connection._commit = around("commit", connection._commit)
    network = type(gateway())
    for name in CALLS:
        setattr(network, name, around(f"call {name}", getattr(network, name)))
    return passed
