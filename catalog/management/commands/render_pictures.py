"""`manage.py render_pictures`: what the picture jobs do, by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from catalog import pictures
from catalog.models import Picture


class Command(BaseCommand):
    help = (
        "Draw the renditions that pictures still lack. The worker does it after each upload; run this by hand after "
        "restoring a database beside an older media folder. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        drawn = failed = 0
        for picture in Picture.objects.order_by("pk").iterator():
            pictures.forget_lost(picture)
            try:
                drawn += len(pictures.render(picture))
            except (OSError, pictures.PictureRefused) as error:
                failed += 1
                self.stderr.write(f"picture {picture.pk}: {error}")
        self.stdout.write(f"{drawn} renditions drawn, {failed} pictures failed")
