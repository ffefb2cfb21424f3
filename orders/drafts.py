"""What a member has typed at the checkout and not ordered yet: kept in the session, so that no way back loses it."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, QueryDict

KEY = "checkout"
LONGEST = 300  # letters of one field; every field of the form takes fewer


def read(request: HttpRequest) -> QueryDict | None:
    """The form as it was left, or None where nothing was typed since the last order."""
    kept = request.session.get(KEY)
    if not kept:
        return None
    typed = QueryDict(mutable=True)
    typed.update(kept)
    return typed


def keep(request: HttpRequest, form: forms.Form) -> None:
    """Keep what the posted form says in its fields, of which none is a secret."""
    typed = {name: form.data[name][:LONGEST] for name in form.fields if form.data.get(name)}
    if typed != request.session.get(KEY):
        request.session[KEY] = typed


def forget(request: HttpRequest) -> None:
    if KEY in request.session:
        del request.session[KEY]
