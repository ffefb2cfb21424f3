"""Files of products brought into the catalogue: who brought which, what each row would do and what it did."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CatalogueImport(models.Model):
    """One file's way into the catalogue. The report stays for good; the file itself goes when it is done."""

    class State(models.TextChoices):
        MAPPING = "mapping", _("columns to be named")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked: nothing is written yet")
        WRITING = "writing", _("being written")
        DONE = "done", _("done")
        FAILED = "failed", _("stopped: nothing more is written")
        CANCELLED = "cancelled", _("given up")

    class How(models.TextChoices):
        ALL = "all", _("All rows or none")
        GOOD = "good", _("The good rows only")

    key = models.UUIDField(default=uuid4, unique=True, editable=False)  # what addresses carry
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    file_name = models.CharField(_("file"), max_length=120)
    size = models.PositiveIntegerField()  # bytes
    digest = models.CharField(max_length=64)  # SHA-256 of the bytes
    header: ArrayField[list[str], list[str]] = ArrayField(models.TextField())
    sample: models.JSONField[list[list[str]], list[list[str]]] = models.JSONField(default=list)  # the first rows
    mapping: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)  # importing/mapping.py
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.MAPPING)
    how = models.CharField(max_length=4, choices=How.choices, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)  # of the stage that runs
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    same_count = models.PositiveIntegerField(default=0)
    wrong_count = models.PositiveIntegerField(default=0)
    written_count = models.PositiveIntegerField(default=0)
    # What the file names and the shop does not have yet: {"seller": 3, "category": 20, "kind": 0}.
    missing: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(default=dict)
    # Why it stopped, as a word of importing/words.py and what belongs into its sentence.
    failure: models.JSONField[list[Any] | None, list[Any] | None] = models.JSONField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # how often a worker took up the stage that runs
    created_at = models.DateTimeField(_("at"), default=timezone.now)
    beat_at = models.DateTimeField(null=True)  # the last sign of life of the stage that runs
    finished_at = models.DateTimeField(null=True)

    objects: models.Manager[CatalogueImport] = models.Manager()

    class Meta:
        verbose_name = _("import of products")
        verbose_name_plural = _("imports of products")
        ordering = ["-id"]
        permissions = [("import_catalogue", "Can import and export products, prices and stock")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_running(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.WRITING)

    @property
    def good_count(self) -> int:
        """Rows that would change something."""
        return self.new_count + self.changed_count


class FilePiece(models.Model):
    """A piece of an import's bytes, until it is finished: in the database, so that any worker can take it up."""

    of = models.ForeignKey(CatalogueImport, models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveSmallIntegerField()
    content = models.BinaryField()

    objects: models.Manager[FilePiece] = models.Manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="import_piece_once")]


class ImportRow(models.Model):
    """One row of the file: its cells, and what it changes or what is wrong with it."""

    class State(models.TextChoices):
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        SAME = "same", _("same")
        WRONG = "wrong", _("wrong")
        WRITTEN = "written", _("written")

    of = models.ForeignKey(CatalogueImport, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()  # the line or sheet row it begins in, the header being 1
    state = models.CharField(max_length=7, choices=State.choices)
    cells: ArrayField[list[str], list[str]] = ArrayField(models.TextField())
    # [field, old, new] each; NULL for rows that are not "changed".
    changes: models.JSONField[list[list[str]] | None, list[list[str]] | None] = models.JSONField(null=True)
    # [field or "", word of importing/words.py, {what belongs into its sentence}] each.
    errors: models.JSONField[list[list[Any]] | None, list[list[Any]] | None] = models.JSONField(null=True)

    objects: models.Manager[ImportRow] = models.Manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="import_row_once")]
        indexes = [models.Index(fields=["of", "state", "number"], name="import_row_by_state")]


class RememberedMapping(models.Model):
    """How somebody named the columns of a file with this header the last time."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    header_digest = models.CharField(max_length=64)
    mapping: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()

    objects: models.Manager[RememberedMapping] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["by", "header_digest"], name="remembered_mapping_once")]
