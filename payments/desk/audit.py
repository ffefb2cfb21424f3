"""The audits' pages: does everything agree, last night and now. /admin/desk/money/audit/ is the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.private import member
from accounts.staff import staff_page
from okryu.money import format_won
from payments.audit import AUDITS, LONGEST, Subject, begin
from payments.models import AuditRun
from payments.tasks import run_audit

PERMISSION = "payments.view_auditrun"
RUNS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One subject's page: what its views prove, and how an offending row is said and looked at."""

    subject: str
    meanings: Mapping[str, Promise]
    words: Callable[[str, dict[str, Any]], str]
    address: Callable[[str, dict[str, Any]], str]  # where the row can be looked at, or ""
    template: str
    name: str  # of the page's address; its runs are posted to <name>-runs

    def show(self, request: HttpRequest) -> HttpResponse:
        kept = AuditRun.objects.filter(subject=self.subject).select_related("asked_by")
        runs = list(kept.order_by("-pk")[:RUNS_SHOWN])
        newest = runs[0] if runs else None
        is_running = newest is not None and newest.finished_at is None and timezone.now() - newest.started_at < LONGEST
        last = next((run for run in runs if run.finished_at), None)
        context = {
            "running": newest if is_running else None,
            "last": last,
            "breaks": list(self._breaks(last)) if last else [],
            "proofs": [str(meaning) for meaning in self.meanings.values()],
            "runs": [run for run in runs if run.finished_at or run is not newest or not is_running],
            "runs_url": reverse(f"{self.name}-runs"),
        }
        return render(request, self.template, context)

    def begin(self, request: HttpRequest) -> HttpResponse:
        """Begin a run, as a job; while one is under way nothing new begins."""
        with transaction.atomic():
            if run := begin(subject=self.subject, by=member(request)):
                run_audit.configure(queueing_lock=f"run_audit:{self.subject}").defer(run_id=run.pk)
        if run is None:
            messages.info(request, _("An audit is under way already."))
        return redirect(self.name)

    def _breaks(self, run: AuditRun) -> Iterator[dict[str, Any]]:
        """Each view that was not empty: what it should prove, how many rows, and the first of them in words."""
        for finding in run.findings:
            view = finding["view"]
            yield {
                "meaning": self.meanings.get(view, view),
                "rows": finding["rows"],
                "first": [(self._said(view, row), self.address(view, row)) for row in finding["first"]],
                "more": finding["rows"] - len(finding["first"]),
            }

    def _said(self, view: str, row: dict[str, Any]) -> str:
        try:
            return self.words(view, row)
        except KeyError:  # a view whose columns have no sentence yet
            return ", ".join(f"{name} {value}" for name, value in row.items())


# ---------------------------------------------------------------- the ledger's

# What one offending row of a view says; won amounts are put in as money, ids as they are.
BREAKS = {
    "audit_balance": gettext_lazy(
        "Card account %(account_id)s: the balance says %(posted)s, its transfers say %(sum_moves)s;"
        " held %(held)s, its open holds say %(sum_holds)s."
    ),
    "audit_authorisation": gettext_lazy(
        "Hold %(id)s: it says taken %(captured)s, given back %(refunded)s, let go %(released)s;"
        " its transfers say %(sum_captured)s, %(sum_refunded)s, %(sum_released)s."
    ),
    "audit_payment": gettext_lazy(
        "Payment %(id)s: it says taken %(captured)s, given back %(refunded)s, let go %(released)s;"
        " the books say %(sum_captured)s and %(sum_refunded)s, the network %(told_captured)s, %(told_refunded)s"
        " and %(told_released)s."
    ),
    "audit_safeguard": gettext_lazy("Deposits %(float_held)s do not cover what is owed, %(owed)s."),
    "audit_closing": gettext_lazy(
        "Account %(account_id)s at the end of closed day %(cut_id)s: the closing says %(balance)s,"
        " the transfers say %(total)s."
    ),
    "audit_seal": gettext_lazy("Closed day %(cut_id)s: its transfers are not those that were sealed."),
}
_NAMES = {"id", "account_id", "cut_id"}
# Where a row of this view can be looked at.
_PAGES = {
    "audit_payment": "admin:payments_payment_change",
    "audit_authorisation": "admin:network_authorisation_change",
    "audit_balance": "admin:payments_account_change",
}


def words(view: str, row: dict[str, Any]) -> str:
    """One offending row of the ledger in a sentence. Raises KeyError for a view that has none yet."""
    return str(BREAKS[view]) % {name: _money(name, value) for name, value in row.items()}


def _money(name: str, value: object) -> str:
    """Sums arrive as numbers, or as text where PostgreSQL summed them as numeric."""
    if name in _NAMES:
        return str(value)
    try:
        return format_won(int(str(value or 0)), get_language() or "ko-kp")
    except ValueError:
        return str(value)


def _address(view: str, row: dict[str, Any]) -> str:
    key = row.get("id") or row.get("account_id")
    return reverse(_PAGES[view], args=[key]) if view in _PAGES and key else ""


LEDGER = AuditPage(Subject.LEDGER, AUDITS, words, _address, "desk/audit.html", "money:audit")


@require_safe
@staff_page(PERMISSION)
def audit(request: HttpRequest) -> HttpResponse:
    return LEDGER.show(request)


@require_POST
@staff_page(PERMISSION)
def runs(request: HttpRequest) -> HttpResponse:
    return LEDGER.begin(request)
