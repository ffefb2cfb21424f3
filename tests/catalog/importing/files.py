"""Files for the tests: tables as CSV and XLSX, and the way of one through its stages without a worker."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from accounts.models import User
from catalog.importing import job, stages
from catalog.importing.files import receive
from catalog.importing.mapping import Mapping, from_json
from catalog.models import CatalogueImport, ImportRow
from tests.factories import CategoryFactory, SellerFactory, StaffFactory

DATA = Path(__file__).parent
HEADER = "sku,name_ko_kp,name_en,seller,category,price,stock,weight_g".split(",")
NOODLES = ["N-1", "쟁반국수", "Tray noodles", "okryugwan", "dishes", "450", "12", "1800"]
SOUP = ["N-2", "온반", "Warm rice soup", "okryugwan", "dishes", "320", "5", "900"]


def as_csv(*rows: list[str], header: list[str] | None = None) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADER if header is None else header, *rows])
    return buffer.getvalue().encode()


def as_xlsx(*rows: list[Any], header: list[str] | None = None) -> bytes:
    book = Workbook()
    for row in [HEADER if header is None else header, *rows]:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def shelves() -> None:
    """What the rows above name."""
    SellerFactory()
    CategoryFactory()


def sent(content: bytes, *, name: str = "goods.csv", by: User | None = None) -> CatalogueImport:
    by = by or User.objects.filter(is_superuser=True).first() or StaffFactory()
    return receive(SimpleUploadedFile(name, content), by=by)


def checked(content: bytes, mapping: Mapping | None = None, **how: Any) -> CatalogueImport:
    one = sent(content, **how)
    assert stages.begin_check(one, mapping or from_json(one.mapping), by=one.by)
    job.check(one.pk)
    one.refresh_from_db()
    return one


def written(content: bytes, mapping: Mapping | None = None, *, how: str = "all", **more: Any) -> CatalogueImport:
    one = checked(content, mapping, **more)
    assert one.state == "checked", one.failure
    assert stages.begin_writing(one, how=how)
    job.write_rows(one.pk)
    one.refresh_from_db()
    return one


def counts(one: CatalogueImport) -> dict[str, int]:
    found = {"new": one.new_count, "changed": one.changed_count, "same": one.same_count, "wrong": one.wrong_count}
    return {name: count for name, count in found.items() if count}


def errors(one: CatalogueImport) -> list[tuple[int, str, str]]:
    """(row, field, word) of all that is wrong."""
    rows = ImportRow.objects.filter(of=one, state="wrong").order_by("number")
    return [(row.number, name, word) for row in rows for name, word, _ in row.errors or []]
