"""manage.py settle_day"""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.models import DayCut
from payments.network.desk import pay_shop
from payments.settlement import settle


class Command(BaseCommand):
    help = "Settle a closed day: the network pays the shop, the shop pays its sellers. Run every morning; repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, help="the closed day (default: the last one)")

    def handle(self, *args: Any, **options: Any) -> None:
        cuts = DayCut.objects.order_by("-id")
        cut = (cuts.filter(day=options["day"]) if options["day"] else cuts).first()
        if cut is None:
            raise CommandError("No such closed day.")
        pay_shop(cut)
        settled = settle(cut)
        self.stdout.write(
            f"{cut.day}: received {settled.received:,}, returned {settled.returned:,},"
            f" paid {settled.paid_out:,} to {settled.sellers} sellers and the couriers"
        )
