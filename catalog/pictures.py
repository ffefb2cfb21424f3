"""Pictures of products: take a file in, keep its original, make its renditions stand ready.

`add_picture` belongs to the request: it decodes the file once and defers the drawing to a job. Rendition files are
named by the original's digest and never change, so shoppers' browsers keep them for a year.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max
from procrastinate.contrib.django import app

from catalog import renditions
from catalog.models import Picture, Product, ProductVariant
from catalog.renditions import BYTES_LIMIT, KINDS, WIDTHS, PictureRefused

__all__ = [
    "PictureRefused",
    "add_picture",
    "forget_lost",
    "keep_original",
    "missing",
    "record",
    "render",
    "render_later",
]


def add_picture(
    *,
    product: Product,
    file: BinaryIO,
    alt_ko_kp: str = "",
    alt_en: str = "",
    variant: ProductVariant | None = None,
    position: int | None = None,
) -> Picture:
    """Keep the file as the product's next picture (or at `position`) and ask a job for its renditions.

    The same file given twice is one picture. Raises PictureRefused for whatever is not a sound JPEG, PNG, WebP or
    AVIF picture within the limits: an SVG, a GIF, a truncated file, a bomb.
    """
    picture = keep_original(
        product=product, file=file, alt_ko_kp=alt_ko_kp, alt_en=alt_en, variant=variant, position=position
    )
    render_later(picture)
    return picture


def keep_original(
    *,
    product: Product,
    file: BinaryIO,
    alt_ko_kp: str = "",
    alt_en: str = "",
    variant: ProductVariant | None = None,
    position: int | None = None,
) -> Picture:
    """`add_picture` without the job: for a caller that draws the renditions itself."""
    data = file.read(BYTES_LIMIT + 1)
    judged = renditions.judge(data)
    original = f"originals/{judged.digest}.{judged.extension}"
    _store(original, data)
    with transaction.atomic():
        # Two uploads for one product at once get two positions.
        Product.objects.select_for_update(no_key=True).get(pk=product.pk)
        if known := Picture.objects.filter(product=product, digest=judged.digest).first():
            return known
        return Picture.objects.create(
            product=product,
            variant=variant,
            alt_ko_kp=alt_ko_kp,
            alt_en=alt_en,
            position=_next_position(product) if position is None else position,
            original=original,
            digest=judged.digest,
            width=judged.width,
            height=judged.height,
        )


def missing(picture: Picture, kinds: Iterable[str] = KINDS, widths: Iterable[int] = WIDTHS) -> list[str]:
    """The renditions of these formats and widths the picture should have and has not."""
    return [
        name
        for name in renditions.names_for(picture.width, kinds=kinds, widths=widths)
        if name not in picture.renditions
    ]


def render(picture: Picture, kinds: Iterable[str] = KINDS, widths: Iterable[int] = WIDTHS) -> list[str]:
    """Draw what is missing of these formats and widths, in this process. Returns the names drawn.

    Safe to run twice and at once: the files come out the same, and the row only gains names.
    """
    if names := missing(picture, kinds, widths):
        with picture.original.open() as original:
            record(picture, renditions.draw(original.read(), names))
    return names


def forget_lost(picture: Picture) -> None:
    """Stop offering renditions whose files are gone, as after restoring a database without its newest files."""
    there = [name for name in picture.renditions if default_storage.exists(picture.rendition_path(name))]
    if there != picture.renditions:
        Picture.objects.filter(pk=picture.pk).update(renditions=there)
        picture.renditions = there


def record(picture: Picture, drawn: dict[str, bytes]) -> None:
    """Write rendition files, then name them on the row: a page never offers a file that is not whole."""
    for name, data in drawn.items():
        _store(picture.rendition_path(name), data)
    with transaction.atomic():
        row = Picture.objects.select_for_update(no_key=True).get(pk=picture.pk)
        row.renditions = sorted(set(row.renditions) | set(drawn), key=_narrow_first)
        row.save(update_fields=["renditions"])
    picture.renditions = row.renditions


def render_later(picture: Picture) -> None:
    """Ask a job (catalog/tasks.py) for all renditions still missing; rolled back with the caller's transaction."""
    app.configure_task("catalog.tasks.render_picture").defer(picture_id=picture.pk)


def _next_position(product: Product) -> int:
    last: int | None = Picture.objects.filter(product=product).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _store(path: str, data: bytes) -> None:
    """Write a file whose name is its content's. A file of another length is what a crash left: write it again."""
    if default_storage.exists(path):
        if default_storage.size(path) == len(data):
            return
        default_storage.delete(path)
    saved = default_storage.save(path, ContentFile(data))
    if saved != path:  # another process wrote the same bytes at the same moment
        default_storage.delete(saved)


def _narrow_first(name: str | int) -> tuple[int, str]:  # django-stubs types the array's elements so
    name = str(name)
    kind = name.rstrip("0123456789")
    return int(name[len(kind) :]), kind
