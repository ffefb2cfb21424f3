# ruff: noqa: S608 - every piece of these statements stands in the tests
"""What the database refuses whatever the application does: one attempt or more for every guard.

Triggers are tried as they stand; CHECKs and unique constraints with the triggers off, so that each is seen to
hold alone. The last tests compare the list with what the database has: a guard without a test is red.
"""

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, models

from payments.models import DayCut
from tests.payments import guarded_world
from tests.payments.attempts import CLOCKS, CONSEQUENCES, TRIGGERS, message
from tests.payments.attempts_on_constraints import CONSTRAINTS
from tests.payments.guarded_world import attempt, taken_back

world = guarded_world.world
pytestmark = pytest.mark.ledger


def _id(value):
    return value if " " not in value else ""


@pytest.mark.parametrize(("guard", "statement"), TRIGGERS, ids=_id)
def test_trigger_refuses(world, guard, statement):
    table, trigger = guard.split(".")
    with taken_back():
        with pytest.raises(IntegrityError) as refusal:
            attempt(statement, world)
        assert refusal.value.__cause__.sqlstate == "23514"
        # It is this guard that refuses: without it the attempt goes through, or another guard stops it.
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        try:
            attempt(statement, world)
        except IntegrityError as other:
            assert str(other) != str(refusal.value)


@pytest.mark.parametrize(("guard", "statement"), CONSTRAINTS, ids=_id)
def test_constraint_refuses(world, guard, statement):
    with taken_back():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        with pytest.raises(IntegrityError) as refusal:
            attempt(statement, world)
        assert refusal.value.__cause__.diag.constraint_name == guard


def test_a_release_answered_for_a_payment_not_authorised(world):
    with taken_back(), pytest.raises(IntegrityError, match="release has nothing to draw on"):
        asking = message("release", payment="%(pending)s")
        attempt(f"{asking}; UPDATE payments_message SET code = '00' WHERE id = %(new)s", world)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO payments_transfer (seq, id, kind, debit_account_id, credit_account_id, amount, reference)"
        " VALUES (1, %(new)s, 'load', %(float)s, %(card)s, 1, %(new)s)",
        "INSERT INTO payments_account (id, kind, owner) VALUES (1, 'seller', '9')",
        "INSERT INTO payments_daycut (id, day, seq) VALUES (1, %(next)s, 1)",
        "INSERT INTO network_card (id) VALUES (1)",
    ],
)
def test_an_identity_is_never_given(world, statement):
    with taken_back(), pytest.raises(ProgrammingError, match="GENERATED ALWAYS"):
        attempt(statement, world)


def test_a_day_is_not_written_up_before_an_earlier_one(world):
    with taken_back():
        attempt("CALL close_day(%(next)s)", world)
        attempt("CALL close_day(%(next_but_one)s)", world)
        last = DayCut.objects.get(day=world["next_but_one"])
        with pytest.raises(IntegrityError, match="an earlier day is not written up"):
            attempt("CALL write_closing(%(last)s)", {"last": last.pk})


@pytest.mark.parametrize(("table", "statement"), CLOCKS)
def test_clocks_are_the_databases(world, table, statement):
    """Nobody says when it was: an earlier time given is replaced, without the history setting."""
    with taken_back():
        attempt(statement, world)
        with connection.cursor() as cursor:
            key = "about" if table == "payments_explanation" else "id"
            cursor.execute(f"SELECT created_at FROM {table} WHERE {key} = %s", [world["new"]])
            assert cursor.fetchone()[0].year > 2001


def test_a_settled_days_clock_is_the_databases(world):
    with taken_back():
        attempt(
            "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
            " RETURNING id) INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned)"
            " SELECT %(new)s, id, '', 0, 0, 0 FROM cut",
            world,
        )
        attempt(
            "INSERT INTO payments_settlement (cut_id, file_id, created_at)"
            " SELECT cut_id, id, '2001-01-01' FROM payments_settlementfile WHERE id = %(new)s",
            world,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT created_at FROM payments_settlement WHERE file_id = %s", [world["new"]])
            assert cursor.fetchone()[0].year > 2001


def test_an_audits_clock_is_the_databases(world):
    with taken_back(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_auditrun (counted, findings, started_at) VALUES ('{}', '[]', '2001-01-01')"
            " RETURNING extract(year FROM started_at)"
        )
        assert cursor.fetchone()[0] > 2001


def test_every_trigger_has_a_refusal(world):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND (c.relname LIKE 'payments_%' OR c.relname LIKE 'network_%')"
        )
        there = {name for (name,) in cursor.fetchall()}
    assert there == {guard for guard, _ in TRIGGERS} | CONSEQUENCES.keys()


def test_every_constraint_has_a_refusal():
    declared = {
        constraint.name
        for label in ["payments", "network"]
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint | models.UniqueConstraint)
    }
    tried = {guard for guard, _ in CONSTRAINTS}
    assert declared <= tried
    assert {"payments_settlementfile_cut_id_key", "payments_settlementline_pkey", "payments_settlement_pkey"} <= tried
    assert {"payments_transfer_id_key", "network_card_number_mac_key"} <= tried
