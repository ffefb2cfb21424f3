# ruff: noqa: S608 - every piece of these statements stands in the tests
"""The mutation check of the ledger's guards: each is taken away in turn, and some attempt must notice.

What there is comes from the database itself: triggers, CHECKs, unique, partial unique, exclusion, primary and foreign
keys, and every single RAISE in a function. A guard that no attempt misses is named. The attempts are those of
test_refusals.py; keys are tried with rows copied from the tables; what triggers do silently is looked at afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import DatabaseError, connection

from tests.payments import guarded_world
from tests.payments.attempts import CLOCKS, TRIGGERS, message, transfer
from tests.payments.attempts_on_constraints import CONSTRAINTS
from tests.payments.guarded_world import attempt, taken_back

world = guarded_world.world
pytestmark = pytest.mark.ledger
TABLES = "(c.relname LIKE 'payments\\_%' OR c.relname LIKE 'network\\_%')"
# Nobody can miss these: another guard says the same and more.
SAID_TWICE = {"network_card_pin_tries_check": "card_three_pin_tries"}
KEYS = {"payments_explanation": "about"}
# (statement, what to look at afterwards): for triggers that refuse nothing but do something.
EFFECTS = [
    *[
        (given, f"SELECT extract(year FROM created_at) FROM {table} WHERE {KEYS.get(table, 'id')} = %(new)s")
        for table, given in CLOCKS
    ],
    (
        "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
        " RETURNING id) INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned)"
        " SELECT %(new)s, id, '', 0, 0, 0 FROM cut; INSERT INTO payments_settlement (cut_id, file_id, created_at)"
        " SELECT cut_id, id, '2001-01-01' FROM payments_settlementfile WHERE id = %(new)s",
        "SELECT extract(year FROM created_at) FROM payments_settlement WHERE file_id = %(new)s",
    ),
    (
        "INSERT INTO payments_account (kind, owner) VALUES ('card', 'new')",
        "SELECT posted FROM network_balance b JOIN payments_account a ON a.id = b.account_id WHERE owner = 'new'",
    ),
    (
        message("release") + "; UPDATE payments_message SET code = '00' WHERE id = %(new)s",
        "SELECT released FROM payments_payment WHERE id = %(payment)s",
    ),
    (
        message("release", payment="%(pending)s") + "; UPDATE payments_message SET code = '00' WHERE id = %(new)s",
        "SELECT 1",
    ),
    (
        "INSERT INTO payments_auditrun (counted, findings, started_at) VALUES ('{}', '[]', '2001-01-01')",
        "SELECT extract(year FROM started_at) FROM payments_auditrun ORDER BY id DESC LIMIT 1",
    ),
    # A day is not written up before an earlier one.
    (
        "DO $$ DECLARE late bigint; BEGIN CALL close_day(%(next)s); CALL close_day(%(next_but_one)s);"
        " SELECT max(id) INTO late FROM payments_daycut; CALL write_closing(late); END $$",
        "SELECT 1",
    ),
    # Past days are written in order.
    (
        "SET LOCAL okryu.history = 'on'; "
        + transfer("receipt", "%(bank)s", "%(network)s", 1).replace("reference)", "reference, at)")[:-1]
        + ", '2001-01-01')",
        "SELECT 1",
    ),
]


@dataclass(frozen=True)
class Guard:
    name: str
    statement: str  # takes it away


@dataclass(frozen=True)
class Attempt:
    about: str  # the guard it was written for
    statement: str
    look: str = "SELECT 1"
    off: str = ""  # what must be off for it: the triggers, or our own triggers of one table


def result(one: Attempt, world: dict[str, Any]) -> str:
    """What became of it, in words that do not change from one run to the next."""
    told = ""
    with taken_back(), connection.cursor() as cursor:
        cursor.execute(one.off or "SELECT 1")
        try:
            attempt(one.statement, world)
            cursor.execute(one.look, world)
            told = f"went through: {cursor.fetchall()}"
        except DatabaseError as error:
            diagnosis = error.__cause__.diag
            words = re.sub(r"\d+", "#", diagnosis.message_primary or "")  # identities go on counting
            told = f"{diagnosis.sqlstate} {diagnosis.constraint_name} {words}"
    return told


def rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


# ---------------------------------------------------------------- guards, from the database


def triggers() -> Iterator[Guard]:
    for table, name in rows(
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        f" WHERE NOT t.tgisinternal AND {TABLES} ORDER BY 1, 2"
    ):
        yield Guard(f"{table}.{name}", f"DROP TRIGGER {name} ON {table}")


def constraints(kinds: str) -> Iterator[Guard]:
    """c CHECK, u unique, x exclusion, p primary key, f foreign key."""
    for table, name in rows(
        "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        f" WHERE k.contype IN {kinds} AND {TABLES} ORDER BY 1, 2"
    ):
        if name not in SAID_TWICE:
            yield Guard(name, f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")


def unique_indexes() -> Iterator[Guard]:
    """Those no constraint owns: partial ones."""
    for (name,) in rows(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
        f" AND {TABLES} ORDER BY 1"
    ):
        yield Guard(name, f"DROP INDEX {name}")


def raises() -> Iterator[Guard]:
    """Every RAISE EXCEPTION of every function, made a RAISE DEBUG one at a time."""
    for name, source in rows(
        "SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND p.prosrc LIKE '%RAISE EXCEPTION%' AND p.proname !~ '^(orders|catalog)_' ORDER BY 1"
    ):
        for number, found in enumerate(re.finditer("RAISE EXCEPTION", source), start=1):
            changed = f"{source[: found.start()]}RAISE DEBUG{source[found.end() :]}"
            yield Guard(f"{name}(): refusal {number}", changed)


# ---------------------------------------------------------------- attempts


ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{0}') THEN CREATE ROLE {0}; END IF;
END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO {0};
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {0};
SET LOCAL ROLE {0}
"""


