"""manage.py ensure_database_roles"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, transaction

from okryu import database_roles


class Command(BaseCommand):
    help = (
        "Makes the roles shop_app, network_app and bank_desk and the login okryu_app, which own nothing, and gives "
        "each exactly the rights of okryu/database_roles.py. The owner of the tables runs it after every migration "
        "(`prepare` does); safe to repeat, prints what it changed. Making roles needs CREATEROLE or a superuser: "
        "without it hand the output of --sql to whoever has."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sql", action="store_true", help="print the statements still missing; change nothing")

    def handle(self, *args: Any, sql: bool, **options: Any) -> None:
        todo = database_roles.plan()
        if sql:
            self.stdout.write("".join(f"{statement};\n" for statement in todo.statements) or "-- nothing is missing\n")
            return
        try:
            with transaction.atomic():
                database_roles.carry_out(todo)
        except ProgrammingError as error:
            raise CommandError(f"{str(error).splitlines()[0]} Nothing was changed; see --sql.") from error
        for statement in todo.statements:
            self.stdout.write(statement)
        self.stdout.write(f"{len(todo.statements)} changes" if todo.statements else "All rights are as they should be.")
