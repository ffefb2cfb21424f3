"""`make run`: the whole shop in one foreground program.

Starts the embedded PostgreSQL (unless DATABASE_URL is set), prepares the database, starts gunicorn and the job worker
each in a session of its own, and stops everything in order on Ctrl-C or SIGTERM. If one of them dies, all stop.
"""

import contextlib
import ctypes
import errno
import http.client
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import environ
import psutil

from okryu import embedded_postgres, progress

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
GRACEFUL_SECONDS = 4
PATIENCE_SECONDS = 60  # for the first answer
PR_SET_PDEATHSIG = 1

stopping = threading.Event()
hurry = threading.Event()


class Trouble(Exception):
    """One line that says what to do."""


def main() -> int:
    progress.begin()
    os.chdir(ROOT)
    environ.Env.read_env(ROOT / ".env")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    host, port = os.environ.setdefault("HOST", "127.0.0.1"), os.environ.setdefault("PORT", "8000")
    try:
        _check_free(host, port)
        os.environ.setdefault("ALLOWED_HOSTS", ",".join(_own_hosts(host)))
        is_ours = not os.environ.get("DATABASE_URL")
        with embedded_postgres.serving(ROOT):
            if is_ours:
                os.environ.setdefault("DATABASE_APP_URL", embedded_postgres.app_url(ROOT))
            progress.tell("PostgreSQL answers")
            _prepare()
            _serve(host, int(port))
    except (Trouble, embedded_postgres.Trouble) as trouble:
        if stopping.is_set():
            return 0
        print(trouble, file=sys.stderr, flush=True)
        return 2
    print("Okryu has stopped.", flush=True)
    return 0


def _stop(number: int, frame: object) -> None:
    if stopping.is_set():
        hurry.set()  # asked twice
    stopping.set()


# ---------------------------------------------------------------- steps
def _prepare() -> None:
    """Migrations, messages, static files, the demo: `manage.py prepare`, which tells its own progress."""
    no_demo = ["--no-demo"] if os.environ.get("DEMO") in ("0", "no", "off", "false") else []
    with _child([*MANAGE, "prepare", *no_demo], name="preparing", env={}) as child:
        while child.poll() is None and not stopping.wait(0.05):
            pass
        if stopping.is_set():
            raise Trouble("stopped")
        if child.returncode:
            raise Trouble("Okryu could not be prepared: see above.")


def _serve(host: str, port: int) -> None:
    web = [sys.executable, "-m", "gunicorn", "-c", "okryu/gunicorn.conf.py", "--log-level=warning", "okryu.wsgi"]
    work = [*MANAGE, "procrastinate", "worker", "--concurrency=4", f"--shutdown-graceful-timeout={GRACEFUL_SECONDS}"]
    work = ["nice", "-n", "5", *work]  # pages are answered first while new pictures are drawn
    role = _serving_role()
    limits = {"GRACEFUL_SECONDS": str(GRACEFUL_SECONDS)}
    with (
        _child(web, name="gunicorn", env=role | limits) as server,
        _child(work, name="the job worker", env=role) as worker,
    ):
        children = {"The web server (gunicorn)": server, "The job worker": worker}
        _wait_for_answer(host, port, children)
        if not stopping.is_set():
            address = _shown_address(host, port)
            progress.tell(f"Okryu is open: {address}   (Ctrl-C closes it)")
        while not stopping.wait(0.25):
            _check_alive(children)
        for child in children.values():  # together: the exits below then wait for both
            _signal(child, signal.SIGTERM)


def _serving_role() -> dict[str, str]:
    """Web and worker sign in as a role that owns nothing, where one is named; `prepare` has been the owner."""
    url = os.environ.get("DATABASE_APP_URL")
    return {"DATABASE_URL": url, "DATABASE_ROLES": "1"} if url else {}


def _wait_for_answer(host: str, port: int, children: dict[str, subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and not stopping.wait(0.05):
        _check_alive(children)
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection(_reachable(host), port, timeout=5)
            asked.request("GET", "/healthz", headers={"Host": os.environ["ALLOWED_HOSTS"].split(",")[0].lstrip(".")})
            if asked.getresponse().status < 500:
                return
    if not stopping.is_set():
        raise Trouble(f"The shop did not answer within {PATIENCE_SECONDS} s.")


def _check_alive(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise Trouble(f"{name} stopped by itself (status {child.returncode}), so all of Okryu stops.")


# ---------------------------------------------------------------- children
@contextlib.contextmanager
def _child(command: list[str], *, name: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own: the terminal's Ctrl-C, gunicorn's quick stop, never reaches it."""
    child = subprocess.Popen(
        command,
        env={**os.environ, **env},
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  we have no threads
    )
    try:
        yield child
    finally:
        _signal(child, signal.SIGTERM)
        until = time.monotonic() + GRACEFUL_SECONDS + 3
        while child.poll() is None and time.monotonic() < until and not hurry.is_set():
            time.sleep(0.05)
        if child.poll() is None:
            print(f"Ending {name} at once.", file=sys.stderr, flush=True)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _end_with_parent() -> None:
    """Even after kill -9 of this program the kernel tells the child to stop."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if child.poll() is None:
        child.send_signal(number)


# ---------------------------------------------------------------- addresses
def _check_free(host: str, port: str) -> None:
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise Trouble(f"PORT={port} is not a port: give a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise Trouble(f"HOST={host} is not an address of this machine.") from None
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise Trouble(f"Port {port} on {host} {why}. Choose another: make run PORT=8001") from None


def _own_hosts(host: str) -> list[str]:
    """The names and bare addresses this machine answers under: never "*"."""
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        hosts += [f"[{address}]" if ":" in address else address for address in _interface_addresses()]
        hosts.append(socket.gethostname().lower())
    else:
        hosts.append(f"[{host}]" if ":" in host else host)
    return list(dict.fromkeys(hosts))


def _interface_addresses() -> list[str]:
    families = (socket.AF_INET, socket.AF_INET6)
    found = [
        entry.address for entries in psutil.net_if_addrs().values() for entry in entries if entry.family in families
    ]
    return [address for address in found if "%" not in address]  # a link-local address with a zone fits no Host header


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _shown_address(host: str, port: int) -> str:
    hosts = [_reachable(host)]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        mine = [address for address in _interface_addresses() if not ipaddress.ip_address(address).is_loopback]
        hosts += [address for address in mine if host == "::" or ":" not in address]  # 0.0.0.0 hears no IPv6
    return "  ".join(f"http://{f'[{name}]' if ':' in name else name}:{port}/" for name in hosts)


if __name__ == "__main__":
    sys.exit(main())
