"""Both stages of an import, run by the worker: checking every row, and writing those that were chosen.

A stage is safe to run twice: checking begins anew, writing "good rows only" goes on after the last chunk that was
committed, writing "all or none" is one transaction that left nothing behind. One session lock per import says that
somebody is at it; a killed worker's lock goes with its connection, and `take_up_stalled_jobs` runs the stage again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.models import Count, F
from django.utils import timezone
from import_export.results import RowResult

from catalog.importing import mapping as mappings
from catalog.importing import tables
from catalog.importing.offers import OfferResource, errors_of
from catalog.importing.shelves import PLACES, Shelves
from catalog.importing.words import Wrong
from catalog.importing.writing import lock, write
from catalog.models import CatalogueImport, FilePiece, ImportRow

log = logging.getLogger(__name__)
CHUNK = 1000
MOST_TRIES = 3
LOCK = 0x696D70  # the first half of the session lock's key; the second is the import's id
State = CatalogueImport.State
Rows = list[tuple[int, list[str]]]


class GivenUp(Exception):
    """Somebody stopped the import while it ran."""


STATES = {
    RowResult.IMPORT_TYPE_NEW: ImportRow.State.NEW,
    RowResult.IMPORT_TYPE_UPDATE: ImportRow.State.CHANGED,
    RowResult.IMPORT_TYPE_SKIP: ImportRow.State.SAME,
}


def check(import_id: int) -> None:
    """Read the file, compare every row with the shop, and keep what each would do. Writes nothing of the catalogue."""
    _run(import_id, State.CHECKING, _check)


def write_rows(import_id: int) -> None:
    """Write the rows that were found good, the way that was chosen."""
    _run(import_id, State.WRITING, _write)


def _run(import_id: int, state: str, stage: Callable[[CatalogueImport], None]) -> None:
    with _alone(import_id) as is_alone:
        if not is_alone:
            return
        taken = CatalogueImport.objects.filter(pk=import_id, state=state)
        if not taken.update(tries=F("tries") + 1, beat_at=timezone.now()):
            return  # given up, or done by somebody else
        one = taken.select_related("by").get()
        _mend_statistics()
        try:
            if one.tries > MOST_TRIES:
                raise Wrong("tries")
            stage(one)
        except GivenUp:
            log.info("Import %s was given up while %s", one.key, state)
        except Wrong as wrong:
            _fail(one, wrong.word, wrong.values)
        except Exception:
            log.exception("Import %s failed while %s", one.key, state)
            _fail(one, "fault", {})
            raise


@contextmanager
def _alone(import_id: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, import_id])
        (is_alone,) = cursor.fetchone() or (False,)
    try:
        yield is_alone
    finally:
        if is_alone and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, import_id])


def _mend_statistics() -> None:
    """Keep the planner from believing that tables are empty which this very import fills: it would read them whole for
    every row. Costs a millisecond where nothing is wrong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT catalog_mend_statistics()")


def _fail(one: CatalogueImport, word: str, values: dict[str, Any]) -> None:
    CatalogueImport.objects.filter(pk=one.pk).update(
        state=State.FAILED, failure=[word, values], finished_at=timezone.now()
    )


# ---------------------------------------------------------------- checking


def _check(one: CatalogueImport) -> None:
    ImportRow.objects.filter(of=one).delete()
    table = tables.read(_content(one))
    resource = OfferResource(mappings.from_json(one.mapping), digest=one.digest)
    counts: Counter[str] = Counter()
    done = 0
    CatalogueImport.objects.filter(pk=one.pk).update(row_count=table.about, done_count=0)
    for chunk in _chunks(table.rows):
        rows = _checked(resource, chunk)
        counts.update(row.state for row in rows)
        _keep(one, rows)
        done += len(rows)
        _beat(one, done)
    if not done:
        raise Wrong("no_rows")
    CatalogueImport.objects.filter(pk=one.pk, state=State.CHECKING).update(
        state=State.CHECKED,
        row_count=done,
        done_count=done,
        new_count=counts["new"],
        changed_count=counts["changed"],
        same_count=counts["same"],
        wrong_count=counts["wrong"],
        missing={place: len(resource.shelves.missing[place]) for place in PLACES},
    )


