from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import guesses


class Command(BaseCommand):
    help = "Delete guess counters of more than a day ago. The worker does it every night; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Counters deleted: {guesses.sweep(before=timezone.now() - timedelta(days=1))}")
