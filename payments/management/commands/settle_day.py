"""manage.py settle_day"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.models import DayCut
from payments.reconciliation import keep_file
from payments.settlement import Settled, settle_waiting_days, settle_with_file, waiting_days
from payments.settlement_file import FileRefused


class Command(BaseCommand):
    help = (
        "Settle every closed day that waits, in order: fetch the network's file, join it with the books, book what"
        " was received, pay the sellers. Run by the job worker every morning; repeatable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, help="this closed day alone")
        parser.add_argument("--file", type=Path, help="the day's settlement file, when it came another way")
        parser.add_argument("--dry-run", action="store_true", help="only name the days that wait")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for cut in waiting_days():
                self.stdout.write(f"{cut.day} waits")
            return
        waiting = False
        for cut, settled in self._days(options["day"], options["file"]):
            self.stdout.write(
                f"{cut.day}: received {settled.received:,}, returned {settled.returned:,},"
                f" paid {settled.paid_out:,} to {settled.sellers} sellers and the couriers"
            )
            if settled.waits_for:
                self.stderr.write(f"{cut.day} is not finished: it waits for {settled.waits_for}")
                waiting = True
        if waiting:
            raise CommandError("Not every day is settled.")

    def _days(self, day: date | None, file: Path | None) -> Iterable[tuple[DayCut, Settled]]:
        if day is None:
            if file:
                raise CommandError("Say with --day which day the file is of.")
            return settle_waiting_days()
        cut = DayCut.objects.filter(day=day).first()
        if cut is None:
            raise CommandError("No such closed day.")
        if file:
            try:
                keep_file(cut, file.read_bytes())
            except FileRefused as refused:
                raise CommandError(f"The file is refused, nothing was booked: {refused}.") from None
        return [(cut, settle_with_file(cut))]
