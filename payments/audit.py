"""Rebuild everything from the movements and compare: every audit view must be empty."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# View → what it proves when it is empty.
AUDITS: dict[str, Promise] = {
    "audit_balance": _("Every card's balance is the sum of its transfers and of what is held on it."),
    "audit_authorisation": _("Every authorisation agrees with its captures, refunds and releases."),
    "audit_payment": _("Every payment agrees with its sales and with the network's answers."),
    "audit_safeguard": _("The deposits cover every won on cards and every won owed to the shop."),
    "audit_closing": _("Every closed day's balances are the running sums of the transfers."),
    "audit_seal": _("No closed day has been altered."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    view: str
    meaning: Promise
    rows: int
    first: list[dict[str, object]]  # at most ten, to look at


def audit() -> list[Finding]:
    """One finding per view, in a fixed order; all is well when every `rows` is 0."""
    return [_look(view, meaning) for view, meaning in AUDITS.items()]


def _look(view: str, meaning: Promise) -> Finding:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # an audit reads everything; it may take its time
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(view)}")  # noqa: S608 - a name from the list above
        columns = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    return Finding(view, meaning, len(rows), [dict(zip(columns, row, strict=True)) for row in rows[:10]])


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


def count() -> Count:
    with connection.cursor() as cursor:
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
