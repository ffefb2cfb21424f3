"""The figures in a file of the repository: between two marks, so that what people wrote around them stays."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

from bench.figures import Figure, markdown

BEGIN, END = "<!-- figures: make bench-payments -->", "<!-- end of figures -->"


def write(file: Path, figures: list[Figure], *, where: str, size: str) -> None:
    """Replace what stands between the marks; without marks, at the end."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    block = f"{BEGIN}\n{date.today():%Y-%m-%d}, commit {commit}, {size} size, {where}.\n\n{markdown(figures)}{END}"
    text = file.read_text() if file.exists() else ""
    if BEGIN in text and END in text:
        before, _, rest = text.partition(BEGIN)
        file.write_text(before + block + rest.partition(END)[2])
    else:
        file.write_text(f"{text.rstrip()}\n\n{block}\n".lstrip())
