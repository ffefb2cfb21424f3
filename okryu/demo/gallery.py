"""The demo's pictures: kept like uploads, the small renditions drawn at once on every core, the rest by jobs."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from catalog import pictures, renditions
from catalog.models import Picture, Product

MASTERS = Path(__file__).resolve().parent / "pictures"
KINDS_AT_ONCE = ("jpeg", "webp")  # with these widths: what a first view of any page needs
WIDTHS_AT_ONCE = (160, 320)


def load_pictures(
    rows: list[dict[str, Any]], products: dict[str, Product], *, tell: Callable[[int, int], None]
) -> list[Picture]:
    """Every picture of the demo, its small renditions standing ready. `tell(done, all)` hears of the progress."""
    kept = list(_keep(rows, products))
    for picture in kept:
        pictures.forget_lost(picture)
    _draw({picture.digest: picture for picture in kept}, kept, tell)
    for picture in kept:
        if pictures.missing(picture):
            pictures.render_later(picture)
    return kept


def _keep(rows: list[dict[str, Any]], products: dict[str, Product]) -> Iterator[Picture]:
    known = {(picture.product_id, picture.digest): picture for picture in Picture.objects.all()}
    for row in rows:
        product = products[row["variants"][0]["sku"]]
        for position, shown in enumerate(row["pictures"]):
            master = MASTERS / shown["file"]
            found = known.get((product.pk, renditions.digest(master.read_bytes())))
            yield found or _add(product, master, position, shown)


def _add(product: Product, master: Path, position: int, shown: dict[str, Any]) -> Picture:
    with master.open("rb") as file:
        return pictures.keep_original(
            product=product, file=file, alt_ko_kp=shown["alt_ko"], alt_en=shown["alt_en"], position=position
        )


def _draw(of_digest: dict[str, Picture], kept: list[Picture], tell: Callable[[int, int], None]) -> None:
    """Several products may share one picture: it is drawn once and named on each of their rows."""
    wanted = {
        digest: names
        for digest, picture in of_digest.items()
        if (
            names := {
                name
                for row in kept
                if row.digest == digest
                for name in pictures.missing(row, KINDS_AT_ONCE, WIDTHS_AT_ONCE)
            }
        )
    }
    if not wanted:
        tell(len(of_digest), len(of_digest))
        return
    # Fresh processes, not forks: a fork would share this one's database connection.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=context) as pool:
        jobs = {
            digest: pool.submit(renditions.draw, _bytes_of(of_digest[digest]), sorted(names))
            for digest, names in wanted.items()
        }
        for done, (digest, job) in enumerate(jobs.items(), start=1):
            drawn = job.result()
            for picture in kept:
                if picture.digest == digest:
                    pictures.record(picture, drawn)
            if done % 30 == 0 or done == len(jobs):
                tell(done, len(jobs))


def _bytes_of(picture: Picture) -> bytes:
    with picture.original.open() as file:
        return bytes(file.read())
