"""Jobs of the catalogue. Each is safe to run twice."""

from procrastinate.contrib.django import app

from catalog import pictures
from catalog.models import Picture


@app.task(queue="pictures", retry=3)
def render_picture(picture_id: int) -> None:
    """Draw every rendition a picture still lacks; one removed meanwhile needs none."""
    if picture := Picture.objects.filter(pk=picture_id).first():
        pictures.render(picture)
