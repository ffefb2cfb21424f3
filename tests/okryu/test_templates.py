"""Every template: compiles, keeps scripts and styles outside, reaches no other host."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file())
SHOP = [name for name in TEMPLATES if not name.startswith("admin/")]


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_part_with_a_form_is_given_the_token(name: str) -> None:
    """`only` keeps the token out as well: the form would be refused, and no test client would notice."""
    for part, rest in re.findall(r'{% include "([^"]+)"([^%]*)%}', _read(name)):
        if part in TEMPLATES and "csrf_token" in _read(part) and rest.rstrip().endswith(" only"):
            assert "csrf_token=csrf_token" in rest, part


@pytest.mark.parametrize("name", SHOP)
def test_no_script_style_or_handler_stands_in_a_template(name: str) -> None:
    text = _read(name)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+\s*=|javascript:", text, flags=re.I)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text, flags=re.I))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_reaches_another_host(name: str) -> None:
    text = _read(name).replace("http://www.w3.org/", "")
    assert not re.search(r"https?://|(?:src|href|action)=[\"']//", text)


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_marked_safe_in_a_template(name: str) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape off", _read(name))


@pytest.mark.parametrize("name", SHOP)
def test_every_icon_exists(name: str) -> None:
    known = set(re.findall(r'id="i-([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))
    assert set(re.findall(r'{%\s*icon\s+"([\w-]+)"', _read(name))) <= known


@pytest.mark.parametrize("path", sorted((ROOT / "static/js").glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_short_and_plain(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 60
    assert not re.search(
        r"\b(let|const|class|async|await|import|export)\b|=>|`|\beval\(|innerHTML|fetch\(",
        re.sub(r"/\*.*?\*/", "", text, flags=re.S),
    )
