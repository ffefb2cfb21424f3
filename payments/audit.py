"""Rebuild everything from the movements and compare: every audit view must be empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from payments.models import AuditRun

# View → what it proves when it is empty.
AUDITS: dict[str, Promise] = {
    "audit_balance": _("Every card's balance is the sum of its transfers and of what is held on it."),
    "audit_authorisation": _("Every authorisation agrees with its captures, refunds and releases."),
    "audit_payment": _("Every payment agrees with its sales and with the network's answers."),
    "audit_safeguard": _("The deposits cover every won on cards and every won owed to the shop."),
    "audit_closing": _("Every closed day's balances are the running sums of the transfers."),
    "audit_file": _("Every settlement file has all its lines, and they add up."),
    "audit_network": _("What is open with the network is not settled yet, or explained."),
    "audit_seal": _("No closed day has been altered."),
}
SHOWN = 20  # offending rows kept of each view
# A run that has not ended by then died with its worker; the next one may begin.
LONGEST = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Finding:
    view: str
    meaning: Promise
    rows: int
    first: list[dict[str, object]]  # at most SHOWN, to look at


@dataclass(frozen=True, slots=True)
class Count:
    """Every won accounted for: deposits = cards + fees + what the network owes the shop."""

    deposits: int
    cards: int
    fees: int
    merchant: int
    transfers: int

    @property
    def is_whole(self) -> bool:
        return self.deposits == self.cards + self.fees + self.merchant


# ---------------------------------------------------------------- runs, kept


def begin(*, by: User | None = None) -> AuditRun | None:
    """A run to be carried out, written down; None while another is under way."""
    with transaction.atomic():
        last = AuditRun.objects.select_for_update().order_by("-pk").first()
        if last and last.finished_at is None and timezone.now() - last.started_at < LONGEST:
            return None
        return AuditRun.objects.create(asked_by=by)


def carry_out(run: AuditRun) -> Iterator[Finding]:
    """Audit view by view, telling each finding as it comes, and write the result into `run` at the end."""
    findings = []
    for view, meaning in AUDITS.items():
        finding = _look(view, meaning)
        findings.append(finding)
        run.done = len(findings)
        run.save(update_fields=["done"])
        yield finding
    won = count()
    run.counted = asdict(won)
    run.findings = [{"view": f.view, "rows": f.rows, "first": f.first} for f in findings if f.rows]
    run.is_clean = won.is_whole and not run.findings
    run.finished_at = Now()
    run.save(update_fields=["counted", "findings", "is_clean", "finished_at"])
    run.refresh_from_db()


# ---------------------------------------------------------------- looking


def audit() -> list[Finding]:
    """One finding per view, in a fixed order; all is well when every `rows` is 0."""
    return [_look(view, meaning) for view, meaning in AUDITS.items()]


def _look(view: str, meaning: Promise) -> Finding:
    name = connection.ops.quote_name(view)  # from the list above
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # an audit reads everything; it may take its time
        # A sum for each of a million payments, in memory: with the usual 4 MB they are sorted on disk, twice as long.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(f"SELECT count(*) OVER (), v.* FROM {name} v LIMIT {SHOWN}")  # noqa: S608
        columns = [column.name for column in cursor.description or ()][1:]
        rows = cursor.fetchall()
    first = [dict(zip(columns, row[1:], strict=True)) for row in rows]
    return Finding(view, meaning, rows[0][0] if rows else 0, first)


def count() -> Count:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """
            SELECT kind, sum(balance_of(id))::bigint FROM payments_account
             WHERE kind IN ('float', 'fees', 'merchant') GROUP BY kind
            UNION ALL SELECT 'card', coalesce(sum(posted), 0)::bigint FROM network_balance
            UNION ALL SELECT 'transfers', count(*) FROM payments_transfer
            """
        )
        sums = dict(cursor.fetchall())
    return Count(-sums["float"], sums["card"], sums["fees"], sums["merchant"], sums["transfers"])
