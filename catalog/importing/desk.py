"""The bureau's pages of imports and exports, /admin/desk/catalogue/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.private import member
from accounts.staff import staff_page
from catalog.importing import answers, export, stages
from catalog.importing import mapping as mappings
from catalog.importing.fields import BY_NAME
from catalog.importing.files import receive
from catalog.importing.forms import MappingForm, UploadForm, WritingForm
from catalog.importing.words import Wrong, say
from catalog.models import CatalogueImport, ImportRow

PERMISSION = "catalog.import_catalogue"
GET_POST = require_http_methods(["GET", "HEAD", "POST"])
SHOWN = 50
QUIET_SECONDS = 45  # without a sign of life a worker has stopped; a stage beats every second or two
State = CatalogueImport.State
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@GET_POST
@staff_page(PERMISSION)
def index(request: HttpRequest) -> HttpResponse:
    """Send a file; earlier ones; the way out."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        try:
            one = receive(form.cleaned_data["file"], by=member(request))
        except Wrong as wrong:
            form.add_error("file", say(wrong.word, wrong.values))
        else:
            return redirect("imports:mapping", one.key)
    earlier = CatalogueImport.objects.select_related("by").defer("header", "sample", "mapping")[:SHOWN]
    context = {"form": form, "imports": earlier}
    return render(request, "desk/imports.html", context, status=422 if form.is_bound else 200)


@GET_POST
@staff_page(PERMISSION)
def mapping(request: HttpRequest, key: UUID) -> HttpResponse:
    """Which column is what; a POST begins the check."""
    one = get_object_or_404(CatalogueImport.objects.select_related("by"), key=key)
    if one.state not in (State.MAPPING, State.CHECKED):
        return redirect("imports:import", one.key)
    known = mappings.from_json(one.mapping)
    form = MappingForm(request.POST if request.method == "POST" else None, header=one.header, mapping=known)
    if form.is_valid():
        stages.begin_check(one, form.cleaned_data["mapping"], by=member(request))
        return redirect("imports:import", one.key)
    sample = [(name, [row[place] for row in one.sample if place < len(row)]) for place, name in enumerate(one.header)]
    context = {"form": form, "import": one, "sample": sample}
    return render(request, "desk/import_mapping.html", context, status=422 if form.is_bound else 200)


@require_safe
@staff_page(PERMISSION)
def show(request: HttpRequest, key: UUID) -> HttpResponse:
    """Where an import stands: progress, the preview row by row, or the report."""
    one = get_object_or_404(CatalogueImport.objects.select_related("by"), key=key)
    if one.state == State.MAPPING:
        return redirect("imports:mapping", one.key)
    how = CatalogueImport.How.GOOD if one.wrong_count else CatalogueImport.How.ALL
    return _page(request, one, WritingForm(initial={"how": how}))


def _page(request: HttpRequest, one: CatalogueImport, form: WritingForm) -> HttpResponse:
    shown = request.GET.get("rows", "")
    after = request.GET.get("after", "0")
    if shown not in ("", *ImportRow.State.values) or not (after.isascii() and after.isdigit() and len(after) < 10):
        raise Http404
    rows = ImportRow.objects.filter(of=one, number__gt=int(after))
    rows = rows.filter(state=shown) if shown else rows.exclude(state=ImportRow.State.SAME)
    page = [] if one.is_running else list(rows.order_by("number")[: SHOWN + 1])
    context = {
        "import": one,
        "form": form,
        "rows": _rows(page[:SHOWN], one),
        "shown": shown,
        "counts": _counts(one),
        "after": int(after),
        "next_after": page[SHOWN - 1].number if len(page) > SHOWN else None,
        "failure": say(*one.failure) if one.failure else "",
        "is_quiet": one.beat_at and (timezone.now() - one.beat_at).total_seconds() > QUIET_SECONDS,
        "missing": {place: count for place, count in one.missing.items() if count},
    }
    return render(request, "desk/import.html", context, status=422 if form.is_bound else 200)


