"""Compile message catalogues with polib: no gettext tools are needed on the machine."""

import os
from pathlib import Path

import polib

APPS = ("accounts", "catalog", "orders", "payments", "okryu")


def compile_all(root: Path) -> list[Path]:
    """Write the `.mo` beside every catalogue under `root` that is newer than it; returns what was written."""
    bases = [root / "locale", *(root / app / "locale" for app in APPS)]
    written = []
    for folder in sorted(folder for base in bases for folder in base.rglob("LC_MESSAGES")):
        po, mo = folder / "django.po", folder / "django.mo"
        if po.exists() and _is_older(mo, po):
            _compile(po, mo)
            written.append(mo)
    return written


def _is_older(mo: Path, po: Path) -> bool:
    return not mo.exists() or mo.stat().st_mtime_ns < po.stat().st_mtime_ns


def _compile(po: Path, mo: Path) -> None:
    unfinished = mo.with_suffix(f".{os.getpid()}")
    polib.pofile(str(po)).save_as_mofile(str(unfinished))
    unfinished.replace(mo)  # a server or a second run reading meanwhile sees the old file or the new one, whole
