"""A closed network has no other host to offer: no page, style, script or program may name one."""

import re
from pathlib import Path

from tests.databases import APPS, ROOT

ADDRESS = re.compile(r"""(?:https?|wss?):?//([a-z0-9.-]+\.[a-z]{2,})""", re.IGNORECASE)
SCHEMELESS = re.compile(r"""(?:src|href|action|url)\s*=\s*["']//([^"'/]+)""", re.IGNORECASE)
READ = (".py", ".html", ".css", ".js", ".svg", ".txt", ".json", ".toml", ".md", ".po", ".sql", ".webmanifest")
FOLDERS = (*APPS, "templates", "static", "locale", "docs")
# Names of vocabularies, never fetched; and the domain that exists for examples.
NAMES = {"www.w3.org", "schema.org", "schemas.openxmlformats.org", "www.sitemaps.org", "example.com", "shop.example"}


def test_no_file_names_another_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {host}"
        for path in _files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        for host in [*ADDRESS.findall(line), *SCHEMELESS.findall(line)]
        if host.lower() not in NAMES and not host.endswith((".example", ".test", ".invalid"))
    ]
    assert found == []
    assert len(_files()) > 100


def test_it_would_see_one() -> None:
    assert ADDRESS.findall('<script src="https://cdn.elsewhere.com/a.js">') == ["cdn.elsewhere.com"]
    assert SCHEMELESS.findall('<img src="//elsewhere.com/a.png">') == ["elsewhere.com"]


def _files() -> list[Path]:
    top = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".env")]
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return [path for path in [*top, *below] if path.suffix in READ]
