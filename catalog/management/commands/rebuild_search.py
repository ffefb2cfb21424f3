import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.search import index, rebuild

WIDTH = 30


class Command(BaseCommand):
    help = (
        "Write the search index anew where it is missing or of older rules, while the shop goes on searching; count "
        "its words. Run after a change of the rules; `prepare` runs it by itself. A broken run goes on where it "
        "stopped. --check compares a random sample with what the rules would write now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        words = "only compare N random documents; exit 1 if one differs"
        parser.add_argument("--check", type=int, metavar="N", help=words)

    def handle(self, *args: Any, check: int | None, **options: Any) -> None:
        if check is not None:
            index.follow_all()
            if wrong := index.differing(check):
                text = f"{len(wrong)} of {check} documents differ, the first of product {wrong[0]}: run rebuild_search."
                raise CommandError(text)
            self.stdout.write(f"{check} documents are what the rules would write.")
            return
        begun = time.monotonic()
        count = rebuild.rebuild(tell=_Bar(begun))
        followed = index.follow_all()
        spent = time.monotonic() - begun
        self.stdout.write(f"{count:,} documents written, {followed:,} changes followed, {spent:.1f} s")


class _Bar:
    """█████░░░ 12,000 of 40,000, with the seconds left."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._told = 0.0

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if of and (now - self._told > 0.5 or done >= of):
            self._told = now
            filled = min(WIDTH, WIDTH * done // of)
            left = (now - self._begun) * (of - done) / done if done else 0
            sys.stderr.write(f"\r{'█' * filled}{'░' * (WIDTH - filled)} {done:,} of {of:,}, {left:.0f} s left ")
            if done >= of:
                sys.stderr.write("\n")
            sys.stderr.flush()
