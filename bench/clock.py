"""What a call takes: on the wall, and of the processors, this process's and its PostgreSQL backend's.

Where other programs run, the wall tells their story too; processor time is the call's own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """Milliseconds. `postgres` is None where the system does not tell of other processes."""

    wall: float
    python: float
    postgres: float | None

    @property
    def processor(self) -> float:
        return self.python + (self.postgres or 0)


class Clock:
    """Times calls over Django's one connection, which has to stay open."""

    def __init__(self) -> None:
        from django.db import connection  # noqa: PLC0415  # needs Django set up first

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone() or (0,)
        self._file = Path(f"/proc/{pid}/schedstat")
        self.begin()

    def begin(self) -> None:
        self._backend = self._of_backend()
        self._process = time.process_time()
        self._wall = time.perf_counter()

    def end(self) -> Spent:
        wall, process, backend = time.perf_counter(), time.process_time(), self._of_backend()
        postgres = (backend - self._backend) * 1000 if backend is not None and self._backend is not None else None
        return Spent((wall - self._wall) * 1000, (process - self._process) * 1000, postgres)

    def _of_backend(self) -> float | None:
        """Seconds the backend has run, or None."""
        try:
            return int(self._file.read_text().split()[0]) / 1e9
        except (OSError, ValueError, IndexError):
            return None


def percentile(values: list[float], per_cent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)] if ordered else 0.0


def summary(spent: list[Spent]) -> dict[str, float]:
    """The figures the benchmarks hand on, in milliseconds rounded to hundredths."""
    kinds = {
        "wall": [one.wall for one in spent],
        "cpu": [one.processor for one in spent],
        "python": [one.python for one in spent],
        "postgres": [one.postgres or 0.0 for one in spent],
    }
    return {
        f"{kind}_p{per_cent}": round(percentile(values, per_cent), 2)
        for kind, values in kinds.items()
        for per_cent in (50, 95)
    }
