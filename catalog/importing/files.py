"""An upload becomes an import: measured, looked into for its header, and kept in pieces for the worker."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from catalog.importing import tables
from catalog.importing.mapping import proposed
from catalog.importing.words import Wrong
from catalog.models import CatalogueImport, FilePiece

PIECE = 1024 * 1024
SAMPLE_ROWS = 3
OPEN = [CatalogueImport.State.MAPPING, CatalogueImport.State.CHECKED]
SAMPLE_TEXT = 120


def receive(upload: UploadedFile[Any], *, by: User) -> CatalogueImport:
    """Keep a file whose header can be read; what its rows say is the worker's business. Raises Wrong."""
    if (upload.size or 0) > tables.MOST_BYTES:
        raise Wrong("too_large", limit=tables.MOST_BYTES // 1024 // 1024)
    content = b"".join(upload.chunks())
    table = tables.read(content)
    sample = [[cell[:SAMPLE_TEXT] for cell in row.cells] for row in islice(table.rows, SAMPLE_ROWS)]
    if not sample:
        raise Wrong("no_rows")
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=by.pk)
        # Sent twice, by a double click perhaps: what was begun with it goes on.
        if open_one := CatalogueImport.objects.filter(by=by, digest=digest, state__in=OPEN).first():
            return open_one
        one = CatalogueImport.objects.create(
            by=by,
            file_name=_safe_name(upload.name or ""),
            size=len(content),
            digest=digest,
            header=table.header,
            sample=sample,
            mapping=proposed(table.header, by).as_json(),
            row_count=table.about,
        )
        for number, place in enumerate(range(0, len(content), PIECE)):
            FilePiece.objects.create(of=one, number=number, content=content[place : place + PIECE])
    return one


def _safe_name(name: str) -> str:
    """The name as the sender knows it, without what no file name has."""
    return "".join(char for char in name if char.isprintable())[-120:] or "-"
