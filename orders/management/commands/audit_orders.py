"""manage.py audit_orders"""

from orders.audit import AUDITS
from payments.audit import Subject
from payments.audit_command import AuditCommand


class Command(AuditCommand):
    help = (
        "Prove that shelves, delivery windows, money and states of all orders add up; exit status 1 when they do not. "
        "Run every night by the job worker, and by hand after every incident. Each run is kept for the staff's page."
    )
    subject = Subject.ORDERS
    meanings = AUDITS
    wrong = "Orders do not add up: see the rows above."

    def summary(self, counted: dict[str, int]) -> str:
        return " · ".join(f"{count:,} {what}" for what, count in sorted(counted.items()))
