"""kill -9 under load: eight shoppers' processes, a PostgreSQL of its own with fsync on, and a hand that kills.

    python -m tests.payments.kills --kills 500 --seed 7

Workers buy, sellers pack, couriers deliver, goods come back; each step that was acknowledged is appended to a file and
fsynced. Meanwhile workers, PostgreSQL's processes and its postmaster are killed at random, and it is started again.
At the end the healing runs, the books are audited, and every acknowledged step must be found. Exit status 1 otherwise.
With --forgetful the database commits without waiting for the disk: the control, in which steps must be missed.
Past --deadline it says where it stands, ends everything it started and exits with status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import django
import psutil

from okryu import embedded_postgres
from okryu.embedded_postgres import Server, Trouble

WORKERS = 8
# Whom a kill meets, by weight.
TARGETS = {"worker": 9, "process of PostgreSQL": 5, "immediate stop": 3, "postmaster": 3}


@dataclass
class Run:
    """One run: its server, its workers by process id, and what it has done so far."""

    server: Server
    place: Path
    seed: int
    dice: random.Random
    shoppers: Any = None
    workers: dict[int, int] = field(default_factory=dict)  # process id → number
    generation: int = 0
    killed: Counter[str] = field(default_factory=Counter)


def main() -> int:
    options = _options()
    print(f"seed {options.seed}: {options.kills} kills, {WORKERS} workers", flush=True)
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(options.deadline)
    began = time.monotonic()
    with _own_server() as server:
        run = Run(server, server.clone.parent, options.seed, random.Random(options.seed))
        os.environ["DATABASE_URL"] = embedded_postgres.default_url(server.clone)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.environ.pop("DATABASE_POOL", None)  # workers are forked: none may share another's connections
        os.environ.setdefault("LOG_LEVEL", "CRITICAL")  # a database that is down is no news here
        django.setup()
        run.shoppers = import_module("tests.payments.shoppers")  # these know models: Django is ready only now
        run.shoppers.open_shop(forgetful=options.forgetful)
        try:
            _kill_often(run, options.kills, options.pause)
        finally:
            _end_workers(run)
        _start_again(run)
        verdict = import_module("tests.payments.acknowledged").judged(run.place)
    kinds = ", ".join(f"{count} × {name}" for name, count in sorted(run.killed.items()))
    print(f"{options.kills} kills ({kinds})\n{verdict.summary} · seed {run.seed} · {time.monotonic() - began:.0f} s")
    for wrong in verdict.wrong[:20]:
        print(f"WRONG: {wrong}")
    return 1 if verdict.wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS", "20")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", str(random.randrange(10**6)))))
    parser.add_argument("--forgetful", action="store_true", help="the negative control")
    parser.add_argument("--pause", type=float, default=float(os.environ.get("PAUSE", "3")), help="longest, in seconds")
    parser.add_argument("--deadline", type=int, default=0, help="seconds; 0 for as long as it takes")
    return parser.parse_args()


def _too_long(*_: object) -> NoReturn:
    """Raised in the middle of whatever is waited for, so that nothing is left running."""
    faulthandler.dump_traceback()
    raise SystemExit("not done before the deadline")


@contextlib.contextmanager
def _own_server() -> Iterator[Server]:
    """A cluster in a fresh folder, as nobody when we are root, gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="okryu-kills-", dir="/var/tmp"))
    place.chmod(0o755)
    embedded_postgres.ROOT_BASE = place / "root"
    os.environ.pop("DATABASE_URL", None)
    server = Server(place / "clone")
    try:
        with server.in_use():
            yield server
    finally:
        shutil.rmtree(place)


# ---------------------------------------------------------------- killing


def _kill_often(run: Run, kills: int, longest_pause: float) -> None:
    for number in range(WORKERS + 1):  # the last one heals
        _fork(run, number)
    for done in range(kills):
        until = time.monotonic() + run.dice.uniform(0.3, longest_pause)
        while time.monotonic() < until:
            _fork_the_dead_again(run)
            time.sleep(0.05)
        _kill(run)
        _show(done + 1, kills, run)
    time.sleep(1)


def _kill(run: Run) -> None:
    target = run.dice.choices(list(TARGETS), weights=TARGETS.values())[0]
    run.killed[target] += 1
    _start_again(run)  # who lost the process that recovers gives up altogether
    postmaster = int((run.server.data / "postmaster.pid").read_text().split("\n")[0])
    if target == "worker":
        os.kill(run.dice.choice(sorted(run.workers)), signal.SIGKILL)
        return
    if target == "process of PostgreSQL":
        # A backend, the checkpointer, the writer of the log: PostgreSQL ends all and recovers by itself.
        victims = sorted(child.pid for child in psutil.Process(postmaster).children())
        with contextlib.suppress(ProcessLookupError):
            os.kill(run.dice.choice(victims or [postmaster]), signal.SIGKILL)
        return
    if target == "immediate stop":
        run.server._run(run.server.programs / "pg_ctl", "stop", "-D", run.server.data, "-m", "immediate", "-w")
    else:
        os.kill(postmaster, signal.SIGKILL)
    _start_again(run)


def _start_again(run: Run) -> None:
    """Back up, however long orphaned backends hold on to the memory; a server that lives is left alone."""
    for _ in range(60):
        with contextlib.suppress(Trouble), run.server.in_use():
            return
        time.sleep(0.5)
    raise SystemExit("PostgreSQL did not come back within 30 s")


def _show(done: int, kills: int, run: Run) -> None:
    lines = sum(file.read_bytes().count(b"\n") for file in run.place.glob("acknowledged.*"))
    bar = "#" * (30 * done // kills)
    text = f"[{bar:30}] {done}/{kills} kills, {lines} steps acknowledged"
    if sys.stdout.isatty():
        print(f"\r{text}", end="" if done < kills else "\n", flush=True)
    elif done % max(kills // 10, 1) == 0:
        print(text, flush=True)


# ---------------------------------------------------------------- workers


def _fork(run: Run, number: int) -> None:
    run.shoppers.connections.close_all()
    run.generation += 1
    pid = os.fork()
    if pid:
        run.workers[pid] = number
        return
    work = run.shoppers.heal_for_ever if number == WORKERS else run.shoppers.buy_for_ever
    try:
        work(run.place, generation=run.generation, seed=run.seed)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(3)  # a worker never ends by itself, and does nothing of what its parent does at its end


def _fork_the_dead_again(run: Run) -> None:
    for pid, number in list(run.workers.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del run.workers[pid]
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                raise SystemExit(f"worker {number} ended by itself with {os.waitstatus_to_exitcode(status)}")
            _fork(run, number)


def _end_workers(run: Run) -> None:
    for pid in run.workers:
        os.kill(pid, signal.SIGKILL)
    for pid in run.workers:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
