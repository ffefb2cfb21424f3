"""Test databases: one migrated template per state of the schema, a copy of it for each run and worker.

The template's name carries a hash of everything that makes the schema, so a stale one is never used; a session
lock in the server makes two runs that start together build it once. Copies have unique names and are dropped
after the run, so any number of runs share one server.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from okryu import database_roles

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "catalog", "orders", "payments", "okryu")
SCHEMA_SOURCES = ("**/migrations/*.py", "**/models.py", "**/models/*.py", "**/translation.py", "**/apps.py", "**/*.sql")
LEFTOVER = re.compile(r"^test_.+_([0-9a-f]{8})_\d+_\w+$")
DAY_SECONDS = 24 * 3600

# After a transactional test every table holds again exactly what the migrations left in it. Django's own flush
# would be refused by the ledger's guards and would empty the tables that migrations fill.
RESTORE = """
CREATE SCHEMA seed;
CREATE FUNCTION seed.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text; columns text; filled bool;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no trigger, no foreign key, in this transaction
    SET LOCAL statement_timeout = 0;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM public.%I', name); END IF;
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
         WHERE attrelid = to_regclass('seed.' || quote_ident(name)) AND attnum > 0 AND NOT attisdropped;
        IF columns IS NOT NULL THEN
            EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM seed.%1$I',
                           name, columns);
        END IF;
    END LOOP;
END $$;
DO $$
DECLARE name text; columns text; filled bool;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        CONTINUE WHEN NOT filled;
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
         WHERE attrelid = to_regclass('public.' || quote_ident(name)) AND attnum > 0 AND NOT attisdropped
           AND attgenerated = '';
        EXECUTE format('CREATE TABLE seed.%1$I AS SELECT %2$s FROM public.%1$I', name, columns);
    END LOOP;
END $$;
"""


@contextlib.contextmanager
def copied(worker: str, *, of: str = "") -> Iterator[str]:
    """A fresh migrated database of one's own, or a copy of the database `of` that nobody is connected to.

    Yields its name and drops it at the end.
    """
    template = of or ensure_template()
    base = str(connection.settings_dict["NAME"]).removeprefix("test_").split("_")[0][:24]
    name = f"test_{base}_{int(time.time()):08x}_{os.getpid()}_{worker}"
    with connected() as server:
        # Copied through the log: no checkpoint is forced on a server that other runs use.
        _run(server, "CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG", name, template)
        # No commit waits for the disk here. What must outlive PostgreSQL's own death is tested on servers of their own.
        _run(server, "ALTER DATABASE {} SET synchronous_commit = off", name)
    try:
        yield name
    finally:
        with connected() as server:
            _run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@contextlib.contextmanager
def filled(worker: str, fill: Callable[[], Any]) -> Iterator[str]:
    """A fresh database in which `fill` has run and committed; nobody is connected to it yet."""
    with copied(worker) as name:
        with using(name):
            fill()
        yield name


@contextlib.contextmanager
def using(name: str) -> Iterator[None]:
    """Point Django at the database `name`: this thread and every thread that connects after."""
    settings = connections.settings["default"]
    before = settings["NAME"]
    connection.close()
    settings["NAME"] = connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        settings["NAME"] = connection.settings_dict["NAME"] = before


def restore() -> None:
    """Bring every table of the current database back to what the migrations left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed.restore()")


def current_url() -> str:
    """The current database as a DATABASE_URL for a process of its own."""
    conf = connection.settings_dict
    user = quote(conf["USER"] or "", safe="") + (f":{quote(conf['PASSWORD'], safe='')}" if conf["PASSWORD"] else "")
    host = conf["HOST"] or ""
    if host.startswith("/"):
        return f"postgres://{user}@/{host}/{conf['NAME']}"
    port = f":{conf['PORT']}" if conf["PORT"] else ""
    return f"postgres://{user}@{host}{port}/{conf['NAME']}"


def ensure_template() -> str:
    """The migrated template for today's schema, made if it is not there; returns its name."""
    name = f"tpl_{_schema_hash()}"
    with connected() as server:
        superuser = server.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if not superuser or not superuser[0]:
            pytest.exit("The tests need a PostgreSQL superuser in DATABASE_URL, or no DATABASE_URL at all.", 2)
        server.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])  # freed when `server` closes
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            _drop_old(server)
            _build_template(server, name)
        _ensure_roles(server)
        _run(server, "COMMENT ON DATABASE {} IS " + f"'{int(time.time())}'", name)
    return name


def _ensure_roles(server: psycopg.Connection[Any]) -> None:
    """The server's roles, once for all its databases: two tests that make them at once would be in each other's way."""
    for role in (*database_roles.ROLES, database_roles.LOGIN):
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            _run(
                server,
                "CREATE ROLE {} " + ("LOGIN" if role == database_roles.LOGIN else "NOLOGIN") + " NOINHERIT",
                role,
            )
    for role in database_roles.ROLES:
        _run(server, "GRANT {} TO {}", role, database_roles.LOGIN)


def _build_template(server: psycopg.Connection[Any], name: str) -> None:
    unfinished = f"new_{name}_{os.getpid()}"
    _run(server, "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", unfinished)
    try:
        with using(unfinished):
            call_command("migrate", interactive=False, verbosity=0)
            with connection.cursor() as cursor:
                cursor.execute(RESTORE)
        _run(server, "ALTER DATABASE {} ALLOW_CONNECTIONS false", unfinished)
        _run(server, "ALTER DATABASE {} RENAME TO {}", unfinished, name)
    except BaseException:
        _run(server, "DROP DATABASE {} WITH (FORCE)", unfinished)
        raise


def _schema_hash() -> str:
    digest = hashlib.sha256()
    files = {file for app in APPS for pattern in SCHEMA_SOURCES for file in (ROOT / app).glob(pattern)}
    files |= {ROOT / "okryu/settings.py", ROOT / "constraints.txt", Path(__file__)}
    for file in sorted(files):
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _drop_old(server: psycopg.Connection[Any]) -> None:
    """Templates unused for a week, half-built ones, and copies a killed run left behind half a day ago."""
    now = time.time()
    rows = server.execute(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database d WHERE NOT EXISTS"
        " (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)"
    ).fetchall()
    for name, comment in rows:
        copy = LEFTOVER.match(name)
        if (copy and now - int(copy[1], 16) > DAY_SECONDS / 2) or (
            name.startswith("tpl_") and comment and now - int(comment) > 7 * DAY_SECONDS
        ):
            with contextlib.suppress(psycopg.Error):
                _run(server, "DROP DATABASE IF EXISTS {}", name)


def connected() -> psycopg.Connection[Any]:
    """A connection to the server's own database, outside Django."""
    conf = connection.settings_dict
    known = {"host": conf["HOST"], "port": conf["PORT"], "user": conf["USER"], "password": conf["PASSWORD"]}
    return psycopg.connect(dbname="postgres", autocommit=True, **{key: value for key, value in known.items() if value})


def _run(server: psycopg.Connection[Any], statement: str, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
