"""Catalogues compile without gettext's tools."""

import gettext
from pathlib import Path

from okryu.messages import compile_all

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'


def catalogue(root: Path, text: str) -> Path:
    po = root / "locale" / "ko_KP" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_text(HEAD + text)
    return po


def read(mo: Path) -> gettext.GNUTranslations:
    with mo.open("rb") as file:
        return gettext.GNUTranslations(file)


def test_a_catalogue_is_compiled_once(tmp_path: Path) -> None:
    po = catalogue(tmp_path, 'msgid "cart"\nmsgstr "구입바구니"\n\n#, fuzzy\nmsgid "order"\nmsgstr "주문인가"\n')
    assert compile_all(tmp_path) == [po.with_suffix(".mo")]
    words = read(po.with_suffix(".mo"))
    assert words.gettext("cart") == "구입바구니"
    assert words.gettext("order") == "order"  # a guess of the tools is no translation
    assert compile_all(tmp_path) == []


def test_a_changed_catalogue_is_compiled_again(tmp_path: Path) -> None:
    po = catalogue(tmp_path, 'msgid "cart"\nmsgstr "수레"\n')
    [mo] = compile_all(tmp_path)
    catalogue(tmp_path, 'msgid "cart"\nmsgstr "구입바구니"\n')
    assert compile_all(tmp_path) == [mo]
    assert read(po.with_suffix(".mo")).gettext("cart") == "구입바구니"
