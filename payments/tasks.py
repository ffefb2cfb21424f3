"""Jobs of the ledger: each night the day is closed, settled and audited. Each is a manage.py command as well."""

from __future__ import annotations

import logging

from procrastinate.contrib.django import app

from payments.audit import begin, carry_out
from payments.clock import yesterday
from payments.models import AuditRun, DayCut
from payments.network.desk import pay_shop
from payments.settlement import close_day, days_to_close, settle

log = logging.getLogger(__name__)


# The worker reads these as UTC: 00:03, 06:00 and 06:30 in Pyongyang.
@app.periodic(cron="3 15 * * *")
@app.task(queueing_lock="close_day", pass_context=False)
def close_days(timestamp: int) -> None:
    """Close every day that is over."""
    for day in days_to_close(until=yesterday()):
        close_day(day)


@app.periodic(cron="0 21 * * *")
@app.task(queueing_lock="settle_day", pass_context=False)
def settle_last_day(timestamp: int) -> None:
    """Both sides of the simulated morning: the network pays the shop, the shop its sellers."""
    if cut := DayCut.objects.order_by("-id").first():
        pay_shop(cut)
        settle(cut)


@app.periodic(cron="30 21 * * *")
@app.task(queueing_lock="audit_ledger", pass_context=False)
def audit_ledger(timestamp: int) -> None:
    """Audit the ledger and keep the result."""
    if run := begin():
        _audit(run)


@app.task(queueing_lock="run_audit", pass_context=False)
def run_audit(run_id: int) -> None:
    """Carry out a run that staff asked for."""
    if run := AuditRun.objects.filter(pk=run_id, finished_at=None).first():
        _audit(run)


def _audit(run: AuditRun) -> None:
    """Say loudly when the ledger does not agree with itself."""
    for finding in carry_out(run):
        if finding.rows:
            log.error("the ledger does not agree with itself: %s has %d rows", finding.view, finding.rows)
    if not run.is_clean:
        log.error("the ledger does not agree with itself: %s", run.counted)
