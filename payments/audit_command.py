"""What the commands that audit have in common: begin a run, show it view by view, end with its result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.functional import Promise

from payments.audit import begin, carry_out
from payments.models import AuditRun


class AuditCommand(BaseCommand):
    subject: str
    meanings: Mapping[str, Promise]
    wrong: str  # what to say when a view was not empty

    def summary(self, counted: dict[str, int]) -> str:
        """What was looked at, in one line."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        # By hand it runs beside another one as well.
        run = begin(subject=self.subject) or AuditRun.objects.create(subject=self.subject)
        since = time.monotonic()
        self._show_progress(0)
        for number, finding in enumerate(carry_out(run, self.meanings), start=1):
            took, since = time.monotonic() - since, time.monotonic()
            self.stdout.write(f"{'ok  ' if not finding.rows else f'{finding.rows:>4}'} {finding.view} {took:.1f} s")
            for row in finding.first:
                self.stdout.write(f"       {row}")
            self._show_progress(number)
        self.stdout.write(self.summary(run.counted))
        if not run.is_clean:
            raise CommandError(self.wrong)

    def _show_progress(self, done: int) -> None:
        """A bar for whoever watches: on millions of rows an audit takes minutes."""
        every = len(self.meanings)
        if self.stdout.isatty() and done < every:
            self.stdout.write(f"{'█' * done}{'░' * (every - done)} {done} of {every}", ending="\r")
            self.stdout.flush()
