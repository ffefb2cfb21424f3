"""Template tags every page uses; built in, so no page loads them."""

import json
import re
from datetime import date, datetime
from typing import Any

from django import forms, template
from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms.utils import flatatt
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from accounts.phone import shown_phone
from okryu.calendar import PYONGYANG
from okryu.money import format_won
from okryu.staticfiles import JOINED, STYLE_SHEETS

register = template.Library()
_HANGUL, _WORD = re.compile("[가-힣ㄱ-ㅣ]"), re.compile("[A-Za-z]{3}")  # "USB 2" is no English

# What one picture's place on the page is wide, so that the browser takes no larger file than it shows.
PICTURE_PLACES = {
    72: ("72px", 160),
    160: ("(min-width: 56.25em) 16rem, (min-width: 40em) 30vw, 45vw", 320),
    320: ("(min-width: 56.25em) 27rem, 82vw", 960),
}


@register.filter
def won(amount: int) -> str:
    """`amount` of whole won in the page's language: 1,250원, 1,250 won."""
    return format_won(int(amount), _language())


@register.filter
def phone(digits: str) -> str:
    return shown_phone(digits)


@register.filter
def own_language(text: str) -> str:
    """The `lang` of a text that stands in for one nobody has translated: ` lang="en"` of Latin letters on a Korean
    page, ` lang="ko-KP"` of Korean ones on an English page, so that it is read aloud as what it is. Else nothing."""
    text = str(text or "")
    if _HANGUL.search(text):
        return SafeString(' lang="ko-KP"') if _is_english() else ""
    return SafeString(' lang="en"') if not _is_english() and _WORD.search(text) else ""


@register.filter
def day(moment: date | datetime) -> str:
    """The country's calendar day: 11월 23일, 23 November."""
    local = _local(moment)
    if _is_english():
        return f"{local.day} {local:%B}"
    return f"{local.month}월 {local.day}일"


@register.filter
def weekday(moment: date | datetime) -> str:
    """월, Monday."""
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    number = _local(moment).weekday()
    return names[number] if _is_english() else "월화수목금토일"[number]


@register.filter
def clock(moment: datetime) -> str:
    """The country's clock: 17:02."""
    return f"{_local(moment):%H:%M}"


@register.simple_tag
def window(start: datetime | int, end: datetime | int) -> str:
    """A span of hours: 18~20시, 18–20h. Takes moments or hours of the day."""
    first, last = _hour(start), _hour(end)
    return f"{first}–{last or 24}h" if _is_english() else f"{first}~{last or 24}시"


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """One symbol of icons.svg; size "small" for running text."""
    extra, pixels = (" icon--small", 18) if size == "small" else ("", 24)
    address = f"{static('img/icons.svg')}#i-{name}"
    return format_html(
        '<svg class="icon{}" width="{}" height="{}" aria-hidden="true"><use href="{}" xlink:href="{}"/></svg>',
        extra,
        pixels,
        pixels,
        address,
        address,
    )


@register.simple_tag
def style_sheets() -> SafeString:
    """The joined sheet where static files are collected; its parts where they are served from the clone."""
    names = [JOINED] if getattr(staticfiles_storage, "joins_styles", False) and not settings.DEBUG else STYLE_SHEETS
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((static(name),) for name in names))


@register.simple_block_tag
def captured(content: str) -> str:
    """What stands inside, kept under a name instead of written: {% captured as tab %}…{% endcaptured %}."""
    return content.strip()


@register.simple_tag
def stars(rating: float | None, count: int) -> SafeString:
    """★ 4.9 (1,204), said in words to screen readers."""
    if not rating or not count:
        return SafeString("")
    mean, number = number_format(round(rating, 1), 1), number_format(count, force_grouping=True)
    words = gettext("%(mean)s of 5 stars, %(number)s reviews") % {"mean": mean, "number": number}
    return format_html(
        '<span class="stars">{}<span class="unseen">{}</span><span aria-hidden="true">{} ({})</span></span>',
        icon("star"),
        words,
        mean,
        number,
    )


# ---------------------------------------------------------------- for machines

_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@register.simple_tag
def structured(facts: dict[str, Any]) -> SafeString:
    """Facts for machines as JSON in the page: data, which no policy for scripts runs, and which cannot end its tag."""
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return SafeString(f'<script type="application/ld+json">{text}</script>')


@register.simple_tag
def canonical(path: str) -> SafeString:
    """The page's one address, where the settings say what the shop's is."""
    if not settings.SHOP_ADDRESS:
        return SafeString("")
    return format_html('<link rel="canonical" href="{}{}">', settings.SHOP_ADDRESS, path)


# ---------------------------------------------------------------- messages


@register.inclusion_tag("components/messages.html", takes_context=True)
def page_messages(context: Context) -> dict[str, Any]:
    """Messages waiting for this visitor, on pages that have read the session anyway.

    A page that is the same for everyone must not ask for them: reading them sets a cookie.
    """
    request = context.get("request")
    session = getattr(request, "session", None)
    if request is None or session is None or not session.accessed:
        return {"waiting": []}
    kinds = {"error": "wrong", "warning": "wait"}
    return {"waiting": [(kinds.get(message.level_tag, ""), message.message) for message in get_messages(request)]}


# ---------------------------------------------------------------- forms


