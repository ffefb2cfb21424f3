"""manage.py close_day"""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.clock import yesterday
from payments.settlement import close_day, days_to_close


class Command(BaseCommand):
    help = "Close every day that is over and not closed yet. Run by the job worker just after midnight; repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", type=date.fromisoformat, help="last day to close (default: yesterday)")
        parser.add_argument("--dry-run", action="store_true", help="only name the days")

    def handle(self, *args: Any, **options: Any) -> None:
        last = yesterday()
        until = options["until"] or last
        if until > last:
            raise CommandError(f"{until} is not over yet.")
        days = days_to_close(until=until)
        if not days:
            self.stdout.write("Nothing to close.")
        for day in days:
            if options["dry_run"]:
                self.stdout.write(f"{day} would be closed")
            else:
                cut = close_day(day)
                self.stdout.write(f"{day} closed at transfer {cut.seq}")
