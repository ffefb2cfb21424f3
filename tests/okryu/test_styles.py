"""The style sheets: joined in order, small, within the oldest browsers' means, readable in sunlight."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

from okryu.staticfiles import JOINED, STYLE_SHEETS, joined_styles

FOLDER = Path(settings.BASE_DIR) / "static"
KILOBYTE = 1000


def test_every_style_sheet_is_joined_once_names_first() -> None:
    files = {f"css/{file.name}" for file in (FOLDER / "css").glob("*.css")}
    assert set(STYLE_SHEETS) == files
    assert len(STYLE_SHEETS) == len(files)
    assert STYLE_SHEETS[:2] == ["css/tokens.css", "css/base.css"]


def test_all_styles_stand_behind_one_gate() -> None:
    """An engine without custom properties skips the whole and shows plain HTML."""
    joined = joined_styles()
    assert joined.startswith("@supports (--a: 0) {")
    assert joined.count("{") == joined.count("}")
    assert "@import" not in joined
    assert "@charset" not in joined


def test_all_styles_together_are_small() -> None:
    assert len(gzip.compress(joined_styles().encode())) <= 10 * KILOBYTE


@pytest.mark.parametrize("name", STYLE_SHEETS)
def test_a_sheet_keeps_to_what_the_oldest_browsers_know(name: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / name).read_text(), flags=re.S)
    for modern in (
        "@layer",
        ":is(",
        ":where(",
        ":has(",
        "inset:",
        "aspect-ratio",
        "@container",
        "min(",
        "clamp(",
        "!important",
    ):
        assert modern not in text, modern
    assert not re.search(r"(?<![-\w])gap:", text), "flex has no gap there; grid says grid-gap"
    assert not re.search(r"&[ :.]", text), "no nesting"
    outside = re.sub(r"@supports \(display: grid\) \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text)
    assert "display: grid" not in outside
    assert not re.search(r"#[a-z][\w-]*\s*[,{]", text), "no ids"


def test_collected_styles_are_one_hashed_compressed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storages = {
        "default": settings.STORAGES["default"],
        "staticfiles": {"BACKEND": "okryu.staticfiles.ShopStaticFilesStorage"},
    }
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=storages, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        monkeypatch.setattr(settings, "STATICFILES_FINDERS", ["django.contrib.staticfiles.finders.FileSystemFinder"])
        # A second run finds its own leavings; the admin's files have none to find.
        call_command("collectstatic", interactive=False, verbosity=0)
        address = staticfiles_storage.url(JOINED)
        assert re.fullmatch(r"/static/css/okryu\.[0-9a-f]{12}\.css", address)
        hashed = tmp_path / address.removeprefix("/static/")
        assert hashed.with_name(hashed.name + ".gz").stat().st_size <= 10 * KILOBYTE
        assert hashed.with_name(hashed.name + ".br").exists()
        assert re.search(r'url\("\.\./img/stream\.[0-9a-f]{12}\.svg"\)', hashed.read_text())
        assert not (tmp_path / "css/tokens.css").exists()


# ---------------------------------------------------------------- contrast


def _tokens(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", text))


LIGHT_TEXT, _, DARK_TEXT = (FOLDER / "css/tokens.css").read_text().partition("prefers-color-scheme: dark")
LIGHT = _tokens(LIGHT_TEXT)
DARK = LIGHT | _tokens(DARK_TEXT)

# Text on ground, both names of tokens, and the least contrast. 7 is readable in sunlight.
READABLE = [
    *[(ink, ground, 7) for ink in ("ink", "ink-soft") for ground in ("paper", "surface", "sunken")],
    ("ink", "jade-wash", 7),
    ("ink", "amber-wash", 7),
    ("ink", "red-wash", 7),
    ("jade", "paper", 4.5),
    ("jade", "surface", 4.5),
    ("jade", "jade-wash", 4.5),
    ("red", "paper", 4.5),
    ("red", "surface", 4.5),
    ("red", "red-wash", 4.5),
    ("amber", "amber-wash", 4.5),
    ("on-jade", "jade", 4.5),
    ("on-deep", "jade-deep", 7),
    ("on-deep-soft", "jade-deep", 7),
    ("line-strong", "paper", 3),
    ("line-strong", "surface", 3),
    ("jade", "sunken", 3),
]


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), READABLE)
def test_text_and_edges_stand_out(palette: dict[str, str], ink: str, ground: str, least: float) -> None:
    assert contrast(palette[ink], palette[ground]) >= least


def test_the_measure_itself() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
