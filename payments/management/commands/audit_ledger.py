"""manage.py audit_ledger"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.audit import audit, count


class Command(BaseCommand):
    help = "Rebuild the ledger from its transfers and compare. Run every night and after every incident."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = audit()
        for finding in findings:
            self.stdout.write(f"{'ok  ' if not finding.rows else f'{finding.rows:>4}'} {finding.view}")
            for row in finding.first:
                self.stdout.write(f"       {row}")
        won = count()
        self.stdout.write(
            f"deposits {won.deposits:,} = cards {won.cards:,} + owed to the shop {won.merchant:,} + fees {won.fees:,}"
            f" · {won.transfers:,} transfers"
        )
        if any(finding.rows for finding in findings) or not won.is_whole:
            raise CommandError("The ledger does not agree with itself: see the rows above.")
