"""One line that says how far a long run is; a plain line a step where nobody watches."""

from __future__ import annotations

import sys
import time


class Progress:
    def __init__(self, steps: int) -> None:
        self._steps, self._done, self._began = steps, 0, time.monotonic()
        self._watched = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Say what begins now."""
        gone = time.monotonic() - self._began
        filled = round(30 * self._done / self._steps)
        bar = "█" * filled + "·" * (30 - filled)
        line = f"{bar} {self._done}/{self._steps} {gone:4.0f} s  {text}"
        self._done = min(self._done + 1, self._steps)
        sys.stderr.write(f"\r\033[K{line}" if self._watched else line + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        self.step("done")
        if self._watched:
            sys.stderr.write("\n")
