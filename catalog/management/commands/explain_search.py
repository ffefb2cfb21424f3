from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.search.asking import TooSlow
from catalog.search.engine import search
from catalog.search.explaining import explain


class Command(BaseCommand):
    help = (
        "Print why a query finds what it finds: every question that was asked and how each product answered. "
        "For staff who are asked, and for whoever changes a rule. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query")
        parser.add_argument("--shown", type=int, default=10, help="how many products to explain")

    def handle(self, *args: Any, query: str, shown: int, **options: Any) -> None:
        try:
            found = search(query)
        except TooSlow as slow:
            raise CommandError("The database did not answer within 300 ms.") from slow
        self.stdout.write("\n".join(explain(found, shown=shown)))
