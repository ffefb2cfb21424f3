"""Pictures as bytes: judge an uploaded file, and draw its renditions. Knows no database and no storage.

Every rendition is drawn anew from decoded pixels, so nothing of the upload's bytes (EXIF, GPS, a hidden
archive behind the last pixel) ever reaches a shopper.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps

KINDS = ("avif", "webp", "jpeg")
WIDTHS = (160, 320, 640, 960)
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF"]
BYTES_LIMIT = 10 * 1024 * 1024
PIXEL_LIMIT = 40_000_000  # a 40-megapixel telephone; decoded that is 120 MB of RGB
SHORTEST_SIDE = 160
# Changed with the recipe below: files are immutable under their name, so new looks need new names.
RECIPE = b"okryu-1:"
# Thumbnails travel over a slow metered network: about 6 KB for 320 JPEG pixels, 4 KB as WebP.
JPEG_QUALITY = {160: 70, 320: 62, 640: 74, 960: 74}

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    MemoryError,
    struct.error,
    zlib.error,
)


class PictureRefused(ValueError):
    """The file is no picture the shop takes; the message says so in the reader's language."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a sound picture is: its digest, and its size in pixels as people see it."""

    digest: str
    width: int
    height: int
    extension: str


def judge(data: bytes) -> Judged:
    """Decode the whole picture once to see that it is sound. Raises PictureRefused."""
    image = _decoded(data)
    upright = ImageOps.exif_transpose(image)
    if min(upright.size) < SHORTEST_SIDE:
        raise PictureRefused(_("The picture is too small: at least 160 pixels on each side."))
    if max(upright.size) > 8 * min(upright.size):
        raise PictureRefused(_("The picture is too long and narrow."))
    # A telephone's picture with a second, hidden frame (MPO) is a JPEG whose first frame is the picture.
    extension = "jpeg" if image.format == "MPO" else (image.format or "").lower()
    return Judged(digest=digest(data), width=upright.width, height=upright.height, extension=extension)


def digest(data: bytes) -> str:
    return hashlib.sha256(RECIPE + data).hexdigest()[:24]


def names_for(width: int, *, kinds: Iterable[str] = KINDS, widths: Iterable[int] = WIDTHS) -> list[str]:
    """The renditions a picture of this width gets, like "webp320". Nothing is drawn larger than it came."""
    return [f"{kind}{size}" for size in widths if size <= width for kind in kinds]


def draw(data: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """The files of the renditions named, each from the sRGB picture reduced to its width."""
    whole = _srgb(_decoded(data))
    drawn: dict[str, bytes] = {}
    reduced: dict[int, Image.Image] = {}
    for name in names:
        kind = name.rstrip("0123456789")
        width = int(name[len(kind) :])
        if width not in reduced:
            height = max(1, round(whole.height * width / whole.width))
            reduced[width] = whole.resize((width, height), Image.Resampling.LANCZOS)
        drawn[name] = _encoded(reduced[width], kind, width)
    return drawn


def _decoded(data: bytes) -> Image.Image:
    """The picture with all its pixels read, or PictureRefused."""
    if len(data) > BYTES_LIMIT:
        raise PictureRefused(_("The file is larger than 10 MB."))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as header:
            _refuse_too_many_pixels(header)  # before a single pixel is decoded
            header.verify()
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.draft(None, (1920, 1920))  # a large JPEG is decoded at a fraction of its size
        image.load()
    except PictureRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except _UNREADABLE as error:
        raise PictureRefused(_("This is not a whole JPEG, PNG, WebP or AVIF picture.")) from error
    return image


def _refuse_too_many_pixels(image: Image.Image) -> None:
    if image.width * image.height > PIXEL_LIMIT:
        raise _too_many_pixels()


def _too_many_pixels() -> PictureRefused:
    return PictureRefused(_("The picture has more than 40 million pixels."))


def _srgb(image: Image.Image) -> Image.Image:
    """Upright, in sRGB, transparent parts on white."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.point(lambda level: level / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(with_alpha, mask=with_alpha.getchannel("A"))
    if profile and image.mode in ("RGB", "CMYK", "L"):
        image = _from_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile costs some colour, not the picture
    return image if converted is None else converted


def _encoded(image: Image.Image, kind: str, width: int) -> bytes:
    out = io.BytesIO()
    if kind == "jpeg":
        image.save(out, "JPEG", quality=JPEG_QUALITY.get(width, 74), progressive=True, optimize=True)
    elif kind == "webp":
        image.save(out, "WEBP", quality=78, method=4)
    else:
        image.save(out, "AVIF", quality=55, speed=6)
    return out.getvalue()
