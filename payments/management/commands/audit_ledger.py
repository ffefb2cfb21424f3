"""manage.py audit_ledger"""

from payments.audit import AUDITS, Subject
from payments.audit_command import AuditCommand


class Command(AuditCommand):
    help = (
        "Rebuild the ledger from its transfers and compare; exit status 1 when it does not agree with itself. "
        "Run every night by the job worker, and by hand after every incident. Each run is kept for the staff's page."
    )
    subject = Subject.LEDGER
    meanings = AUDITS
    wrong = "The ledger does not agree with itself: see the rows above."

    def summary(self, counted: dict[str, int]) -> str:
        won = {name: f"{count:,}" for name, count in counted.items()}
        return (
            f"deposits {won['deposits']} = cards {won['cards']} + owed to the shop {won['merchant']}"
            f" + fees {won['fees']} · {won['transfers']} transfers"
        )
