"""What every page's template may use."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from catalog.tree import category_tree
from okryu.desk import navigation

# The language switch shows each language in its own words; the tag is what `lang` says in HTML.
LANGUAGES = {
    "ko-kp": {"code": "ko-kp", "tag": "ko-KP", "name": "조선어"},
    "en": {"code": "en", "tag": "en", "name": "English"},
}
NAVIGATION_SECONDS = 60


def shop(request: HttpRequest) -> dict[str, Any]:
    """The frame's own facts. Nothing here reads the session or asks the database before a template needs it."""
    code = get_language() or settings.LANGUAGE_CODE
    page_language = LANGUAGES.get(code, LANGUAGES["ko-kp"])
    return {
        "page_language": page_language,
        "other_language": LANGUAGES["en" if page_language["code"] == "ko-kp" else "ko-kp"],
        "here": request.get_full_path(),
        "top_categories": SimpleLazyObject(lambda: top_categories(request, page_language["code"])),
        "desks": SimpleLazyObject(lambda: navigation(request)),
        "order_desk": settings.ORDER_DESK_PHONE,
        "cart_count_cookie": settings.CART_COUNT_COOKIE_NAME,
    }


def top_categories(request: HttpRequest, language: str) -> list[dict[str, str]]:
    """The top shelves as plain name, address and icon, kept for a minute in each language.

    They come from the tree the page itself may have read. Without a database the page stands without them.
    """
    key = f"top-categories:{language}"
    if (found := cache.get(key)) is not None:
        return list(found)
    try:
        shelves = [
            {"name": shelf.name, "url": shelf.get_absolute_url(), "icon": shelf.icon}
            for shelf in category_tree(request).roots
        ]
    except DatabaseError:
        return []
    cache.set(key, shelves, NAVIGATION_SECONDS)
    return shelves
