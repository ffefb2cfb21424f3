"""Synonyms in the admin. Queries without result have their own desk (catalog/search/desk.py)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from catalog.models import SearchSynonym
from catalog.search import synonyms


class SynonymForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        """Pairs are kept the way queries are met: lower case, without spaces."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("south", "north"):
            if cleaned.get(name):
                cleaned[name] = synonyms.joined(cleaned[name])
                if not 0 < len(cleaned[name]) <= synonyms.LONGEST:
                    self.add_error(name, _("Each word has at most 16 letters."))
        if cleaned.get("south") and cleaned.get("south") == cleaned.get("north"):
            raise ValidationError(_("Both words are the same."))
        return cleaned


@admin.register(SearchSynonym)
class SearchSynonymAdmin(ModelAdmin[SearchSynonym]):
    form = SynonymForm
    list_display = ["south", "north", "is_approved", "source"]
    list_filter = ["is_approved", "source"]
    search_fields = ["south", "north"]
    fields = ["south", "north", "is_approved", "source"]
