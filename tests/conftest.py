"""What every test may ask for.

- `db`, `transactional_db`, `client`, `live_server` of pytest-django work as usual. After a transactional test the
  tables hold again what the migrations left (not: nothing), and ids run on.
- `@pytest.mark.ledger`: the test runs in the ledger's own database, committing for real, and nothing is ever
  restored there: use fresh rows, leave the books true. `@pytest.mark.ledger(last=True)` runs after all others.
  Such a test uses neither `db` nor `live_server`; connections opened by its threads reach the same database.
- `filled`: a database of its own that is filled once, for a fixture of a whole file whose filling is dear.
- `process_env`: the environment for a process of one's own on the test's database.
- `page` (pytest-playwright) with `@pytest.mark.browser`: Debian's Chromium; skipped loudly without it, except in CI.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import TransactionTestCase
from django.utils import translation
from django.utils.translation.reloader import translation_file_changed
from playwright.sync_api import Playwright
from xdist.scheduler import LoadScopeScheduling

from okryu import embedded_postgres
from okryu.messages import compile_all
from tests import databases

# Playwright runs an event loop in the main thread; the tests' own queries beside it are safe.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = [
    "--no-sandbox",  # root has no sandbox; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_BROWSER = "no Chromium here"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # an xdist worker: the controller has compiled and holds the server for all
    if not CHROMIUM and os.environ.get("CI") == "true":
        raise pytest.UsageError("Chromium is missing, and CI skips no browser test.")
    for written in compile_all(databases.ROOT):
        translation_file_changed(sender=None, file_path=written)  # forget what Django's set-up has read already
    _start_database(config)


def _start_database(config: pytest.Config) -> None:
    try:
        holding = ExitStack()
        holding.enter_context(embedded_postgres.serving())
    except embedded_postgres.Trouble as trouble:
        raise pytest.UsageError(str(trouble)) from None
    config.add_cleanup(holding.close)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if not CHROMIUM and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))
    items.sort(key=_order)


def _order(item: pytest.Item) -> int:
    """The longest first, so that no worker waits long for it at the end; the ledger's last test after its others.

    Playwright leaves an event loop running, in which others cannot start theirs: the browser's tests are last.
    """
    long = item.get_closest_marker("long")
    if long and long.kwargs.get("first"):
        return -1
    ledger = item.get_closest_marker("ledger")
    if ledger:
        return 2 if ledger.kwargs.get("last") else 1
    return 3 if item.get_closest_marker("browser") else 0


class LedgerInOneWorker(LoadScopeScheduling):
    """Files with ledger tests go to one worker, in order: one database, one audit of all. Others go anywhere.

    So do the tests of a file that has a fixture for the whole file: one worker makes once what is dear. The long ones
    go file by file, the longest first: each audits what it did, and it may be all a worker does for minutes.
    Those of a file marked `apart` go one by one.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if _long_ones(self.config):
            return nodeid if "mark.apart" in _text(file) else file
        return _shared_in(file) or nodeid


def _long_ones(config: pytest.Config) -> bool:
    return bool(config.option.markexpr.startswith("long"))


def _shared_in(file: str) -> str:
    """What the tests of this file share, so that they go to one worker; empty if nothing."""
    if "mark.ledger" in _text(file):
        return "ledger"
    return file if 'scope="module"' in _text(file) else ""


@lru_cache
def _text(file: str) -> str:
    return (databases.ROOT / file).read_text()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LedgerInOneWorker:
    if _long_ones(config):
        config.option.loadscopereorder = False  # a file of one test may be the longest: our order counts
    return LedgerInOneWorker(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        line = f"!!! {len(skipped)} BROWSER TESTS SKIPPED: {NO_BROWSER}."
        terminalreporter.write_line(f"{line} apt-get install chromium fonts-noto-cjk", red=True, bold=True)


# ---------------------------------------------------------------- databases
@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """In place of pytest-django's: a copy of the migrated template, for this worker alone."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            name = stack.enter_context(databases.copied(_worker()))
            stack.enter_context(databases.using(name))
        yield


@pytest.fixture(scope="session")
def ledger_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The ledger's own database: made once a session and never restored."""
    with django_db_blocker.unblock():
        copy = databases.copied(f"{_worker()}_ledger")
        name = copy.__enter__()
    yield name
    copy.__exit__(None, None, None)


@pytest.fixture(scope="session")
def filled(django_db_setup: None, django_db_blocker: Any) -> Callable[..., AbstractContextManager[str]]:
    """`with filled(fill):` in a fixture of a whole file: its tests find what `fill()` committed, once.

    They run in a database of their own, each in its usual transaction, which takes back only what the test did.
    The fixture holds from the first test that asks for it to the file's last: tests of an empty shop have another
    file. A transactional test would empty that database.
    """

    @contextmanager
    def filled(fill: Callable[[], Any]) -> Iterator[str]:
        with ExitStack() as stack:
            with django_db_blocker.unblock():
                name = stack.enter_context(databases.filled(f"{_worker()}_filled", fill))
            stack.enter_context(databases.using(name))
            yield name

    return filled


@pytest.fixture
def ledger_db(request: pytest.FixtureRequest, ledger_database: str, django_db_blocker: Any) -> Iterator[str]:
    """Run this test in the ledger's own database; yields its name."""
    if {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        raise pytest.UsageError("A ledger test runs in its own database: no db, no live_server there.")
    with django_db_blocker.unblock(), databases.using(ledger_database):
        yield ledger_database


@pytest.fixture
def own_ledger(ledger_db: str) -> Iterator[str]:
    """A fresh ledger for a ledger test that leaves false books, or counts all there is (before `process_env`)."""
    with databases.copied("own") as name, databases.using(name):
        yield name
        connection.close()


@pytest.fixture(autouse=True)
def _in_the_right_database(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("ledger"):
        request.getfixturevalue("ledger_db")


def _restore_in_place_of_flush(self: TransactionTestCase) -> None:
    databases.restore()


TransactionTestCase._fixture_teardown = _restore_in_place_of_flush  # type: ignore[method-assign]


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
def process_env() -> dict[str, str]:
    """The environment of a process that works on this test's database (ask for it after `transactional_db`)."""
    return {
        **os.environ,
        "DATABASE_URL": databases.current_url(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(databases.ROOT),
    }


# ---------------------------------------------------------------- no test sees another
@pytest.fixture(autouse=True)
def _clean_slate() -> Iterator[None]:
    cache.clear()
    translation.deactivate()
    yield
    translation.deactivate()


# ---------------------------------------------------------------- browser
@pytest.fixture(scope="session")
def _no_connection_before_the_browser() -> None:
    """Playwright leaves an event loop running in this thread, and Django keeps other connections beside a loop.

    A process forked later has no loop and would find, and share with its brothers, a connection left from before.
    """
    connections.close_all()


@pytest.fixture(scope="session")
def playwright(_no_connection_before_the_browser: None, playwright: Playwright) -> Playwright:
    return playwright


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A small smartphone, as most shoppers have."""
    return {**browser_context_args, "viewport": {"width": 360, "height": 800}, "locale": "ko-KP"}
