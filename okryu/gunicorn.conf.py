"""gunicorn for Okryu: `gunicorn -c okryu/gunicorn.conf.py okryu.wsgi`. `make run` starts it for you.

Two processes of eight threads on two cores; put nginx in front where strangers can reach it, for it holds slow
connections that would occupy a thread here.
"""

import gc
import os
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

HOST = os.environ.get("HOST", "127.0.0.1")
os.environ.setdefault("DATABASE_POOL", "8")  # connections a process keeps; read by okryu/settings.py

bind = f"{f'[{HOST}]' if ':' in HOST else HOST}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 30
graceful_timeout = int(os.environ.get("GRACEFUL_SECONDS", "30"))
keepalive = 5
max_requests = 5000  # a process is renewed before a slow leak could matter
max_requests_jitter = 500
limit_request_line = 4094
limit_request_fields = 60
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  heartbeats never wait for a disk
control_socket_disable = True  # two shops of one account would share the socket
# Nobody is believed about the client's address or scheme unless the proxy is said to be there.
_proxied = os.environ.get("BEHIND_PROXY", "").lower() in ("1", "true", "yes", "on")
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1") if _proxied else ""

accesslog = "-"
# No query (people type card numbers into search boxes), no referrer; card number and PIN travel in bodies only.
access_log_format = "%(t)s %(h)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


class OneLineLogger(Logger):
    """A request is one line, whatever characters its path holds."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> Any:
        atoms = super().atoms(resp, req, environ, request_time)
        path = environ.get("RAW_URI", "-").split("?", 1)[0]
        atoms["U"] = path.encode("ascii", "backslashreplace").decode() if path.isprintable() else ascii(path)
        return atoms


logger_class = OneLineLogger


def on_starting(server: Any) -> None:
    """Refuse unsafe settings once, in one line, before any process serves.

    A child looks: no connection and no thread of Django's may be there when the workers are forked.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")
    if (child := os.fork()) == 0:
        status = 1
        try:
            from okryu.checks import stop_if_unsafe  # noqa: PLC0415

            os.environ["DATABASE_POOL"] = "0"
            stop_if_unsafe(database=True, serving=True)
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        os._exit(os.waitstatus_to_exitcode(status))


def post_worker_init(worker: Any) -> None:
    """What is loaded by now stays for good: looking for garbage among it held a page up for a tenth of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


def worker_exit(server: Any, worker: Any) -> None:
    """Give the pool's connections back in order."""
    from django.db import connections  # noqa: PLC0415

    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
