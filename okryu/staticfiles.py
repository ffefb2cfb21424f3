"""Static files: hashed, compressed, the style sheets joined into one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

JOINED = "css/okryu.css"

# The order of the cascade: names first, plain elements, the page's frame, then one file per component.
STYLE_SHEETS = [
    "css/tokens.css",
    "css/base.css",
    "css/header.css",
    "css/suggest.css",
    "css/tabbar.css",
    "css/footer.css",
    "css/button.css",
    "css/field.css",
    "css/choice.css",
    "css/message.css",
    "css/card.css",
    "css/price.css",
    "css/tag.css",
    "css/home.css",
    "css/filters.css",
    "css/product.css",
    "css/review.css",
    "css/parcel.css",
    "css/timeline.css",
    "css/totals.css",
    "css/checkout.css",
    "css/table.css",
    "css/chart.css",
    "css/text.css",
    "css/desk.css",
    "css/print.css",
]


def joined_styles() -> str:
    """All style sheets as one text behind one gate: an engine without custom properties gets plain HTML."""
    folder = Path(settings.BASE_DIR) / "static"
    parts = [(folder / name).read_text(encoding="utf-8").strip() for name in STYLE_SHEETS]
    text = re.sub(r"/\*.*?\*/", "", "\n".join(parts), flags=re.DOTALL)  # the comments are for us
    lines = (line.strip() for line in text.splitlines())
    return "@supports (--a: 0) {\n" + "\n".join(line for line in lines if line) + "\n}\n"


class ShopStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Adds the joined style sheet to what is hashed and compressed, and leaves its parts out."""

    joins_styles = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            for name in STYLE_SHEETS:
                paths.pop(name, None)
                self.delete(name)
            self.delete(JOINED)
            self._save(JOINED, ContentFile(joined_styles().encode()))
            paths[JOINED] = (self, JOINED)
        yield from super().post_process(paths, dry_run, **options)
