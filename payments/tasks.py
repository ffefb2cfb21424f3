"""Jobs of the ledger: each night the day is closed, settled and audited. Each is a manage.py command as well."""

from __future__ import annotations

import logging

from procrastinate.contrib.django import app

from payments.audit import begin, carry_out
from payments.clock import yesterday
from payments.models import AuditRun
from payments.settlement import close_day, days_to_close, settle_waiting_days

log = logging.getLogger(__name__)


# The worker reads these as UTC: 00:03, from 06:00 on every half hour, and 06:45 in Pyongyang.
@app.periodic(cron="3 15 * * *")
@app.task(queueing_lock="close_day", pass_context=False)
def close_days(timestamp: int) -> None:
    """Close every day that is over."""
    for day in days_to_close(until=yesterday()):
        close_day(day)


# Again and again, because a file may come late; a day that is finished is not looked at any more.
@app.periodic(cron="*/30 21-23,0-14 * * *")
@app.task(queueing_lock="settle_day", pass_context=False)
def settle_days(timestamp: int) -> None:
    """Fetch the network's file of every closed day that waits, join it with the books, book it and pay out."""
    for cut, settled in settle_waiting_days():
        if settled.waits_for:
            log.warning("%s is not settled: it waits for %s", cut.day, settled.waits_for)


@app.periodic(cron="45 21 * * *")
@app.task(queueing_lock="audit_ledger", pass_context=False)
def audit_ledger(timestamp: int) -> None:
    """Audit the ledger and keep the result."""
    if run := begin():
        audit_and_say(run)


@app.task(pass_context=False)  # in the queue once a subject: whoever defers it says so
def run_audit(run_id: int) -> None:
    """Carry out a run that staff asked for."""
    if run := AuditRun.objects.filter(pk=run_id, finished_at=None).first():
        audit_and_say(run)


def audit_and_say(run: AuditRun) -> None:
    """Carry the run out, and say loudly what does not agree."""
    for finding in carry_out(run):
        if finding.rows:
            log.error("audit of the %s: %s has %d rows that do not agree", run.subject, finding.view, finding.rows)
