"""What every table of the catalogue's admin shares: two languages, nothing deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import Field
from django.http import HttpRequest
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _


class KoreanFirst:
    """Texts say their language by its name. The Korean one, every page's fallback, is required where the text is."""

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        field: Field | None = super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc]
        original = getattr(db_field, "translated_field", None)
        if field is not None and original is not None:
            is_korean = db_field.name.endswith("_ko_kp")
            field.label = f"{capfirst(original.verbose_name)} · {'조선어' if is_korean else 'English'}"
            field.required = is_korean and not original.blank
        return field

    @admin.display(description=format_lazy("{} · 조선어", _("name")), ordering="name_ko_kp")
    def korean(self, row: Any) -> str:
        return str(row.name_ko_kp)

    @admin.display(description=format_lazy("{} · English", _("name")), ordering="name_en")
    def english(self, row: Any) -> str:
        return row.name_en or ""


class Translated(admin.SimpleListFilter):
    """What still waits for its second language, often after an import."""

    title = _("translation")
    parameter_name = "translation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("missing", _("one language is missing"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.untranslated() if self.value() == "missing" else queryset


class NeverDeleted:
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def languages(*texts: str) -> list[tuple[str, dict[str, Any]]]:
    """The two tabs of a form: the same texts in both languages."""
    return [
        ("조선어", {"fields": [f"{text}_ko_kp" for text in texts], "classes": ["tab"]}),
        ("English", {"fields": [f"{text}_en" for text in texts], "classes": ["tab"]}),
    ]
