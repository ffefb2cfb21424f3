#!/usr/bin/env python
"""Django's command line for Okryu: `python manage.py help` lists every command.

Without DATABASE_URL the embedded PostgreSQL is up while a command runs.
"""

import contextlib
import os
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

    stop_if_unsafe()
    with _database(sys.argv[1:2]):
        execute_from_command_line(sys.argv)


@contextlib.contextmanager
def _database(command: list[str]) -> Iterator[None]:
    if not command or command[0].startswith("-") or command[0] in WITHOUT_DATABASE:
        yield
        return
    from okryu import embedded_postgres

    try:
        with embedded_postgres.serving():
            yield
    except embedded_postgres.Trouble as trouble:
        sys.exit(f"{trouble}")


if __name__ == "__main__":
    main()
