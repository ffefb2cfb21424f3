from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from okryu.calendar import local_day
from okryu.figures.closing import close_days


class Command(BaseCommand):
    help = "Forget the visitors of past days and keep their number. The worker does it daily at 00:05; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Days closed: {close_days(before=local_day(timezone.now()))}")
