"""Uploading a picture: what is taken, what is refused, what shoppers get to see."""

import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import translation
from PIL import Image, ImageCms
from procrastinate import testing
from procrastinate.contrib.django import app

from catalog import pictures, renditions, tasks
from catalog.models import Picture
from tests.factories import ProductFactory

GPS = 0x8825
ORIENTATION = 0x0112


def drawing(size: tuple[int, int] = (640, 480), mode: str = "RGB") -> Image.Image:
    """A gradient: like a photograph, every column differs."""
    return Image.linear_gradient("L").resize(size).convert(mode)


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    return out


def photograph(**options: Any) -> io.BytesIO:
    """A telephone's JPEG lying on its side, with its owner's position in it."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[GPS] = {1: "N", 2: (39.0, 1.0, 30.0)}
    return file_of(drawing(), "JPEG", exif=exif, **options)


def add(file: io.BytesIO) -> Picture:
    return pictures.add_picture(product=ProductFactory(), file=file, alt_ko_kp="랭면", alt_en="Noodles")


def opened(picture: Picture, name: str) -> Image.Image:
    with default_storage.open(picture.rendition_path(name)) as file:
        image = Image.open(io.BytesIO(file.read()))
        image.load()
        return image


@pytest.mark.django_db
def test_a_picture_is_rendered_by_its_job() -> None:
    connector = testing.InMemoryConnector()
    with app.replace_connector(connector):
        picture = add(file_of(drawing((1000, 1000)), "JPEG"))
    assert picture.renditions == []
    (job,) = connector.jobs.values()
    assert job["task_name"] == tasks.render_picture.name
    for _ in range(2):  # a job may run twice
        tasks.render_picture(**job["args"])
    picture.refresh_from_db()
    assert set(picture.renditions) == {f"{k}{w}" for k in ("jpeg", "webp", "avif") for w in (160, 320, 640, 960)}
    for name in picture.renditions:
        kind, width = name[:4], int(name[4:])
        image = opened(picture, name)
        assert (image.format or "").lower() == kind
        assert image.size == (width, width)


@pytest.mark.django_db
def test_nothing_is_drawn_larger_than_it_came() -> None:
    picture = add(file_of(drawing((400, 300))))
    pictures.render(picture, kinds=["webp"])
    assert picture.renditions == ["webp160", "webp320"]
    assert opened(picture, "webp320").size == (320, 240)


@pytest.mark.django_db
def test_a_telephones_picture_stands_upright_and_tells_no_place() -> None:
    picture = add(photograph())
    pictures.render(picture, widths=[320])
    assert (picture.width, picture.height) == (480, 640)
    for kind in ("jpeg", "webp", "avif"):
        image = opened(picture, f"{kind}320")
        assert image.height > image.width
        assert not image.getexif()
        assert "icc_profile" not in image.info


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["CMYK", "L", "I;16", "P", "LA", "RGBA", "1"])
def test_every_kind_of_colour_becomes_rgb(mode: str) -> None:
    image = drawing((320, 320), "L").convert("I;16") if mode == "I;16" else drawing((320, 320)).convert(mode)
    picture = add(file_of(image, "JPEG" if mode == "CMYK" else "PNG"))
    pictures.render(picture, kinds=["jpeg"], widths=[160])
    assert opened(picture, "jpeg160").mode == "RGB"


@pytest.mark.django_db
def test_what_shows_through_is_white() -> None:
    picture = add(file_of(Image.new("RGBA", (320, 320), (255, 0, 0, 0))))
    pictures.render(picture, kinds=["jpeg"], widths=[160])
    assert opened(picture, "jpeg160").getpixel((80, 80)) == (255, 255, 255)


@pytest.mark.django_db
def test_a_colour_profile_is_applied_not_dropped() -> None:
    """A Lab-like profile turned into sRGB; a broken one costs some colour, not the picture."""
    grey = Image.new("RGB", (320, 320), (120, 130, 140))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (profile, b"no profile at all"):
        picture = add(file_of(grey, "PNG", icc_profile=icc))
        pictures.render(picture, kinds=["jpeg"], widths=[160])
        red, green, blue = opened(picture, "jpeg160").getpixel((80, 80))  # type: ignore[misc]
        assert abs(red - 120) + abs(green - 130) + abs(blue - 140) < 8
        picture.delete()


@pytest.mark.django_db
def test_bytes_hidden_behind_the_picture_reach_nobody() -> None:
    hidden = b"PK\x03\x04<script>alert(1)</script>"
    picture = add(io.BytesIO(file_of(drawing(), "JPEG").getvalue() + hidden))
    for name in pictures.render(picture, widths=[160, 320]):
        with default_storage.open(picture.rendition_path(name)) as file:
            assert hidden not in file.read()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><script>alert(1)</script></svg>'
JPEG = file_of(drawing(), "JPEG").getvalue()
PNG = file_of(drawing()).getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that would decode to `side` × `side` pixels."""
    return file_of(Image.new("1", (side, side)), "PNG", compress_level=9).getvalue()


