"""Carry unanswered questions to the card network on."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from orders.healing import heal

EVERY_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Asks the card network again about every question it has not answered and records what comes back. "
        "The worker does it every five seconds; run it by hand, once or with --loop, where no worker runs. "
        "Safe to repeat and to run several times at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on every five seconds until stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        if options["loop"]:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, stop)
        while True:
            healed = heal(stopped=stopped.is_set)
            if healed.answered or healed.waiting or not options["loop"]:
                self.stdout.write(f"{healed.answered} answered, {healed.waiting} still waiting")
            if not options["loop"] or stopped.wait(EVERY_SECONDS):
                return
            close_old_connections()
