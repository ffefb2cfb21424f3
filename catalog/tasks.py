"""Jobs of the catalogue. Each is safe to run twice."""

from procrastinate.contrib.django import app

from catalog import packing, pictures
from catalog.models import Picture


# One at a time, whatever the worker could take: the others of its threads stay free for payments.
@app.task(queue="pictures", lock="pictures", priority=-10, retry=3)
def render_picture(picture_id: int) -> None:
    """Draw every rendition a picture still lacks; one removed meanwhile needs none."""
    if picture := Picture.objects.filter(pk=picture_id).first():
        pictures.render(picture)


@app.periodic(cron="* * * * * *")
@app.task(queue="listing", queueing_lock="pack_listing", lock="pack_listing", pass_context=False)
def pack_listing(timestamp: int) -> None:
    """Bring the lists up to date with what was changed in the last second."""
    while packing.pack_due() >= packing.BATCH:
        pass
