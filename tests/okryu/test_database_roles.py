"""The running shop's roles: made exactly as written, and unable to do what would lose money."""

import os
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.utils import InternalError
from django.test.utils import CaptureQueriesContext

from okryu import checks, database_roles
from payments.models import Account
from payments.network import acting
from payments.network.acting import as_bank_desk, as_network
from tests.payments.cast import authorised, captured, issued
from tests.restricted import restricted

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = (ProgrammingError, IntegrityError, InternalError)


@pytest.fixture
def as_the_app():
    card, presented = issued(10_000)
    captured(presented, 1_000)
    authorised(presented, 500)
    with restricted():
        yield card


def run(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


def refused(statement, *values):
    with pytest.raises(REFUSED) as caught:
        run(statement, *values)
    return caught.value.__cause__


LEDGER = [
    "payments_account", "payments_transferkind", "payments_transfer", "payments_payment", "payments_message",
    "payments_daycut", "payments_closing", "payments_seal",
    "network_balance", "network_card", "network_authorisation", "network_release",
]  # fmt: skip


@pytest.mark.parametrize("role", database_roles.ROLES)
def test_no_role_can_put_the_guards_aside_or_touch_history(as_the_app, role):
    run(f"SET SESSION ROLE {role}")
    for table in LEDGER:
        for deed in (
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TABLE {table}",
            f"TRUNCATE {table}",
            f"DELETE FROM {table}",  # noqa: S608
            f"ALTER TABLE {table} ADD COLUMN mine int",
            f"CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION own_clock()",
        ):
            assert isinstance(refused(deed), psycopg.errors.InsufficientPrivilege), deed
    for table in ("payments_transfer", "payments_account", "payments_closing", "payments_seal", "payments_daycut"):
        [(column,)] = run("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 2", table)
        cause = refused(f"UPDATE {table} SET {column} = {column}")  # noqa: S608
        assert isinstance(cause, psycopg.errors.InsufficientPrivilege), table
    for deed in (
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE payments_transferkind AS SELECT 'load' AS kind",
        "CREATE SCHEMA mine",
        "CREATE OR REPLACE FUNCTION local_day(moment timestamptz) RETURNS date LANGUAGE sql AS 'SELECT NULL::date'",
        "DROP VIEW audit_balance",
        "CREATE OR REPLACE VIEW audit_seal AS SELECT 1::bigint AS cut_id WHERE false",
        "ALTER ROLE okryu_app SUPERUSER",
        "CREATE ROLE mine",
        "COPY payments_seal TO PROGRAM 'true'",
        "SET ROLE postgres" if run("SELECT 1 FROM pg_roles WHERE rolname = 'postgres'") else "SET ROLE pg_monitor",
    ):
        assert isinstance(refused(deed), psycopg.errors.InsufficientPrivilege), deed


def test_the_shop_writes_nothing_of_the_network(as_the_app):
    for table in ("network_balance", "network_card", "network_authorisation", "network_release"):
        [(column,)] = run("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 2", table)
        for deed in (f"INSERT INTO {table} DEFAULT VALUES", f"UPDATE {table} SET {column} = {column}"):  # noqa: S608
            assert isinstance(refused(deed), psycopg.errors.InsufficientPrivilege), deed


def test_the_shop_moves_no_total_and_forges_no_answer(as_the_app):
    for deed in (
        "UPDATE payments_payment SET captured = captured",
        "UPDATE payments_payment SET amount = amount",
        "UPDATE payments_message SET amount = amount",
    ):
        assert isinstance(refused(deed), psycopg.errors.InsufficientPrivilege), deed
    assert "already answered" in str(refused("UPDATE payments_message SET code = '00'"))


@pytest.mark.parametrize(
    ("acting", "kind"), [(None, "load"), (None, "capture"), (as_network, "load"), (as_network, "payout"),
                         (as_bank_desk, "capture"), (as_bank_desk, "receipt")],
)  # fmt: skip
def test_each_writes_its_own_kinds_only(as_the_app, acting, kind):
    accounts = dict(Account.objects.exclude(kind__in=["card", "seller"]).values_list("kind", "pk"))
    seller = Account.objects.filter(kind="seller").values_list("pk", flat=True).first()
    sides = {
        "load": (accounts["float"], as_the_app.account_id),
        "capture": (as_the_app.account_id, accounts["merchant"]),
        "payout": (seller, accounts["bank"]),
        "receipt": (accounts["bank"], accounts["network"]),
    }
    insert = (
        "INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference, at)"
        " VALUES (gen_random_uuid(), %s, %s, %s, 5, gen_random_uuid(), now())"
    )
    with pytest.raises(IntegrityError, match=f"may not write {kind}"):
        if acting is None:
            run(insert, kind, *sides[kind])
        else:
            with acting(), connection.cursor() as cursor:
                cursor.execute(insert, [kind, *sides[kind]])


def test_the_networks_role_ends_with_its_transaction(as_the_app):
    with as_network():
        assert run("SELECT current_user") == [("network_app",)]
    assert run("SELECT current_user") == [("shop_app",)]
    with pytest.raises(ZeroDivisionError), as_bank_desk():
        assert run("SELECT current_user") == [("bank_desk",)]
        raise ZeroDivisionError
    assert run("SELECT current_user") == [("shop_app",)]


def test_a_role_costs_one_statement_and_none_where_there_are_no_roles(settings):
    for in_use in (False, True):
        settings.DATABASE_ROLES = in_use
        with CaptureQueriesContext(connection) as queries, as_network():
            pass
        said = [query["sql"] for query in queries if "ROLE" in query["sql"]]
        assert said == ["SET LOCAL ROLE network_app"] * in_use


def test_the_shop_closes_its_days_and_nobody_else(as_the_app):
    for role in ("network_app", "bank_desk"):
        run(f"SET SESSION ROLE {role}")
        for call in ("close_day(current_date)", "write_closing(1)", "write_seal(1)"):
            assert isinstance(refused(f"CALL {call}"), psycopg.errors.InsufficientPrivilege)


# ---------------------------------------------------------------- the command


def test_repeating_changes_nothing_and_a_strayed_right_is_taken_back():
    call_command("ensure_database_roles", stdout=StringIO())
    again = StringIO()
    call_command("ensure_database_roles", stdout=again)
    assert again.getvalue() == "All rights are as they should be.\n"
    run("GRANT DELETE ON payments_transfer TO shop_app")
    run("GRANT UPDATE (posted) ON network_balance TO PUBLIC")
    run("GRANT EXECUTE ON PROCEDURE close_day(date) TO PUBLIC")
    run("REVOKE INSERT ON orders_order FROM shop_app")
    run("CREATE TABLE payments_new (id int)")
    sql, done = StringIO(), StringIO()
    call_command("ensure_database_roles", "--sql", stdout=sql)
    call_command("ensure_database_roles", stdout=done)
    for statement in (
        'REVOKE DELETE ON "payments_transfer" FROM shop_app',
        'REVOKE UPDATE (posted) ON "network_balance" FROM PUBLIC',
        "REVOKE EXECUTE ON ROUTINE close_day(date) FROM PUBLIC",
        'GRANT INSERT ON "orders_order" TO shop_app',
        'GRANT INSERT, SELECT, UPDATE ON "payments_new" TO shop_app',
    ):
        assert f"{statement};\n" in sql.getvalue()
        assert f"{statement}\n" in done.getvalue()
    assert "5 changes" in done.getvalue()
    run("DROP TABLE payments_new")


def test_every_table_named_in_the_rights_exists():
    tables = set(connection.introspection.table_names())
    assert set(database_roles.RIGHTS) <= tables


# ---------------------------------------------------------------- production


def test_production_is_not_served_by_the_owner(settings, monkeypatch, capsys):
    settings.PRODUCTION = True
    monkeypatch.setattr(checks, "settings_refusals", list)
    monkeypatch.setattr(checks, "database_refusals", list)
    checks.stop_if_unsafe(database=True)  # `prepare` is the owner
    with pytest.raises(SystemExit) as stopped:
        checks.stop_if_unsafe(database=True, serving=True)
    assert stopped.value.code == checks.CANNOT_START
    assert "is a superuser" in capsys.readouterr().err
    with restricted():
        checks.stop_if_unsafe(database=True, serving=True)
    owner = f"okryu_test_owner_{os.getpid()}"  # roles are the whole server's
    run(f"CREATE ROLE {owner}")
    try:
        run(f"ALTER TABLE payments_transfer OWNER TO {owner}")
        run(f"SET SESSION AUTHORIZATION {owner}")
        assert "owns the ledger's tables" in database_roles.refusals()[0]
    finally:
        run("RESET SESSION AUTHORIZATION")
        run("ALTER TABLE payments_transfer OWNER TO CURRENT_USER")
        run(f"DROP OWNED BY {owner}")
        run(f"DROP ROLE {owner}")


def test_the_network_writes_in_its_own_name_only():
    """Each transaction of the network says whose it is: a plain one would be the shop's, and refused in production."""
    folder = Path(acting.__file__).parent
    plain = [file.name for file in folder.glob("*.py") if "atomic(" in file.read_text() and file.name != "acting.py"]
    assert plain == []
