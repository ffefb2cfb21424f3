"""manage.py close_day"""

from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from okryu.calendar import local_day
from payments.settlement import close_day, days_to_close


class Command(BaseCommand):
    help = "Close every day that is over and not closed yet. Run by the job worker just after midnight; repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", type=date.fromisoformat, help="last day to close (default: yesterday)")
        parser.add_argument("--dry-run", action="store_true", help="only name the days")

    def handle(self, *args: Any, **options: Any) -> None:
        yesterday = local_day(timezone.now()) - timedelta(days=1)
        until = options["until"] or yesterday
        if until > yesterday:
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
