"""A shop that is not fit to serve does not start: one line, status 2, no traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests import databases

PRODUCTION = {
    "PRODUCTION": "1",
    "SECRET_KEY": "a-secret-of-this-test-that-is-long-enough-for-the-deployment-check",
    "CARD_NUMBER_KEY": "number-key-of-this-test",
    "CARD_PIN_KEY": "pin-key-of-this-test",
    "ALLOWED_HOSTS": "shop.example,10.0.0.7",
}
GUNICORN = ["-m", "gunicorn", "-c", "okryu/gunicorn.conf.py", "--bind=127.0.0.1:0", "okryu.wsgi"]
CHECK = ["manage.py", "check"]


def started(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=databases.ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": os.environ["DATABASE_URL"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set: production does not start without it."),
        ({"CARD_PIN_KEY": ""}, "CARD_PIN_KEY is not set: production does not start without it."),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty: name the hosts and addresses the shop answers under."),
        ({"ALLOWED_HOSTS": "*"}, 'ALLOWED_HOSTS holds "*": name the hosts and addresses the shop answers under.'),
        ({"DEBUG": "1"}, "DEBUG is on in production: unset DEBUG."),
        (
            {"PRODUCTION": "", "DEBUG": "1", "ALLOWED_HOSTS": "localhost,10.0.0.7"},
            "DEBUG is on for hosts that others can reach (10.0.0.7): unset DEBUG or ALLOWED_HOSTS.",
        ),
        ({"DATABASE_POOL": "some"}, "a setting in the environment cannot be read: invalid literal"),
    ],
)
def test_unsafe_settings_stop_every_command(change: dict[str, str], line: str) -> None:
    done = started(CHECK, **{**PRODUCTION, **change})
    assert done.returncode == 2
    assert done.stderr.startswith(f"Okryu does not start: {line}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_unsafe_settings_stop_the_web_server() -> None:
    done = started(GUNICORN, **{**PRODUCTION, "SECRET_KEY": ""})
    assert done.returncode == 2
    assert "Okryu does not start: SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_servers_are_stopped_too() -> None:
    done = started(["-c", "import okryu.wsgi"], **{**PRODUCTION, "ALLOWED_HOSTS": "*"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_database_that_does_not_answer_stops_the_web_server() -> None:
    done = started(GUNICORN, **{**PRODUCTION, "DATABASE_URL": "postgres://okryu@//nowhere/okryu"})
    assert done.returncode == 2
    assert "Okryu does not start: the database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_says_in_one_line_that_the_database_does_not_answer() -> None:
    done = started(["manage.py", "migrate"], DATABASE_URL="postgres://okryu@//nowhere/okryu")
    assert done.returncode == 2
    assert done.stderr.startswith("The database does not answer: ")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def careless_database(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """A database whose commits do not wait for the disk."""
    with django_db_blocker.unblock(), databases.copied("careless") as name, databases.using(name):
        with databases.connected() as server:
            server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        yield databases.current_url()


def test_a_database_that_could_lose_orders_stops_production(careless_database: str) -> None:
    done = started(GUNICORN, **{**PRODUCTION, "DATABASE_URL": careless_database})
    assert done.returncode == 2
    assert "synchronous_commit is off in PostgreSQL, a power cut could lose paid orders" in done.stderr


def test_outside_production_it_is_a_warning(careless_database: str) -> None:
    done = started([*CHECK, "--database=default"], DATABASE_URL=careless_database)
    assert done.returncode == 0
    assert "okryu.W002" in done.stderr


def test_production_settings_pass_the_deployment_check() -> None:
    done = started([*CHECK, "--deploy", "--fail-level=WARNING", "--database=default"], **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_commands_may_take_long_and_pages_may_not() -> None:
    show = (
        "from django.db import connection; cursor = connection.cursor();"
        "cursor.execute('SHOW statement_timeout'); print(cursor.fetchone()[0])"
    )
    assert started(["manage.py", "shell", "--verbosity=0", "-c", show]).stdout.strip() == "0"
    page = started(["-c", f"import okryu.wsgi; {show}"])
    assert page.stdout.strip() == "5s", page.stderr
