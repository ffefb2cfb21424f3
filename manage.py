#!/usr/bin/env python
"""Django's command line for Okryu: `python manage.py help` lists every command.

Without DATABASE_URL the embedded PostgreSQL is up while a command runs.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

# Commands that touch no database. The others get the embedded server.
WITHOUT_DATABASE = {"help", "version", "check", "compile_messages", "collectstatic", "makemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")
    # A page gives a statement 5 s; a migration, an import or a nightly job may need more.
    os.environ.setdefault("STATEMENT_TIMEOUT_SECONDS", "0")
    from django.core.management import execute_from_command_line

    from okryu.checks import stop_if_unsafe

    is_worker = sys.argv[1:3] == ["procrastinate", "worker"]
    stop_if_unsafe(database=is_worker, serving=is_worker)
    with _database(sys.argv[1:]), _unreachable_told():
        execute_from_command_line(sys.argv)


@contextlib.contextmanager
def _database(arguments: list[str]) -> Iterator[None]:
    named = any(argument.startswith("--database") for argument in arguments)
    if not arguments or arguments[0].startswith("-") or (arguments[0] in WITHOUT_DATABASE and not named):
        yield
        return
    from okryu import embedded_postgres

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwind: the server may have to be stopped
    try:
        with embedded_postgres.serving():
            yield
    except embedded_postgres.Trouble as trouble:
        sys.exit(f"{trouble}")


@contextlib.contextmanager
def _unreachable_told() -> Iterator[None]:
    """A database that cannot be reached is one line; what it answers keeps its traceback."""
    from django.db import OperationalError

    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") is not None:
            raise
        print(f"The database does not answer: {str(error).splitlines()[0]}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