REFUSED = {
    "an SVG": SVG,
    "an SVG behind a JPEG's first bytes": JPEG[:3] + SVG,
    "a GIF": file_of(drawing((320, 320)).convert("P"), "GIF").getvalue(),
    "a TIFF": file_of(drawing((320, 320)), "TIFF").getvalue(),
    "a page": b"<!doctype html><title>picture.jpg</title>",
    "nothing": b"",
    "half a JPEG": JPEG[: len(JPEG) // 2],
    "half a PNG": PNG[: len(PNG) // 2],
    "a PNG with a broken pixel row": PNG[:-60] + b"\0" * 40 + PNG[-20:],
    "a speck": file_of(drawing((100, 100))).getvalue(),
    "a ribbon": file_of(drawing((200, 3000))).getvalue(),
    "too many bytes": JPEG + b"\0" * (10 * 1024 * 1024),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", REFUSED)
def test_other_files_are_refused_in_words(what: str) -> None:
    with pytest.raises(pictures.PictureRefused) as refusal:
        add(io.BytesIO(REFUSED[what]))
    assert len(str(refusal.value)) > 10
    assert not Picture.objects.exists()


@pytest.mark.parametrize("side", [7_000, 30_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    data = bomb(side)
    assert len(data) < 200_000
    for seen in (data, data[:200]):  # by its head alone: there is nothing more to decode
        with translation.override("en"), pytest.raises(pictures.PictureRefused, match="40 million pixels"):
            renditions.judge(seen)


@pytest.mark.django_db
def test_the_same_file_twice_is_one_picture() -> None:
    product = ProductFactory()
    first = pictures.add_picture(product=product, file=file_of(drawing()))
    again = pictures.add_picture(product=product, file=file_of(drawing()))
    other = pictures.add_picture(product=product, file=file_of(drawing((500, 500))))
    assert first == again
    assert [first.position, other.position] == [0, 1]


@pytest.mark.django_db
def test_a_file_a_crash_left_half_written_is_written_again() -> None:
    picture = add(file_of(drawing((320, 320))))
    default_storage.save(picture.rendition_path("webp160"), ContentFile(b"RIFF"))
    pictures.render(picture, kinds=["webp"], widths=[160])
    assert opened(picture, "webp160").size == (160, 160)


@pytest.mark.django_db
def test_renditions_whose_files_are_gone_are_drawn_again(client: Client) -> None:
    picture = add(file_of(drawing((320, 320))))
    pictures.render(picture, kinds=["webp"])
    default_storage.delete(picture.rendition_path("webp160"))
    pictures.forget_lost(picture)
    assert picture.renditions == ["webp320"]
    assert pictures.render(picture, kinds=["webp"]) == ["webp160"]


@pytest.mark.django_db
def test_a_rendition_is_kept_for_a_year(client: Client, django_assert_num_queries: Any) -> None:
    picture = add(file_of(drawing((320, 320))))
    pictures.render(picture, kinds=["webp", "jpeg"])
    with django_assert_num_queries(0):
        answer = client.get(picture.rendition_url("webp320"))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert not answer.has_header("Vary")
    assert Image.open(io.BytesIO(b"".join(answer.streaming_content))).size == (320, 320)  # type: ignore[attr-defined]
    again = client.get(picture.rendition_url("webp320"), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    assert client.get(picture.rendition_url("jpeg160"))["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0" * 24 + "-160.webp",
        "../originals/000.png",
        "..%2f..%2fsecrets/secret_key",
        "0" * 24 + "-160.svg",
        "0" * 24 + "-160.webp/",
        "A" * 24 + "-160.webp",
        "0" * 24 + "-160.webp%00.jpg",
    ],
)
def test_no_other_file_is_handed_out(client: Client, name: str) -> None:
    assert client.get(f"/media/pictures/{name}").status_code == 404


def test_pictures_are_only_read(client: Client) -> None:
    assert client.post(f"/media/pictures/{'0' * 24}-160.webp").status_code == 405
