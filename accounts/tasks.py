"""Jobs of accounts."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import guesses


@app.periodic(cron="40 18 * * *")  # UTC: 03:40 in Pyongyang
@app.task(queueing_lock="sweep_accounts")
def sweep_accounts(timestamp: int) -> None:
    """Delete sessions and guess counters that are over. Also `manage.py clearsessions` and `sweep_guesses`."""
    call_command("clearsessions")
    guesses.sweep(before=timezone.now() - timedelta(days=1))
