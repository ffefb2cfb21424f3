"""A small browser of the standard library: follows links, fills forms, keeps cookies, runs no script.

Written as a newcomer would script the shop: it knows nothing of its code, only what the pages show.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)  # values of radios and selects that may be chosen
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, words


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []  # address, words
        self.words: list[str] = []
        self._form: Form | None = None
        self._link: list[str] | None = None
        self._button: list[str] | None = None
        self._select = ""
        self._textarea = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag in {"script", "style"}:
            self._silent += 1
        elif tag == "a" and "href" in a:
            self._link = [a["href"], a.get("aria-label", "")]
        elif tag == "form":
            self._form = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(tag, a)

    def _control(self, tag: str, a: dict[str, str]) -> None:
        form, name = self._form, a.get("name", "")
        if form is None or "disabled" in a:
            return
        if tag == "button":
            self._button = [name, a.get("value", ""), ""]
        elif tag == "input" and a.get("type") == "submit":
            form.buttons.append((name, a.get("value", ""), a.get("value", "")))
        elif tag == "input" and a.get("type") in {"radio", "checkbox"}:
            form.choices.setdefault(name, []).append(a.get("value", "on"))
            if "checked" in a:
                form.fields[name] = a.get("value", "on")
        elif tag == "input" and name:
            form.fields[name] = a.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(a.get("value", ""))
            if "selected" in a or self._select not in form.fields:
                form.fields[self._select] = a.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            form.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._silent -= 1
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._link is not None:
            self.links.append((self._link[0], " ".join(self._link[1].split())))
            self._link = None
        elif tag == "button" and self._button is not None and self._form is not None:
            name, value, words = self._button
            self._form.buttons.append((name, value, " ".join(words.split())))
            self._button = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.words.append(data)
        if self._link is not None:
            self._link[1] += " " + data
        if self._button is not None:
            self._button[2] += " " + data
        if self._textarea and self._form is not None:
            self._form.fields[self._textarea] += data


class Newcomer:
    """Someone at the shop without JavaScript: `see` a page, `follow` a link by its words, `send` a form."""

    def __init__(self, base: str, *, language: str = "en") -> None:
        self.address = base
        self.status = 0
        self.html = ""
        self._page = _Page()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._language = language

    @property
    def text(self) -> str:
        """The words of the page, blanks folded."""
        return " ".join(" ".join(self._page.words).split())

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.address).path

    def see(self, path: str) -> Newcomer:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.address, path)))  # noqa: S310

    def follow(self, words: str) -> Newcomer:
        for href, text in self._page.links:
            if words in text:
                return self.see(href)
        raise AssertionError(f"no link {words!r} on {self.address}: {[text for _, text in self._page.links]}")

    def form(self, *, to: str = "", button: str = "") -> Form:
        """The form whose address contains `to` and that has a button saying `button`."""
        for form in self._page.forms:
            if to in (form.action or self.path) and any(button in words for _, _, words in form.buttons):
                return form
        shown = [(form.action, [words for _, _, words in form.buttons]) for form in self._page.forms]
        raise AssertionError(f"no form to {to!r} with {button!r} on {self.address} ({self.status}): {shown}")

    def send(self, *, to: str = "", button: str = "", **filled: str) -> Newcomer:
        """Fill the named fields, leave the rest as the page proposes, press the button."""
        form = self.form(to=to, button=button)
        unknown = set(filled) - set(form.fields) - set(form.choices)
        assert not unknown, f"no field {unknown} in the form to {form.action}: {sorted({*form.fields, *form.choices})}"
        name, value, _ = next(pressed for pressed in form.buttons if button in pressed[2])
        data = {**form.fields, **filled, **({name: value} if name else {})}
        return self.post(form.action, data) if form.method == "post" else self._get_form(form.action, data)

    def post(self, path: str, data: dict[str, str]) -> Newcomer:
        address = urllib.parse.urljoin(self.address, path)
        parts = urllib.parse.urlsplit(self.address)
        request = urllib.request.Request(address, urllib.parse.urlencode(data).encode())  # noqa: S310
        request.add_header("Origin", f"{parts.scheme}://{parts.netloc}")
        request.add_header("Referer", self.address)
        return self._open(request)

    def _get_form(self, action: str, data: dict[str, str]) -> Newcomer:
        return self.see(f"{action}?{urllib.parse.urlencode(data)}")

    def _open(self, request: urllib.request.Request) -> Newcomer:
        request.add_header("Accept-Language", self._language)
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.status, self.address = answer.status, answer.url
            self.html = answer.read().decode()
        self._page = _Page()
        self._page.feed(self.html)
        return self
