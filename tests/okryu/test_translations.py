"""Every string a person can see exists in Korean as well: found in the sources, looked up in the catalogue."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
APPS = ("okryu", "accounts", "catalog", "orders", "payments")
# Name of the call → positions of the message and, for plurals, of the context.
MESSAGE_CALLS = {
    "_": 0,
    "gettext": 0,
    "gettext_lazy": 0,
    "gettext_noop": 0,
    "ngettext": 0,
    "ngettext_lazy": 0,
    "pgettext": 1,
    "pgettext_lazy": 1,
    "npgettext": 1,
}
GETTEXT_CALL = re.compile(r"""n?p?gettext\((?:[^()'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*\)""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def messages_in(source: str) -> Iterator[tuple[str | None, str]]:
    """The literal messages of gettext calls in Python source, with their contexts."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        position = MESSAGE_CALLS.get(name)
        if position is None or len(node.args) <= position:
            continue
        argument = node.args[position]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            context = node.args[position - 1] if position else None
            yield context.value if isinstance(context, ast.Constant) else None, argument.value


def all_messages() -> dict[tuple[str | None, str], str]:
    found: dict[tuple[str | None, str], str] = {}
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            if "migrations" not in file.parts:
                for message in messages_in(file.read_text()):
                    found.setdefault(message, str(file.relative_to(ROOT)))
    for file in (ROOT / "templates").rglob("*"):
        if file.suffix in {".html", ".txt", ".xml", ".svg"}:
            # templatize() turns a template into the gettext calls that makemessages reads.
            for call in GETTEXT_CALL.findall(templatize(file.read_text())):
                for message in messages_in(call):
                    found.setdefault(message, str(file.relative_to(ROOT)))
    return found


def catalogue() -> polib.POFile:
    return polib.pofile(str(ROOT / "locale" / "ko_KP" / "LC_MESSAGES" / "django.po"))


def test_every_message_has_its_korean() -> None:
    korean = {(entry.msgctxt, entry.msgid) for entry in catalogue() if entry.translated()}
    missing = {message: where for message, where in all_messages().items() if message[1] and message not in korean}
    assert len(all_messages()) > 300, "the search for messages found suspiciously few"
    assert not missing, "\n".join(f"{where}: {message!r}" for message, where in sorted(missing.items()))


def test_korean_keeps_every_placeholder() -> None:
    wrong = []
    for entry in catalogue():
        wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural))
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text and not set(PLACEHOLDER.findall(text)) <= wanted:
                wrong.append(f"{entry.msgid!r} → {text!r}")
            if text and not entry.msgid_plural and set(PLACEHOLDER.findall(text)) != wanted:
                wrong.append(f"{entry.msgid!r} → {text!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "southern, domestic",
    [
        ("배송", "송달"),
        ("장바구니", "구입바구니"),
        ("로그인", "들어가기"),
        ("이용", "리용"),
        ("영수증", "령수증"),
        ("요금", "료금"),
        ("비밀번호", "가입암호"),
        ("내일", "래일"),
        ("여자", "녀자"),
        ("연락", "련락"),
        ("잔액", "잔고"),
    ],
)
def test_catalogue_speaks_the_domestic_language(southern: str, domestic: str) -> None:
    found = [entry.msgstr for entry in catalogue() if re.search(rf"(?<![가-힣]){southern}", entry.msgstr)]
    assert not found, f"say {domestic}: {found}"
