"""Addresses of what pages name by the dozen. Where a view is mounted is looked up once: reverse() takes as long as
the card that shows what it leads to."""

from functools import cache

from django.urls import reverse

_ID, _WORD = 999_999_999_999, "a-word-nobody-has"


def of_word(view: str, slug: str) -> str:
    return _mounted(view, _WORD).replace(_WORD, slug)


def of_product(pk: int, slug: str) -> str:
    return _mounted("catalog:product", _ID, _WORD).replace(str(_ID), str(pk)).replace(_WORD, slug)


@cache
def _mounted(view: str, *samples: object) -> str:
    return reverse(view, args=samples)
