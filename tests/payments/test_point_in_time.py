"""A restore to a moment: a base backup and the log kept since give the ledger as it was then, and nothing after it."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from okryu.embedded_postgres import ROLE, Server
from payments.audit import audit
from payments.network.desk import pay_shop
from payments.settlement import close_day, settle_with_file
from tests import databases
from tests.payments.cast import captured, issued, next_day
from tests.payments.test_backup import facts, run

pytestmark = [pytest.mark.long, pytest.mark.ledger]
KEPT_LOG = {"wal_level": "replica", "archive_mode": "on", "max_wal_senders": "4"}


def a_day_of_sales():
    """In a process of its own: a card, a sale, a closed day and its file; then what there is.

    The day is finished too where no other test of this database has left an earlier one waiting.
    """
    captured(issued(10_000)[1], 1_000)
    cut = close_day(next_day())
    pay_shop(cut)
    assert settle_with_file(cut).waits_for in ("", "earlier day")
    what_there_is()


def what_there_is():
    assert [finding for finding in audit() if finding.rows] == []
    print(facts())


def at(server: Server, deed: str) -> str:
    code = f"import django; django.setup(); from tests.payments.test_point_in_time import {deed}; {deed}()"
    env = {
        **os.environ, "DATABASE_URL": f"postgres://{ROLE}@/{server.socket}/okryu", "LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(databases.ROOT),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(server: Server, *statements: str, **values: str) -> str:
    with psycopg.connect(host=str(server.socket), user=ROLE, dbname="okryu", autocommit=True) as one:
        for statement in statements:
            row = one.execute(statement, values or None)
    return str(row.fetchone()[0]) if row.description else ""


@contextmanager
def a_server(folder: Path):
    server = Server(folder)
    try:
        with server.in_use():
            yield server
    finally:
        shutil.rmtree(server.base, ignore_errors=True)
        shutil.rmtree(server.socket, ignore_errors=True)


def keep_the_log(server: Server) -> Path:
    """From now on the server copies each finished file of its log to a folder."""
    archive = server.home / "archive"
    server._run("/bin/mkdir", archive)
    settings = {**KEPT_LOG, "archive_command": f"cp %p {archive}/%f"}
    asked(server, *[f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()])
    server.stop()
    server._start()
    access = server.data / "pg_hba.conf"
    server._write(access, access.read_text() + "local replication all peer map=okryu\n")
    asked(server, "SELECT pg_reload_conf()")
    return archive


def restored(server: Server, backup: Path, archive: Path, *, until: str) -> None:
    """Put the backup in the place of a server's data and have it follow the log to `until`."""
    server.stop()
    shutil.rmtree(server.data)
    shutil.copytree(backup, server.data)
    account = server._account
    for place in (server.data, *server.data.rglob("*")):
        os.chown(place, account.pw_uid, account.pw_gid)
    server.data.chmod(0o700)
    target = {
        "restore_command": f"cp {archive}/%f %p", "recovery_target_lsn": until, "recovery_target_action": "promote",
    }  # fmt: skip
    with open(server.data / "postgresql.auto.conf", "a") as settings:
        settings.writelines(f"{name} = '{value}'\n" for name, value in target.items())
    (server.data / "recovery.signal").touch()
    server._start()
    while asked(server, "SELECT pg_is_in_recovery()") == "True":
        time.sleep(0.1)


def test_a_ledger_is_restored_to_the_moment_before_a_mistake(tmp_path):
    dump, backup = tmp_path / "okryu.dump", tmp_path / "base"
    run("pg_dump", "-Fc", "-f", dump, "-d", connection.settings_dict["NAME"])
    with ExitStack() as stack:
        shop, other = (stack.enter_context(a_server(tmp_path / name)) for name in ("shop", "other"))
        as_shop = ["-h", str(shop.socket), "-U", ROLE]
        subprocess.run([shop.programs / "pg_restore", *as_shop, "-d", "okryu", "--no-owner", dump], check=True)
        archive = keep_the_log(shop)
        at(shop, "a_day_of_sales")
        subprocess.run([shop.programs / "pg_basebackup", *as_shop, "-D", backup, "-c", "fast"], check=True)
        before = at(shop, "a_day_of_sales")
        moment = asked(shop, "SELECT pg_current_wal_lsn()")
        assert at(shop, "a_day_of_sales") != before  # the mistake
        last = asked(shop, "SELECT pg_walfile_name(pg_switch_wal())")
        while asked(shop, "SELECT last_archived_wal >= %(last)s FROM pg_stat_archiver", last=last) != "True":
            time.sleep(0.1)
        restored(other, backup, archive, until=moment)
        assert at(other, "what_there_is") == before, "every seal, closing, balance and guard"
        assert at(other, "a_day_of_sales") != before, "and it goes on"
