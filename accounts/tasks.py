"""Jobs of accounts."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import guesses, inbox


@app.periodic(cron="40 18 * * *")  # UTC: 03:40 in Pyongyang
@app.task(queueing_lock="sweep_accounts")
def sweep_accounts(timestamp: int) -> None:
    """Delete sessions, guess counters and messages that are over. See also `clearsessions` and `sweep_guesses`."""
    call_command("clearsessions")
    guesses.sweep(before=timezone.now() - timedelta(days=1))
    inbox.forget_old()


@app.task(queue="messages", retry=RetryStrategy(max_attempts=5, exponential_wait=30))
def send_message(message_id: int) -> None:
    """Hand one inbox message to the operator's gateway; tried again for a few hours, then it stays in the inbox."""
    inbox.send(message_id)
