"""A PostgreSQL cluster of the benchmark's own: durable as in production, in a scratch folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from okryu.embedded_postgres import ROLE, Server

# What makes an acknowledged commit survive a power cut: a figure without these is not worth printing.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
COPY_TRIES = 12


@dataclass(frozen=True)
class Cluster:
    server: Server

    def url(self, database: str) -> str:
        return f"postgres://{ROLE}@/{self.server.socket}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.server.socket), user=ROLE, dbname=database, autocommit=True)

    def copy(self, *, template: str, name: str) -> None:
        """A new database like `template`. An autovacuum just at work there may take its time to leave a slow disk."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        for tries_left in range(COPY_TRIES - 1, -1, -1):
            with self.connect() as server:
                try:
                    server.execute(statement)
                    return
                except psycopg.errors.ObjectInUse:  # after five seconds of waiting
                    if not tries_left:
                        raise

    def drop(self, name: str) -> None:
        with self.connect() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def settings(self) -> dict[str, str]:
        with self.connect() as server:
            shown = {}
            for name in (*DURABLE, "server_version"):
                row = server.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
                shown[name] = str(row[0]) if row else ""
        return shown

    def pgbench(
        self,
        *,
        database: str,
        script: Path,
        clients: int,
        variables: dict[str, int],
        seconds: float = 0,
        each: int = 0,
    ) -> tuple[float, int]:
        """Whole scripts per second and how many failed: `pgbench -n -M prepared -f script`.

        For `seconds`, or until every client has run it `each` times.
        """
        length = ("-t", str(each)) if each else ("-T", str(max(1, round(seconds))))
        defined = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        command = [
            *(str(self.server.programs / "pgbench"), "-n", "-M", "prepared", "-f", str(script), *defined),
            *(*length, "-c", str(clients), "-j", "2"),
            *("-h", str(self.server.socket), "-U", ROLE, database),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        failed = re.search(r"^number of failed transactions: (\d+)", done.stdout, re.MULTILINE)
        if done.returncode or not rate:
            raise RuntimeError(f"pgbench: {done.stderr.strip() or done.stdout.strip()}")
        return float(rate[1]), int(failed[1]) if failed else 0

    def complaints(self) -> dict[str, int]:
        """Deadlocks and serialisation failures the server counted, CHECK violations it logged, since its start."""
        with self.connect() as server:
            row = server.execute("SELECT sum(deadlocks)::int FROM pg_stat_database").fetchone()
        log = self.server.log.read_text(errors="replace")
        return {
            "deadlocks": max(int(row[0]) if row else 0, log.count("deadlock detected")),
            "serialisation failures": log.count("could not serialize access"),
            "CHECK violations": log.count("violates check constraint"),
        }


@contextlib.contextmanager
def scratch_cluster() -> Iterator[Cluster]:
    """A fresh cluster with the embedded server's own configuration; its folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="okryu-bench-"))
    server = Server(folder)
    try:
        with server.in_use():
            os.environ["PATH"] = f"{server.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            yield Cluster(server)
    finally:
        shutil.rmtree(server.base, ignore_errors=True)
        shutil.rmtree(server.socket, ignore_errors=True)  # outside of the base where that path is too long
        shutil.rmtree(folder, ignore_errors=True)
