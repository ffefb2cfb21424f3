"""Compute the listing that category, seller and search pages read anew."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from catalog import packing


class Command(BaseCommand):
    help = (
        "Computes every product's listing row and the blocks filters are counted with, shelf by shelf, while the "
        "shop goes on. The database and the worker keep them current: run it after a restore or a bulk load that "
        "went round the triggers. Safe to repeat and to break off."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = packing.rebuild(tell=self._tell if sys.stderr.isatty() else lambda done, of: None)
        self.stdout.write(f"{count} products listed anew")

    def _tell(self, done: int, of: int) -> None:
        filled = round(30 * done / max(of, 1))
        bar = "█" * filled + "░" * (30 - filled)
        self.stderr.write(f"\r{bar} {done:,} of {of:,}", ending="\n" if done >= of else "")
