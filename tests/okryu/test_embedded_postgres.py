"""The embedded PostgreSQL: starts, is shared, stops, comes back after every kind of death."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from okryu import embedded_postgres
from okryu.embedded_postgres import Server, Trouble
from tests.databases import ROOT

DEBIANS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of a clone of its own, in a place that the server's account can reach, removed afterwards."""
    place = Path(tempfile.mkdtemp(prefix="okryu-", dir="/var/tmp"))
    place.chmod(0o755)
    monkeypatch.setattr(embedded_postgres, "ROOT_BASE", place / "root")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    server = Server(place / "clone")
    yield server
    if server.data.exists():
        server.stop()
    shutil.rmtree(place)


def asked(server: Server, question: str = "SELECT current_user") -> str:
    url = embedded_postgres.default_url(server.clone)
    with psycopg.connect(url.replace(f"@/{server.socket}", "@") + f"?host={server.socket}") as connection:
        return str(connection.execute(question).fetchone()[0])


def postmaster(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split("\n")[0])


def test_it_starts_safely_and_stops_with_its_last_user(server: Server) -> None:
    with server.in_use():
        assert asked(server) == "okryu"
        assert asked(server, "SHOW listen_addresses") == ""
        assert asked(server, "SHOW fsync") == "on"
        assert asked(server, "SHOW data_checksums") == "on"
        assert asked(server, "SELECT datcollate FROM pg_database WHERE datname = 'okryu'") == "C.UTF-8"
        assert server.socket.stat().st_mode & 0o777 == 0o700
        with server.in_use():
            pass
        assert server.answers()  # one user left, one is still there
    assert not server.answers()


def test_nothing_of_it_is_touched_when_the_environment_names_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@elsewhere/shop")
    with embedded_postgres.serving(Path("/nowhere/at/all")):
        assert os.environ["DATABASE_URL"] == "postgres://somebody@elsewhere/shop"
    done = subprocess.run(
        [sys.executable, "-c", "import okryu.settings, sys; print([m for m in sys.modules if 'embedded' in m])"],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_deep_clone_gets_a_short_socket_folder() -> None:
    deep = Server(Path("/home") / ("folder-with-a-long-name/" * 6) / "okryu")
    assert len(os.fsencode(deep.socket)) <= embedded_postgres.LONGEST_SOCKET_FOLDER


def test_somebody_elses_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "theirs")
    with pytest.raises(Trouble, match="is not a folder of the account"):
        embedded_postgres._make_private(tmp_path / "socket", os.geteuid(), os.getegid())


def test_a_wrong_pg_bin_is_told_in_one_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", "/usr/share")
    with pytest.raises(Trouble, match="PG_BIN=/usr/share has no PostgreSQL"), server.in_use():
        pass


@pytest.mark.long
@pytest.mark.skipif(not DEBIANS, reason="no server of Debian's packages here")
def test_a_postgresql_of_the_system_serves_as_well(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(DEBIANS[-1].parent))
    with server.in_use():
        version = (server.data / "PG_VERSION").read_text().strip()
        assert asked(server, "SHOW server_version").startswith(version)
        assert asked(server, "SHOW data_checksums") == "on"


@pytest.mark.long
def test_it_comes_back_after_kill_9(server: Server) -> None:
    with server.in_use():
        asked(server, "SELECT pg_current_wal_lsn()")
        os.kill(postmaster(server), signal.SIGKILL)
        time.sleep(0.2)
        with server.in_use():
            assert asked(server) == "okryu"


@pytest.mark.long
@pytest.mark.parametrize("pid", [1, os.getpid()], ids=["of the system", "of this test"])
def test_a_reused_pid_in_its_lock_files_does_not_stop_it(server: Server, pid: int) -> None:
    with server.in_use():
        old = (server.data / "postmaster.pid").read_text().split("\n")
        lock = (server.socket / ".s.PGSQL.5432.lock").read_text().split("\n")
    for file, lines in ((server.data / "postmaster.pid", old), (server.socket / ".s.PGSQL.5432.lock", lock)):
        server._write(file, "\n".join([str(pid), *lines[1:]]))
    with server.in_use():
        assert asked(server) == "okryu"


@pytest.mark.long
def test_a_broken_first_start_leaves_nothing_half_made(server: Server) -> None:
    server._make_base()
    server._make_folders()
    server._run("/bin/mkdir", server.home / "new")
    server._write(server.home / "new" / "PG_VERSION", "half")
    with server.in_use():
        assert asked(server) == "okryu"


@pytest.mark.long
def test_five_starters_at_once_share_one_server(server: Server) -> None:
    program = (
        "import sys, pathlib, time; from okryu import embedded_postgres as e;"
        "e.ROOT_BASE = pathlib.Path(sys.argv[1]); s = e.Server(pathlib.Path(sys.argv[2]))\n"
        "with s.in_use(): assert s.answers(); print((s.data / 'postmaster.pid').read_text().split()[0]); time.sleep(1)"
    )
    command = [sys.executable, "-c", program, str(embedded_postgres.ROOT_BASE), str(server.clone)]
    starters = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    pids = [starter.communicate(timeout=60)[0].strip() for starter in starters]
    assert len(set(pids)) == 1
    assert all(starter.returncode == 0 for starter in starters)
    assert not server.answers()


@pytest.mark.long
def test_a_starter_killed_with_9_leaves_it_to_the_next(server: Server) -> None:
    program = (
        "import sys, os, pathlib; from okryu import embedded_postgres as e;"
        "e.ROOT_BASE = pathlib.Path(sys.argv[1]); s = e.Server(pathlib.Path(sys.argv[2]))\n"
        "with s.in_use(): os.kill(os.getpid(), 9)"
    )
    place = [str(embedded_postgres.ROOT_BASE), str(server.clone)]
    subprocess.run([sys.executable, "-c", program, *place], cwd=ROOT, check=False)
    assert server.answers()
    running = postmaster(server)
    with server.in_use():
        assert postmaster(server) == running
    assert not server.answers()
