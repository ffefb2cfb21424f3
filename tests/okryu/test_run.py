"""`make run`: opens, closes in order, and says in one line why it cannot."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okryu import run
from tests import databases


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(**environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "okryu.run"],
        cwd=databases.ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(("port", "line"), [("0", "PORT=0 is not a port"), ("8x", "PORT=8x is not a port")])
def test_a_wrong_port_is_told(port: str, line: str) -> None:
    shop = start(PORT=port)
    told = shop.communicate(timeout=30)[0]
    assert shop.returncode == 2
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_a_busy_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shop = start(PORT=str(taken.getsockname()[1]))
        told = shop.communicate(timeout=30)[0]
    assert shop.returncode == 2
    assert "is in use. Choose another: make run PORT=8001" in told
    assert told.count("\n") == 1


def test_phones_on_the_network_get_in_by_the_bare_address_and_nobody_by_a_star(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_interface_addresses", lambda: ["127.0.0.1", "192.168.7.20", "fd00::7"])
    hosts = run._own_hosts("0.0.0.0")
    assert {"localhost", "127.0.0.1", "192.168.7.20", "[fd00::7]"} <= set(hosts)
    assert "*" not in hosts
    assert run._own_hosts("10.1.2.3") == ["localhost", "127.0.0.1", "[::1]", "10.1.2.3"]
    assert run._shown_address("0.0.0.0", 8000) == "http://127.0.0.1:8000/  http://192.168.7.20:8000/"
    assert run._shown_address("::", 8000).endswith("http://[fd00::7]:8000/")


@pytest.fixture
def empty_shop(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    with django_db_blocker.unblock(), databases.copied("run") as name, databases.using(name):
        environment = {"DATABASE_URL": databases.current_url(), "PORT": str(free_port()), "DEMO": "0"}
        environment["DJANGO_SETTINGS_MODULE"] = "okryu.settings"
        yield environment


def wait_until_open(shop: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    for line in shop.stdout:
        lines.append(line)
        if "Okryu is open" in line:
            threading.Thread(target=shop.stdout.read, daemon=True).start()  # keep the pipe empty
            return lines
    raise AssertionError("".join(lines))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def status_of(path: str, port: str) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    asked.request("GET", path)
    return asked.getresponse().status


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_opens_and_closes_in_order(empty_shop: dict[str, str], number: signal.Signals) -> None:
    shop = start(**empty_shop)
    wait_until_open(shop)
    family = children(shop.pid)
    assert len(family) == 2
    assert status_of("/healthz", empty_shop["PORT"]) == 200
    until = time.monotonic() + 20
    while status_of("/readyz", empty_shop["PORT"]) != 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert status_of("/readyz", empty_shop["PORT"]) == 200

    began = time.monotonic()
    shop.send_signal(number)
    assert shop.wait(timeout=20) == 0
    assert time.monotonic() - began < 8
    assert not any(Path(f"/proc/{pid}").exists() for pid in family)


@pytest.mark.long
def test_if_one_dies_all_stop(empty_shop: dict[str, str]) -> None:
    shop = start(**empty_shop)
    wait_until_open(shop)
    web, worker = children(shop.pid)
    os.kill(worker, signal.SIGKILL)
    assert shop.wait(timeout=20) == 2
    assert not Path(f"/proc/{web}").exists()


@pytest.mark.long
def test_killed_with_9_it_leaves_nothing_running(empty_shop: dict[str, str]) -> None:
    shop = start(**empty_shop)
    wait_until_open(shop)
    family = children(shop.pid)
    shop.kill()
    shop.wait()
    until = time.monotonic() + 15
    while time.monotonic() < until and any(_runs(pid) for pid in family):
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in family)


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
