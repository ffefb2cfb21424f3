"""From one state of an import to the next. Each step asks for the state it begins from, so that it happens once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.models import User
from catalog.importing.mapping import Mapping, remember
from catalog.models import CatalogueImport, FilePiece, ImportRow

State = CatalogueImport.State
KEPT = timedelta(days=7)


def begin_check(one: CatalogueImport, mapping: Mapping, *, by: User) -> bool:
    """Let a worker compare every row; a checked import is checked anew. False where that is too late."""
    with transaction.atomic():
        begun = CatalogueImport.objects.filter(pk=one.pk, state__in=[State.MAPPING, State.CHECKED]).update(
            state=State.CHECKING, mapping=mapping.as_json(), tries=0, done_count=0, beat_at=None
        )
        if begun:
            remember(one.header, mapping, by=by)
            app.configure_task("catalog.tasks.check_import").defer(import_id=one.pk)
    return bool(begun)


def begin_writing(one: CatalogueImport, *, how: str) -> bool:
    """Let a worker write what was checked. False where that is begun or over."""
    with transaction.atomic():
        begun = CatalogueImport.objects.filter(pk=one.pk, state=State.CHECKED).update(
            state=State.WRITING, how=how, tries=0, done_count=0, row_count=one.good_count, beat_at=None
        )
        if begun:
            app.configure_task("catalog.tasks.write_import").defer(import_id=one.pk)
    return bool(begun)


def give_up(one: CatalogueImport) -> bool:
    """Stop it. What good rows have been written stays; of "all or none" nothing does. False where it is over."""
    over = [State.DONE, State.FAILED, State.CANCELLED]
    with transaction.atomic():
        stopped = (
            CatalogueImport.objects.exclude(state__in=over)
            .filter(pk=one.pk)
            .update(
                state=State.CANCELLED,
                finished_at=timezone.now(),
                written_count=ImportRow.objects.filter(of=one, state=ImportRow.State.WRITTEN).count(),
            )
        )
        if stopped:
            FilePiece.objects.filter(of=one).delete()
    return bool(stopped)


def forget_old() -> None:
    """Give up files nobody went on with for a week, and drop the rows of finished imports that were taken."""
    week_ago = timezone.now() - KEPT
    left = CatalogueImport.objects.filter(state__in=[State.MAPPING, State.CHECKED], created_at__lt=week_ago)
    for one in left:
        give_up(one)
    over = CatalogueImport.objects.filter(finished_at__lt=week_ago)
    ImportRow.objects.filter(of__in=over).exclude(state=ImportRow.State.WRONG).delete()
    FilePiece.objects.filter(of__in=over).delete()
