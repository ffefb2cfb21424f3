"""`manage.py load_demo`: fill an empty shop with the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from okryu import progress
from okryu.demo.load import NotADemoShop, load


class Command(BaseCommand):
    help = (
        "Load the demo: goods, pictures, members, staff and sixty days of orders. `make run` runs it once in an empty "
        "shop; developers run it by hand. Run again, it adds only what is missing. Refused in a shop that has sellers "
        "of its own, and in production without --yes-demo: the demo's passwords and cards are printed in the README."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes-demo", action="store_true", help="in production too, publicly known logins included")

    def handle(self, *args: Any, yes_demo: bool, **options: Any) -> None:
        if settings.PRODUCTION and not yes_demo:
            raise CommandError("This is production and all know the demo's passwords: --yes-demo if you mean it.")
        progress.begin()
        try:
            load(tell=progress.tell)
        except NotADemoShop as error:
            raise CommandError(f"This shop has sellers of its own ({error}): the demo needs an empty one.") from None