def _content(one: CatalogueImport) -> bytes:
    pieces = FilePiece.objects.filter(of=one).order_by("number").values_list("content", flat=True)
    content = b"".join(bytes(piece) for piece in pieces.iterator(chunk_size=1))
    if hashlib.sha256(content).hexdigest() != one.digest:
        raise Wrong("file_gone")
    return content


def _chunks(rows: Iterator[tables.Row]) -> Iterator[list[tables.Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _checked(resource: OfferResource, chunk: list[tables.Row]) -> list[ImportRow]:
    read: Rows = [(row.number, row.cells) for row in chunk if row.wrong is None]
    results = iter(resource.read(read) if read else [])
    return [_kept(row, None if row.wrong else next(results)) for row in chunk]


def _kept(row: tables.Row, result: RowResult | None) -> ImportRow:
    if result is None:
        wrong = row.wrong or Wrong("ragged")
        errors: list[list[Any]] = [["", wrong.word, wrong.values]]
    else:
        errors = errors_of(result)
    kept = ImportRow(number=row.number, cells=row.cells)
    if errors or result is None:
        kept.state, kept.errors = ImportRow.State.WRONG, errors
    else:
        kept.state, kept.changes = STATES[result.import_type or ""], result.instance.changes or None
    return kept


def _keep(one: CatalogueImport, rows: list[ImportRow]) -> None:
    with connection.cursor() as cursor:
        columns = "(of_id, number, state, cells, changes, errors)"
        with cursor.copy(f"COPY catalog_importrow {columns} FROM STDIN") as copy:
            for row in rows:
                changes = json.dumps(row.changes) if row.changes else None
                errors = json.dumps(row.errors) if row.errors else None
                copy.write_row((one.pk, row.number, str(row.state), row.cells, changes, errors))


def _beat(one: CatalogueImport, done: int) -> None:
    running = CatalogueImport.objects.filter(pk=one.pk, state=one.state)
    if not running.update(done_count=done, beat_at=timezone.now()):
        raise GivenUp


# ---------------------------------------------------------------- writing


def _write(one: CatalogueImport) -> None:
    if one.how == CatalogueImport.How.ALL:
        _write_all(one)
    else:
        _write_good(one)


def _write_all(one: CatalogueImport) -> None:
    """One transaction: pages see the progress through a connection of its own, and the rows at the end, all at once."""
    resource = _resource(one)
    outside = connections.create_connection("default")
    done = 0
    try:
        with transaction.atomic():
            for rows in _good_rows(one):
                refused, _ = _write_chunk(one, resource, rows)
                if refused:
                    raise Wrong("rows_wrong", n=len(refused))
                done += len(rows)
                _beat_outside(outside, one, done)
            ImportRow.objects.filter(of=one, state__in=("new", "changed")).update(state=ImportRow.State.WRITTEN)
            _finish(one)
    except IntegrityError:
        raise Wrong("database") from None
    finally:
        outside.close()


def _beat_outside(outside: Any, one: CatalogueImport, done: int) -> None:
    with outside.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_catalogueimport SET done_count = %s, beat_at = now() WHERE id = %s AND state = %s",
            [done, one.pk, one.state],
        )
        cursor.execute("SELECT state FROM catalog_catalogueimport WHERE id = %s", [one.pk])
        if cursor.fetchone() == (str(State.CANCELLED),):
            raise GivenUp


def _write_good(one: CatalogueImport) -> None:
    """A transaction for each chunk, with what it did to its rows. A chunk the database refuses is halved."""
    resource = _resource(one)
    done = ImportRow.objects.filter(of=one, state=ImportRow.State.WRITTEN).count()
    for rows in _good_rows(one):
        _write_halving(one, resource, rows)
        done += len(rows)
        _beat(one, done)
    with transaction.atomic():
        _finish(one)


def _finish(one: CatalogueImport) -> None:
    """In the transaction of the last row, where there is one for all."""
    _still_wanted(one)
    states = ImportRow.objects.filter(of=one).order_by().values_list("state")
    counts: dict[str, int] = defaultdict(int, states.annotate(n=Count("pk")))
    CatalogueImport.objects.filter(pk=one.pk).update(
        state=State.DONE,
        done_count=F("row_count"),
        written_count=counts[ImportRow.State.WRITTEN],
        wrong_count=counts[ImportRow.State.WRONG],
        finished_at=timezone.now(),
    )
    FilePiece.objects.filter(of=one).delete()


def _still_wanted(one: CatalogueImport) -> None:
    """Who gives an import up meanwhile waits for this transaction, and then sees what it wrote."""
    if not CatalogueImport.objects.select_for_update().filter(pk=one.pk, state=one.state).exists():
        raise GivenUp


def _write_halving(one: CatalogueImport, resource: OfferResource, rows: Rows) -> None:
    try:
        with transaction.atomic():
            _still_wanted(one)
            refused, groups = _write_chunk(one, resource, rows)
            written = [number for number, _ in rows if number not in refused]
            ImportRow.objects.filter(of=one, number__in=written).update(state=ImportRow.State.WRITTEN)
            _refuse(one, refused)
    except (Wrong, DatabaseError) as error:
        resource.shelves = Shelves(resource.mapping)  # what it made was taken back
        if len(rows) > 1:
            half = len(rows) // 2
            _write_halving(one, resource, rows[:half])
            _write_halving(one, resource, rows[half:])
            return
        word, values = (error.word, error.values) if isinstance(error, Wrong) else ("database", {})
        _refuse(one, {rows[0][0]: [["", word, values]]})
    else:
        resource.groups.update(groups)


def _refuse(one: CatalogueImport, refused: dict[int, list[list[Any]]]) -> None:
    for number, errors in refused.items():
        ImportRow.objects.filter(of=one, number=number).update(state=ImportRow.State.WRONG, errors=errors)


def _write_chunk(
    one: CatalogueImport, resource: OfferResource, rows: Rows
) -> tuple[dict[int, list[list[Any]]], dict[str, int]]:
    """Read these rows anew under lock and write what differs. Answers those wrong by now, and new products' words."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '20s'")  # a checkout that holds a shelf is done in a moment
    lock(resource.skus_of(rows))
    results = resource.read(rows)
    refused = {
        number: errors for (number, _), result in zip(rows, results, strict=True) if (errors := errors_of(result))
    }
    offers = [r.instance for r in results if r.import_type in (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE)]
    groups = write(offers, resource, by=one.by, cause=f"import-{one.pk}:", note=one.file_name)
    _mend_statistics()
    return refused, groups


def _resource(one: CatalogueImport) -> OfferResource:
    """With the products that rows left alone name, and those that rows written before an interruption have made."""
    resource = OfferResource(mappings.from_json(one.mapping), digest=one.digest)
    if "product" in resource.fields:
        place = resource.mapping.columns["product"]
        told = ImportRow.objects.filter(of=one).exclude(state=ImportRow.State.WRONG).values_list("number", "cells")
        for rows in _batches(told.order_by("number").iterator(chunk_size=CHUNK)):
            offers = {offer.sku: offer for offer in resource.known(rows)}
            for _, cells in rows:
                sku = resource.skus_of([(0, cells)])[0]
                if cells[place].strip() and sku in offers:
                    resource.groups[cells[place].strip()] = offers[sku].product_id
    return resource


def _batches(rows: Iterator[tuple[int, list[str]]]) -> Iterator[Rows]:
    while batch := list(islice(rows, CHUNK)):
        yield batch


def _good_rows(one: CatalogueImport) -> Iterator[Rows]:
    """Chunks of the rows that would change something, in the file's order, read one chunk at a time."""
    after = 0
    good = ImportRow.objects.filter(of=one, state__in=(ImportRow.State.NEW, ImportRow.State.CHANGED))
    while rows := list(good.filter(number__gt=after).order_by("number").values_list("number", "cells")[:CHUNK]):
        yield rows
        after = rows[-1][0]