def _counts(one: CatalogueImport) -> list[tuple[str, str, int]]:
    """The ways to look at the rows, with how many there are of each."""
    State = ImportRow.State
    if one.state == CatalogueImport.State.CHECKED:
        known = [
            (State.NEW, one.new_count),
            (State.CHANGED, one.changed_count),
            (State.SAME, one.same_count),
            (State.WRONG, one.wrong_count),
        ]
    else:
        known = [(State.WRITTEN, one.written_count), (State.SAME, one.same_count), (State.WRONG, one.wrong_count)]
    return [(str(state), str(state.label), count) for state, count in known]


def _rows(rows: list[ImportRow], one: CatalogueImport) -> list[dict[str, Any]]:
    attributes = answers.labels(name for row in rows for name, *_ in row.changes or [])

    def label_of(name: str) -> str:
        return str(BY_NAME[name].label) if name in BY_NAME else attributes.get(name, name)

    return [_row(row, one, label_of) for row in rows]


def _row(row: ImportRow, one: CatalogueImport, label_of: Callable[[str], str]) -> dict[str, Any]:
    """A row in words: what it is called, and its changes or what is wrong in which column."""
    mapping = mappings.from_json(one.mapping)
    told = dict(zip(mapping.fields, mapping.values_of(row.cells), strict=True))
    return {
        "number": row.number,
        "state": row.state,
        "label": row.get_state_display(),
        "sku": mapping.prefix + told.get("sku", ""),
        "name": told.get("name_ko_kp") or told.get("name_en", ""),
        "price": told.get("price", ""),
        "changes": [(label_of(name), old, new) for name, old, new in row.changes or []],
        "errors": [(_column(name, mapping, one), say(word, values)) for name, word, values in row.errors or []],
    }


def _column(name: str, mapping: mappings.Mapping, one: CatalogueImport) -> str:
    """The file's own name of the column, else the field's."""
    if name in mapping.columns:
        return one.header[mapping.columns[name]]
    return str(BY_NAME[name].label) if name else ""


@require_POST
@staff_page(PERMISSION)
def writing(request: HttpRequest, key: UUID) -> HttpResponse:
    """Write what was checked: all or none, or the good rows only."""
    one = get_object_or_404(CatalogueImport.objects.select_related("by"), key=key)
    form = WritingForm(request.POST)
    if one.state != State.CHECKED:
        return redirect("imports:import", one.key)
    if form.is_valid():
        if form.cleaned_data["how"] == CatalogueImport.How.ALL and one.wrong_count:
            form.add_error("how", _("Some rows are wrong: take the good rows only, or mend the file."))
        else:
            stages.begin_writing(one, how=form.cleaned_data["how"])
            return redirect("imports:import", one.key)
    return _page(request, one, form)


@require_POST
@staff_page(PERMISSION)
def cancellation(request: HttpRequest, key: UUID) -> HttpResponse:
    one = get_object_or_404(CatalogueImport, key=key)
    if stages.give_up(one):
        messages.info(request, _("The import is given up."))
    return redirect("imports:import", one.key)


@require_safe
@staff_page(PERMISSION)
def refused(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Every row that was not taken, with what is wrong, as a file to mend and send again."""
    one = get_object_or_404(CatalogueImport, key=key)
    return _sent(export.as_csv(_refused_rows(one)), f"refused-{one.key}", "csv")


def _refused_rows(one: CatalogueImport) -> Iterator[list[str]]:
    yield [_("row"), _("what is wrong"), *map(export.guarded, one.header)]
    mapping = mappings.from_json(one.mapping)
    for row in ImportRow.objects.filter(of=one, state=ImportRow.State.WRONG).order_by("number").iterator(500):
        found = [(_column(name, mapping, one), say(word, values)) for name, word, values in row.errors or []]
        words = " ".join(f"{column}: {text}" if column else text for column, text in found)
        yield [str(row.number), words, *map(export.guarded, row.cells)]


@require_safe
@staff_page(PERMISSION)
def products(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Everything there is, to edit and to send back."""
    if kind not in TYPES:
        raise Http404
    make = export.as_csv if kind == "csv" else export.as_xlsx
    return _sent(make(export.rows()), "products", kind)


def _sent(pieces: Iterator[bytes], name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response
