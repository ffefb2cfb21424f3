import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from catalog.models import Seller
from catalog.search import index as search_index
from catalog.search import rebuild as search_rebuild
from okryu import database_roles, messages, progress
from okryu.checks import stop_if_unsafe
from okryu.demo.load import is_unfinished
from orders.roles import ensure_roles

DEMO_LOGINS = """
  Demo logins                        number         password               card (PIN 4831)
  shopper                            191-234-5678   jade-stream-7          94081912345678008, 250,000 won
  shopper, card almost empty         195-876-5432   jade-stream-7          94081958765432004, 60 won
  bureau administrator (/admin/)     191-900-0001   bureau-demo-stream-7
  order desk                         191-900-0002   bureau-demo-stream-7
  courier                            191-900-0003   bureau-demo-stream-7
  seller of 옥류관                   191-900-0004   bureau-demo-stream-7
  finance                            191-900-0005   bureau-demo-stream-7
  bank's card desk                   191-900-0006   bureau-demo-stream-7
"""
DEMO_SHOPPER = "1912345678"


class Command(BaseCommand):
    help = (
        "Bring database, messages and static files to the state of the code; load the demo into an empty shop. "
        "`make run` and a deployment run it before each start; a second run does nothing."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave an empty shop empty")

    def handle(self, *args: Any, no_demo: bool, **options: Any) -> None:
        stop_if_unsafe(database=True)
        collecting = _start_collecting()  # beside the migrations: it needs no database
        if pending := _pending_migrations():
            call_command("migrate", interactive=False, verbosity=0)
            progress.tell(f"Database brought up to date ({pending} migrations)")
            ensure_roles()
        if settings.DATABASE_APP_URL and (missing := database_roles.plan()).statements:
            database_roles.carry_out(missing)
            progress.tell(f"Database rights brought up to date ({len(missing.statements)} changes)")
        if compiled := messages.compile_all(Path(settings.BASE_DIR)):
            progress.tell(f"Messages compiled ({len(compiled)})")
        if collecting and collecting.wait() == 0:
            _static_stamp().write_text(_static_state())
            progress.tell("Static files hashed and compressed")
        elif collecting:
            sys.exit("Static files could not be collected: see above.")
        if not no_demo and not settings.PRODUCTION and (not Seller.objects.exists() or is_unfinished()):
            progress.tell("Loading the demo shop …")
            call_command("load_demo")
            progress.tell("Demo shop loaded")
        if search_index.outdated(1):
            progress.tell(f"Search index brought up to date ({search_rebuild.rebuild():,} products)")
        if _has_demo():
            self.stdout.write(DEMO_LOGINS)


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _has_demo() -> bool:
    from django.contrib.auth import get_user_model  # noqa: PLC0415

    return not settings.PRODUCTION and get_user_model()._default_manager.filter(phone=DEMO_SHOPPER).exists()


# ---------------------------------------------------------------- static files
def _start_collecting() -> "subprocess.Popen[bytes] | None":
    stamp = _static_stamp()
    if stamp.exists() and stamp.read_text() == _static_state():
        return None
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity=0"]
    return subprocess.Popen(command, cwd=settings.BASE_DIR)


def _static_stamp() -> Path:
    Path(settings.STATIC_ROOT).parent.mkdir(parents=True, exist_ok=True)
    return Path(settings.STATIC_ROOT).parent / "static.stamp"


def _static_state() -> str:
    """A hash of all that decides what collectstatic writes: our files, the packages', the way they are joined."""
    base = Path(settings.BASE_DIR)
    ours = sorted(path for path in (base / "static").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in [*ours, base / "okryu/staticfiles.py", base / "okryu/settings.py", base / "constraints.txt"]:
        found = path.stat()
        digest.update(f"{path.relative_to(base)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