def written() -> Iterator[Attempt]:
    for guard, statement in TRIGGERS:
        yield Attempt(guard, statement)
    for guard, statement in CONSTRAINTS:
        yield Attempt(guard, statement, off="SET LOCAL session_replication_role = replica")
    for statement, look in EFFECTS:
        yield Attempt("", statement, look)
    # The right shape, by the wrong role.
    load = transfer("load", "%(float)s", "%(card)s", 5)
    yield Attempt("payments_transfer.transfer_check", load, off=ROLE.format("shop_app"))


def of_keys() -> Iterator[Attempt]:
    """A row again, for each primary key; a row that points nowhere, for each foreign key. Our triggers are off."""
    nowhere = {"bigint": "-1", "uuid": "gen_random_uuid()", "character varying": "'none'", "integer": "-1"}
    for table, name, kind, column, of_type in rows(
        "SELECT c.relname, k.conname, k.contype, a.attname, format_type(a.atttypid, NULL) FROM pg_constraint k"
        " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]"
        f" WHERE k.contype IN ('p', 'f') AND {TABLES}"
    ):
        statement = f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {table} LIMIT 1"
        if kind == "f":
            one = f"(SELECT ctid FROM {table} WHERE {column} IS NOT NULL LIMIT 1)"
            statement = f"UPDATE {table} SET {column} = {nowhere[of_type]} WHERE ctid = {one}"
        yield Attempt(name, statement, off=f"ALTER TABLE {table} DISABLE TRIGGER USER")


def missed(guards: list[Guard], attempts: list[Attempt], world: dict[str, Any]) -> list[str]:
    """The guards whose removal changes nothing that any attempt sees."""
    before = {one: result(one, world) for one in attempts}
    assert before == {one: result(one, world) for one in attempts}, "a result that changes by itself proves nothing"
    silent = []
    for guard in guards:
        # Those written for it first, then whatever else may notice.
        inquisitive = sorted(attempts, key=lambda one, name=guard.name: one.about != name)
        with taken_back():
            with connection.cursor() as cursor:
                cursor.execute(guard.statement)
            if not any(result(one, world) != before[one] for one in inquisitive):
                silent.append(guard.name)
    return silent


@pytest.fixture
def full_world(world):
    """A row in every table, so that every key has something to hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_membercard (user_id, token, last4) VALUES (%(user)s, %(new)s, '0000')"
            " ON CONFLICT DO NOTHING",
            world,
        )
        cursor.execute(
            "INSERT INTO payments_auditrun (asked_by_id, counted, findings) VALUES (%(user)s, '{}', '[]')", world
        )
    return world


@pytest.mark.long
@pytest.mark.parametrize(
    "guards",
    [triggers, lambda: constraints("('c', 'u', 'x')"), unique_indexes, raises, lambda: constraints("('p', 'f')")],
    ids=["triggers", "constraints", "unique indexes", "refusals of functions", "keys"],
)
def test_every_guard_is_missed_when_it_is_gone(full_world, guards: Callable[[], Iterator[Guard]]):
    there = list(guards())
    assert there
    silent = missed(there, [*written(), *of_keys()], full_world)
    assert not silent, ", ".join(silent)


@pytest.mark.long
def test_a_guard_nobody_tries_is_named(full_world):
    """The check can fail: without the attempts about a guard, its removal goes unseen."""
    name = "member_card_four_digits"
    others = [one for one in written() if one.about != name]
    guard = next(guard for guard in constraints("('c')") if guard.name == name)
    assert missed([guard], others, full_world) == [name]


@pytest.mark.long
@pytest.mark.parametrize("role", ["shop_app", "network_app", "bank_desk"])
def test_no_guard_yields_to_a_role_that_owns_nothing(world, role):
    """Each attempt again, by the roles the processes run as, though every table were granted to them."""
    attempts = [Attempt(guard, statement, off=ROLE.format(role)) for guard, statement in [*TRIGGERS, *CONSTRAINTS]]
    told = {one.statement: result(one, world) for one in attempts}
    assert [statement for statement, what in told.items() if what.startswith("went through")] == []
