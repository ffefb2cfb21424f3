"""The template tags every page is built from."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.template import engines
from django.test import Client, RequestFactory
from django.utils.translation import override

MOMENT = datetime(2026, 11, 23, 8, 2, tzinfo=UTC)  # 17:02 in the country


def render(text: str, **context: Any) -> str:
    return engines["django"].from_string(text).render(context)


class Order(forms.Form):
    phone = forms.CharField(
        label="Telephone", help_text="Ten digits", widget=forms.TextInput(attrs={"class": "input--digits"})
    )
    way = forms.ChoiceField(
        label="Way", choices=[("send", "Delivery"), ("fetch", "Collection")], widget=forms.RadioSelect
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    agreed = forms.BooleanField(label="I agree")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ko-kp", "{{ 1250|won }}", "1,250원"),
        ("en", "{{ 1250|won }}", "1,250 won"),
        ("ko-kp", "{{ moment|day }} {{ moment|weekday }} {{ moment|clock }}", "11월 23일 월 17:02"),
        ("en", "{{ moment|day }} {{ moment|weekday }} {{ moment|clock }}", "23 November Monday 17:02"),
        ("ko-kp", "{% window 18 20 %}", "18~20시"),
        ("en", "{% window 18 20 %}", "18–20h"),
        ("ko-kp", "{% window moment moment %}", "17~17시"),
        ("en", "{{ '1919000002'|phone }}", "191-900-0002"),
    ],
)
def test_money_time_and_numbers(language: str, text: str, expected: str) -> None:
    with override(language):
        assert render(text, moment=MOMENT) == expected


def test_a_field_is_wired_together() -> None:
    page = render("{% field form.phone %}", form=Order({"phone": ""}))
    assert '<label for="id_phone">Telephone' in page
    assert 'id="id_phone-hint">Ten digits' in page
    assert 'aria-describedby="id_phone-hint id_phone-error"' in page
    assert 'aria-invalid="true"' in page
    assert 'class="input input--digits"' in page
    assert page.index("field-error") < page.index("<input")


def test_a_field_nobody_has_filled_yet_is_not_wrong() -> None:
    page = render("{% field form.phone %}{% field form.note %}", form=Order())
    assert "wrong" not in page
    assert "aria-invalid" not in page
    assert page.count("(없어도 됩니다)") == 1


def test_choices_are_tiles_in_a_named_group() -> None:
    page = render("{% field form.way row=True %}", form=Order({"way": "fetch"}))
    assert page.count('class="choice"') == 2
    assert '<legend class="field-name">Way' in page
    assert "choices-row" in page
    assert "checked" in page


def test_what_was_typed_is_shown_as_text() -> None:
    page = render("{% field form.phone %}", form=Order({"phone": '"><script>alert(1)</script>'}))
    assert "<script" not in page


def test_the_summary_links_to_each_wrong_field() -> None:
    page = render("{% error_summary form %}", form=Order({}))
    assert 'href="#id_phone"' in page
    assert 'href="#id_way_0"' in page
    assert 'href="#id_agreed"' in page
    assert 'role="alert"' in page
    assert "3곳을 고쳐주십시오" in page


def test_the_summary_is_silent_without_errors() -> None:
    assert render("{% error_summary form other %}", form=Order(), other=None).strip() == ""


@dataclass
class Photograph:
    renditions: list[str]
    width: int = 640
    height: int = 640
    alt: str = ""

    def rendition_url(self, name: str) -> str:
        return f"/media/{name}"


@dataclass
class Photographs:
    photographs: list[Photograph] = field(default_factory=list)

    def all(self) -> list[Photograph]:
        return self.photographs


@dataclass
class Goods:
    pictures: Photographs

    @property
    def main_picture(self) -> Photograph | None:
        return next(iter(self.pictures.all()), None)


def test_a_picture_offers_only_what_stands_ready() -> None:
    goods = Goods(Photographs([Photograph(["jpeg160", "jpeg320", "webp160", "webp320", "webp640"])]))
    page = render("{% product_picture goods size=160 lazy=True %}", goods=goods)
    assert 'type="image/webp" srcset="/media/webp160 160w, /media/webp320 320w"' in page
    assert "webp640" not in page
    assert "avif" not in page
    assert 'width="320" height="320"' in page
    assert 'alt=""' in page
    assert 'loading="lazy"' in page
    assert 'loading="lazy"' not in render("{% product_picture goods lazy=False %}", goods=goods)


def test_a_picture_keeps_its_proportions() -> None:
    page = render("{% picture photograph size=320 %}", photograph=Photograph(["jpeg640"], width=640, height=480))
    assert 'width="320" height="240"' in page


def test_goods_without_a_picture_show_the_stream() -> None:
    assert "no-picture.svg" in render("{% product_picture goods %}", goods=Goods(Photographs()))
    assert "no-picture.svg" in render("{% picture photograph %}", photograph=Photograph(["webp320"]))


def test_a_page_keeps_its_tab_and_way_back(db: None) -> None:
    request = RequestFactory().get("/categories/drinks/?sort=cheap&q=%22")
    text = '{% extends "base.html" %}{% block tab %}categories{% endblock tab %}'
    page = engines["django"].from_string(text).render({}, request)
    assert page.count("aria-current") == 1
    assert '<a href="/categories/" aria-current="page">' in page
    assert 'name="next" value="/categories/drinks/?sort=cheap&amp;q=%22"' in page
    assert '<html lang="ko-KP">' in page
    assert '<button name="language" value="en" lang="en">English</button>' in page


@pytest.mark.urls("tests.okryu.frame_urls")
def test_a_message_waits_for_a_page_that_knows_its_visitor(db: None, client: Client) -> None:
    client.post("/frame/tell/", {"text": "<b>in the cart</b>"})
    shared = client.get("/frame/framed/")
    assert "in the cart" not in shared.content.decode()
    assert not shared.cookies
    personal = client.get("/frame/framed-personal/").content.decode()
    assert "&lt;b&gt;in the cart" in personal
    assert 'role="status"' in personal
    assert "in the cart" not in client.get("/frame/framed-personal/").content.decode()
