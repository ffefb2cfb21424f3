"""A dump restored elsewhere is the same ledger: every audit empty, every seal equal byte for byte, and it goes on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from okryu import embedded_postgres
from okryu.database_roles import plan
from payments.audit import audit, count
from payments.models import Transfer
from payments.network.desk import pay_shop
from payments.settlement import close_day, settle
from tests import databases
from tests.payments.cast import authorised, captured, issued, next_day, opened
from tests.restricted import restricted

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


def program(name: str) -> str:
    """Ours, or where the embedded server's package is missing the system's, which may be older than the server."""
    try:
        return str(embedded_postgres.Server(databases.ROOT).programs / name)
    except embedded_postgres.Trouble:
        return shutil.which(name) or name


def facts():
    """What must be the same in the copy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cut_id, digest FROM payments_seal ORDER BY cut_id")
        seals = [(cut, bytes(digest)) for cut, digest in cursor.fetchall()]
        cursor.execute("SELECT account_id, cut_id, balance FROM payments_closing ORDER BY 1, 2")
        closings = cursor.fetchall()
        cursor.execute("SELECT account_id, posted, held FROM network_balance ORDER BY 1")
        balances = cursor.fetchall()
        cursor.execute("SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal")
        guards = sorted(cursor.fetchall())
    return seals, closings, balances, guards, count()


def test_a_restored_backup_is_the_same_ledger_and_goes_on(tmp_path):
    with restricted():  # its rights are part of the database
        pass
    _, presented = issued(50_000)
    for amount in (700, 800):
        captured(presented, amount)
        cut = close_day(next_day())
        pay_shop(cut)
        settle(cut)
    authorised(presented, 900)
    opened(400)  # a question without an answer
    before = facts()
    assert len(before[0]) == 2 and len(before[3]) > 40
    dump, name = tmp_path / "okryu.dump", f"{connection.settings_dict['NAME']}_copy"
    run("pg_dump", "-Fc", "-f", dump, "-d", connection.settings_dict["NAME"])
    with databases.connected() as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        run("pg_restore", "--exit-on-error", "-d", name, dump)
        with databases.using(name):
            assert facts() == before
            assert [finding for finding in audit() if finding.rows] == []
            last = Transfer.objects.order_by("-seq").first().seq
            captured(presented, 1_000)
            assert Transfer.objects.order_by("-seq").first().seq > last
            cut = close_day(next_day())
            settle(cut)
            assert [finding for finding in audit() if finding.rows] == []
            table_rights = [statement for statement in plan().statements if " ON " in statement]
            assert [statement for statement in table_rights if "DATABASE" not in statement] == []
            _tampering_shows()
    finally:
        with databases.connected() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _tampering_shows():
    """In the copy a superuser moves one moment, which keeps every sum: the seal alone tells."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE payments_transfer SET at = at + interval '1 second' "
            " WHERE seq = (SELECT min(seq) FROM payments_transfer)"
        )
        cursor.execute("SET session_replication_role = origin")
    assert {finding.view for finding in audit() if finding.rows} == {"audit_seal"}


def run(name: str, *arguments: Path | str) -> None:
    conf = connection.settings_dict
    known = {"PGHOST": conf["HOST"], "PGPORT": conf["PORT"], "PGUSER": conf["USER"], "PGPASSWORD": conf["PASSWORD"]}
    env = {**os.environ, **{key: str(value) for key, value in known.items() if value}}
    subprocess.run([program(name), *map(str, arguments)], check=True, env=env, capture_output=True)