@register.inclusion_tag("components/field.html")
def field(bound: forms.BoundField, row: bool = False, short: bool = False, plain: bool = False) -> dict[str, Any]:
    """One form field with label, hint and error, wired together for screen readers.

    `row` lays choices side by side; `short` is for a narrow field inside `.fields`; `plain` does
    not say that it may stay empty, where the page says so of all.
    """
    widget = bound.field.widget
    errors = [str(error) for error in bound.errors]
    choices = isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple)
    tick = isinstance(widget, forms.CheckboxInput)
    name = bound.auto_id or bound.html_name
    described = [f"{name}-hint"] * bool(bound.help_text) + [f"{name}-error"] * bool(errors)
    attrs: dict[str, Any] = {"aria-describedby": " ".join(described) or None}
    if errors and not choices:
        attrs["aria-invalid"] = "true"
    if not choices and not tick:
        attrs["class"] = f"input {widget.attrs.get('class', '')}".strip()
    attrs = {key: value for key, value in attrs.items() if value}
    return {
        "bound": bound,
        "name": name,
        "errors": errors,
        "control": "" if choices else _control(bound, attrs),
        "group_attributes": flatatt(attrs),
        "choices": choices,
        "tick": tick,
        "hidden": widget.is_hidden,
        "optional": not bound.field.required and not tick and not plain,
        "row": row,
        "short": short,
    }


def _control(bound: forms.BoundField, attrs: dict[str, Any]) -> SafeString:
    """As `as_widget` has it; a plain line of text without the three templates of which Django makes one."""
    widget = bound.field.widget
    if not isinstance(widget, forms.TextInput) or type(widget).render is not forms.Widget.render:
        return bound.as_widget(attrs=attrs)
    attrs = bound.build_widget_attrs(attrs, widget)
    if bound.auto_id and "id" not in widget.attrs:
        attrs.setdefault("id", bound.auto_id)
    shown = widget.get_context(bound.html_name, bound.value(), attrs)["widget"]
    value = "" if shown["value"] in (None, "") else format_html(' value="{}"', shown["value"])
    return format_html('<input type="{}" name="{}"{}{}>', shown["type"], shown["name"], value, flatatt(shown["attrs"]))


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms_shown: forms.BaseForm | None) -> dict[str, Any]:
    """What to correct, at the top of the page, each line a link to its field; focus starts here."""
    lines: list[tuple[str, str]] = []
    for form in forms_shown:
        if form is None or not form.is_bound:
            continue
        lines += [("", str(error)) for error in form.non_field_errors()]
        lines += [(_first_control(bound), f"{bound.label}: {error}") for bound in form for error in bound.errors]
    if len(lines) == 1 and not lines[0][0]:  # no field to mend: the sentence itself is the heading
        return {"lines": [], "title": lines[0][1]}
    count = len(lines)
    if not count:
        return {"lines": [], "title": ""}
    title = ngettext("Please correct %(count)d place", "Please correct %(count)d places", count) % {"count": count}
    return {"lines": lines, "title": title}


@register.inclusion_tag("components/error_summary.html")
def error_summary_of(forms_shown: list[forms.BaseForm]) -> dict[str, Any]:
    """error_summary() of a page whose number of forms is not known beforehand."""
    return error_summary(*forms_shown)


def _first_control(bound: forms.BoundField) -> str:
    """The id a summary line links to: the field, or the first of its choices."""
    if isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return f"{bound.auto_id}_0"
    return bound.id_for_label or bound.auto_id


# ---------------------------------------------------------------- pictures


@register.simple_tag
def product_picture(product: Any, size: int = 160, lazy: bool = True, alt: str = "") -> SafeString:
    """A product's first picture. Beside the product's name it says nothing new, so `alt` is empty by default."""
    return picture(product.main_picture if product is not None else None, size=size, lazy=lazy, alt=alt)


@register.simple_tag
def picture(shown: Any, size: int = 160, lazy: bool = True, alt: str = "") -> SafeString:
    """`<picture>` with the renditions that stand ready; `size` (72, 160 or 320) names its place on the page."""
    sizes, widest = PICTURE_PLACES[size]
    loading = SafeString(' loading="lazy"') if lazy else ""
    offers: dict[str, list[tuple[int, str]]] = {}
    for name in shown.renditions if shown is not None else ():
        kind, width = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
        if width <= widest:
            offers.setdefault(kind, []).append((width, shown.rendition_url(name)))
    if "jpeg" not in offers:
        empty = static("img/no-picture.svg")
        return format_html('<img src="{}" width="320" height="320" alt="{}"{}>', empty, alt, loading)
    sources = format_html_join(
        "",
        '<source type="image/{}" srcset="{}" sizes="{}">',
        ((kind, _source_set(offers[kind]), sizes) for kind in ("avif", "webp") if kind in offers),
    )
    plain = sorted(offers["jpeg"])
    height = round(320 * shown.height / shown.width)
    return format_html(
        '<picture>{}<img src="{}" srcset="{}" sizes="{}" width="320" height="{}" alt="{}"{}></picture>',
        sources,
        plain[-1][1] if plain[-1][0] <= 320 else next(url for width, url in plain if width >= 320),
        _source_set(plain),
        sizes,
        height,
        alt,
        loading,
    )


def _source_set(offers: list[tuple[int, str]]) -> str:
    return ", ".join(f"{url} {width}w" for width, url in sorted(offers))


# ---------------------------------------------------------------- time and language


def _language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def _is_english() -> bool:
    return _language().startswith("en")


def _local(moment: date | datetime) -> date | datetime:
    if isinstance(moment, datetime) and timezone.is_aware(moment):
        return moment.astimezone(PYONGYANG)
    return moment


def _hour(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    local = _local(moment)
    return local.hour if isinstance(local, datetime) else 0
