"""Template tags every page uses; built in, so no page loads them."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from okryu.money import format_won

register = template.Library()


@register.filter
def won(amount: int) -> str:
    """`amount` of whole won in the page's language: 1,250원, 1,250 won."""
    return format_won(int(amount), get_language() or "ko-kp")


@register.filter
def phone(digits: str) -> str:
    """A ten-digit mobile number as people write it: 191-234-5678."""
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if len(digits) == 10 else digits


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
