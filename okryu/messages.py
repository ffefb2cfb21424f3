"""Compile message catalogues with polib: no gettext tools are needed on the machine."""

import os
from pathlib import Path

import polib

APPS = ("accounts", "catalog", "orders", "payments", "okryu")


def compile_all(root: Path) -> list[Path]:
    """Write the `.mo` beside every catalogue under `root` that is newer than it; returns what was written.

    A catalogue is `django.po`, or the files of the folder `parts` beside it where it is kept in parts.
    """
    bases = [root / "locale", *(root / app / "locale" for app in APPS)]
    written = []
    for folder in sorted(folder for base in bases for folder in base.rglob("LC_MESSAGES")):
        sources = sorted((folder / "parts").glob("*.po")) or sorted(folder.glob("django.po"))
        mo = folder / "django.mo"
        if sources and _is_older(mo, sources):
            _compile(sources, mo)
            written.append(mo)
    return written


def _is_older(mo: Path, sources: list[Path]) -> bool:
    newest = max(path.stat().st_mtime_ns for path in (*sources, sources[0].parent))
    return not mo.exists() or mo.stat().st_mtime_ns < newest


def _compile(sources: list[Path], mo: Path) -> None:
    whole = polib.pofile(str(sources[0]))
    for part in sources[1:]:
        known = {(entry.msgctxt, entry.msgid) for entry in whole}
        whole.extend(entry for entry in polib.pofile(str(part)) if (entry.msgctxt, entry.msgid) not in known)
    unfinished = mo.with_suffix(f".{os.getpid()}")
    whole.save_as_mofile(str(unfinished))
    unfinished.replace(mo)  # a server or a second run reading meanwhile sees the old file or the new one, whole
