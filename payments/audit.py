"""Rebuild everything from the movements and compare: every audit view must be empty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from payments.models import AuditRun

Subject = AuditRun.Subject
# View → what it proves when it is empty.
AUDITS: dict[str, Promise] = {
    "audit_authorisation": _("Every authorisation agrees with its captures, refunds and releases."),
    "audit_balance": _("Every card's balance is the sum of its transfers and of what is held on it."),
    "audit_closing": _("Every closed day's balances are the running sums of the transfers."),
    "audit_file": _("Every settlement file has all its lines, and they add up."),
    "audit_network": _("What is open with the network is not settled yet, or explained."),
    "audit_payment": _("Every payment agrees with its sales and with the network's answers."),
    "audit_safeguard": _("The deposits cover every won on cards and every won owed to the shop."),
    "audit_seal": _("No closed day has been altered."),
}
SHOWN = 20  # offending rows kept of each view
# A run that has not ended by then died with its worker; the next one may begin.
LONGEST = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Finding:
    view: str
    meaning: Promise | str
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


def begin(*, subject: str = Subject.LEDGER, by: User | None = None) -> AuditRun | None:
    """A run to be carried out, written down; None while another of the same subject is under way."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Not the last run's row: it is locked as long as the database looks at a view.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('audit', 0))")
        last = AuditRun.objects.filter(subject=subject).order_by("-pk").first()
        if last and last.finished_at is None and timezone.now() - last.started_at < LONGEST:
            return None
        return AuditRun.objects.create(subject=subject, asked_by=by)


def carry_out(run: AuditRun, meanings: Mapping[str, Promise] = AUDITS) -> Iterator[Finding]:
    """Have the database look view by view and write down what it finds, telling each finding as it comes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audits_of(%s)", [run.subject])
        views = [view for (view,) in cursor.fetchall()]
    for view in views[run.done :]:
        with _as_long_as_it_takes() as cursor:
            cursor.execute(
                "UPDATE payments_auditrun SET done = done + 1 WHERE id = %s AND done = %s", [run.pk, run.done]
            )
            if not cursor.rowcount:
                return  # another worker carries this run out
        run.refresh_from_db()
        found = next((each for each in run.findings if each["view"] == view), None)
        rows, first = (found["rows"], found["first"]) if found else (0, [])
        yield Finding(view, meanings.get(view, view), rows, first)


# ---------------------------------------------------------------- looking


def audit(meanings: Mapping[str, Promise] = AUDITS) -> list[Finding]:
    """One finding per view, in a fixed order; all is well when every `rows` is 0. Nothing is written down."""
    return [_look(view, meaning) for view, meaning in meanings.items()]


def _look(view: str, meaning: Promise) -> Finding:
    name = connection.ops.quote_name(view)  # from the list above
    with _as_long_as_it_takes() as cursor:
        cursor.execute(f"SELECT count(*) OVER (), v.* FROM {name} v LIMIT {SHOWN}")  # noqa: S608
        columns = [column.name for column in cursor.description or ()][1:]
        rows = cursor.fetchall()
    first = [dict(zip(columns, row[1:], strict=True)) for row in rows]
    return Finding(view, meaning, rows[0][0] if rows else 0, first)


def count() -> Count:
    with _as_long_as_it_takes() as cursor:
        cursor.execute("SELECT ledger_counted()")
        return Count(**json.loads(cursor.fetchone()[0]))


@contextmanager
def _as_long_as_it_takes() -> Iterator[Any]:
    """A cursor in a transaction of its own for what reads everything."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        # A sum for each of a million payments, in memory: with the usual 4 MB they are sorted on disk, twice as long.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        yield cursor
