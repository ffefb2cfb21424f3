"""Questions without an answer, claimed by those who ask them again: each by one at a time, later and later."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from payments.models import Message
from payments.pay import refuse_transaction

# Seconds to the next try, by tries already made; the last one for ever.
RETRY_SECONDS = (10, 20, 40, 60, 120, 300)


def claim_due(*, limit: int = 20) -> list[Message]:
    """Unanswered questions whose time has come, leased to the caller until their next try. Commits by itself.

    Several callers may run: none gets another's. When questions wait and none is due, the oldest that was
    tried in vain is claimed as a probe.
    """
    refuse_transaction()
    waiting = Message.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(code=None)
    waiting = waiting.select_related("payment")
    with transaction.atomic(durable=True):
        due = list(waiting.filter(next_at__lte=Now()).order_by("next_at")[:limit])
        if not due:
            # Not one that another worker may be asking this very moment.
            in_vain = Now() - timedelta(seconds=settings.NETWORK_TIMEOUT_SECONDS)
            due = list(waiting.filter(tried_at__lt=in_vain).order_by("created_at")[:1])
        for message in due:
            _lease(message)
    return due


def claim(message: Message) -> Message | None:
    """This question, leased like a due one; None when it is answered or being asked. Commits by itself."""
    refuse_transaction()
    waiting = Message.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(code=None)
    with transaction.atomic(durable=True):
        if found := waiting.select_related("payment").filter(pk=message.pk).first():
            _lease(found)
    return found


def _lease(message: Message) -> None:
    delay = RETRY_SECONDS[min(message.tries, len(RETRY_SECONDS) - 1)]
    Message.objects.filter(pk=message.pk).update(
        tries=F("tries") + 1, tried_at=Now(), next_at=Now() + timedelta(seconds=delay)
    )


def make_all_due() -> None:
    """The network answers again: ask everything that was tried in vain now. Commits by itself."""
    refuse_transaction()
    with transaction.atomic(durable=True):
        tried = Message.objects.select_for_update(no_key=True, skip_locked=True).filter(code=None, tries__gte=1)
        Message.objects.filter(pk__in=[message.pk for message in tried]).update(next_at=Now())
