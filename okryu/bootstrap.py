"""Make the virtual environment fit the project, then become the command: the first step of every `make`.

    python3 -m okryu.bootstrap [--dev] [--browser] -- COMMAND …

Runs on a bare Python 3.11 with nothing installed. What is installed is remembered by a hash of the pins, so a second
run takes no time. `--dev` adds the tools of tests and lint, `--browser` Debian's Chromium (by apt-get, as root only).
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from okryu import progress

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
PIP_WITH_PYTHON_OPTION = (22, 3)


class Trouble(Exception):
    """One line that says what to do."""


def main(arguments: list[str]) -> int:
    progress.begin()
    options, command = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise Trouble("Okryu needs Python 3.11 or newer: make PYTHON=python3.11 …")
        with _alone():
            install(dev="--dev" in options)
        if "--browser" in options:
            find_browser()
    except PermissionError as error:
        return _stop(f"{error.filename} belongs to another account: remove it, or run as that account.")
    except Trouble as trouble:
        return _stop(str(trouble))
    return _become(command)


def install(*, dev: bool) -> None:
    """Bring `.venv` to the pinned packages, unless it holds them already."""
    wanted = _wanted(dev=dev)
    stamp, full_stamp = VENV / "okryu-run.stamp", VENV / "okryu-dev.stamp"
    stamps = (full_stamp,) if dev else (stamp, full_stamp)  # the developer's set holds the other
    if _python_works() and any(_read(file) == _hash(dev=file == full_stamp) for file in stamps):
        return
    if not _python_works():
        _make_venv()
    progress.tell(f"Installing {len(wanted)} packages and what they need into .venv …")
    # Python compiles later what it imports; nobody needs the rest compiled.
    _pip("install", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), *wanted)
    (full_stamp if dev else stamp).write_text(_hash(dev=dev))
    progress.tell("Python packages installed")


def find_browser() -> None:
    """Chromium and a Korean font for the browser tests; without them those tests say that they are skipped."""
    missing = [] if shutil.which("chromium") or os.environ.get("CHROMIUM") else ["chromium"]
    fonts = (
        subprocess.run(["fc-list", ":lang=ko"], capture_output=True, check=False) if shutil.which("fc-list") else None
    )
    if fonts is None or not fonts.stdout:
        missing += ["fontconfig", "fonts-noto-cjk"]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        progress.tell(f"Installing {' and '.join(missing)} by apt-get …")
        with contextlib.suppress(Trouble):
            _apt_install(*missing)


def _wanted(*, dev: bool) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(project["optional-dependencies"]["dev"] if dev else [])]


def _hash(*, dev: bool) -> str:
    text = "\n".join([sys.version, *_wanted(dev=dev), (ROOT / "constraints.txt").read_text()])
    return hashlib.sha256(text.encode()).hexdigest()


def _python_works() -> bool:
    with contextlib.suppress(OSError):  # also false for a venv whose Python was removed, or that was moved
        done = subprocess.run(
            [PYTHON, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False
        )
        return done.returncode == 0 and Path(done.stdout.strip()) == VENV
    return False


def _make_venv() -> None:
    progress.tell("Making the virtual environment .venv …")
    shutil.rmtree(VENV, ignore_errors=True)
    if _base_pip() >= PIP_WITH_PYTHON_OPTION:  # no second pip: 7 s less
        _venv("--without-pip")
    elif not _venv():
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Trouble("Python's venv module is incomplete here. Install it: apt-get install python3-venv")
        progress.tell("Installing python3-venv by apt-get …")
        _apt_install("python3-venv")
        shutil.rmtree(VENV, ignore_errors=True)
        if not _venv():
            raise Trouble("No virtual environment could be made: see `python3 -m venv .venv`.")


def _venv(*options: str) -> bool:
    return (
        subprocess.run([sys.executable, "-m", "venv", *options, VENV], capture_output=True, check=False).returncode == 0
    )


def _base_pip() -> tuple[int, ...]:
    done = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (0,)
    return tuple(int(part) for part in done.stdout.split()[1].split(".")[:2] if part.isdigit())


def _pip(*arguments: str) -> None:
    inside = (VENV / "bin" / "pip").exists()
    pip = [str(PYTHON), "-m", "pip"] if inside else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    options = ["-qq", "--no-input", "--disable-pip-version-check"]
    if subprocess.run([*pip, *options, *arguments], check=False).returncode != 0:
        raise Trouble("The packages could not be installed (see pip's lines above); run the same command to try again.")


def _apt_install(*packages: str) -> None:
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        raise Trouble(f"apt-get could not install {' '.join(packages)}.")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two `make` at once: the second waits until the first has installed."""
    (ROOT / "var").mkdir(exist_ok=True)
    with open(ROOT / "var" / "bootstrap.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _become(command: list[str]) -> NoReturn:
    """In place of this program, so that signals reach the command directly."""
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.execvp(command[0], command)  # noqa: S606


def _stop(line: str) -> int:
    print(line, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
