from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from okryu.messages import compile_all


class Command(BaseCommand):
    help = "Compile the message catalogues. `make run` and the tests do it; developers after editing a .po file."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        written = compile_all(Path(settings.BASE_DIR))
        self.stdout.write(f"{len(written)} message catalogue(s) compiled.")
