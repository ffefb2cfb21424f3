"""manage.py audit_ledger"""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.audit import AUDITS, begin, carry_out
from payments.models import AuditRun


class Command(BaseCommand):
    help = (
        "Rebuild the ledger from its transfers and compare; exit status 1 when it does not agree with itself. "
        "Run every night by the job worker, and by hand after every incident. Each run is kept for the staff's page."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run = begin() or AuditRun.objects.create()  # by hand it runs beside another one as well
        bad = 0
        since = time.monotonic()
        self._show_progress(0)
        for number, finding in enumerate(carry_out(run), start=1):
            bad += finding.rows
            took, since = time.monotonic() - since, time.monotonic()
            self.stdout.write(f"{'ok  ' if not finding.rows else f'{finding.rows:>4}'} {finding.view} {took:.1f} s")
            for row in finding.first:
                self.stdout.write(f"       {row}")
            self._show_progress(number)
        won = run.counted
        self.stdout.write(
            f"deposits {won['deposits']:,} = cards {won['cards']:,} + owed to the shop {won['merchant']:,}"
            f" + fees {won['fees']:,} · {won['transfers']:,} transfers"
        )
        if not run.is_clean:
            raise CommandError("The ledger does not agree with itself: see the rows above.")

    def _show_progress(self, done: int) -> None:
        """A bar for whoever watches: on millions of transfers an audit takes minutes."""
        if self.stdout.isatty() and done < len(AUDITS):
            bar = "█" * done + "░" * (len(AUDITS) - done)
            self.stdout.write(f"{bar} {done} of {len(AUDITS)}", ending="\r")
            self.stdout.flush()
