"""The inbox: what the shop tells a member, in the member's language, once for each cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.db.transaction import TransactionManagementError
from django.utils import timezone, translation
from procrastinate.contrib.django import app

from accounts import sms
from accounts.models import InboxMessage, User

KEPT = timedelta(days=365)


def write(user: User, *, cause: str, say: Callable[[], tuple[str, str]], path: str = "") -> InboxMessage | None:
    """Put a message into the member's inbox, in the caller's transaction, and let a job send it to the telephone.

    `say` is called in the member's language and gives title and text. None when this cause was told before.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("a message is written only with what it tells of")
    with translation.override(user.language):
        title, text = say()
    message, is_new = InboxMessage.objects.get_or_create(
        user=user, cause=cause, defaults={"title": title[:160], "text": text[:1000], "path": path}
    )
    if not is_new:
        return None
    app.configure_task("accounts.tasks.send_message").defer(message_id=message.pk)
    return message


def unread(user: User) -> int:
    return InboxMessage.objects.filter(user=user, read_at=None).count()


def mark_read(user: User, *, until: int) -> int:
    """Read are all the messages up to this one: those that came after the page was opened stay new."""
    return InboxMessage.objects.filter(user=user, read_at=None, pk__lte=until).update(read_at=timezone.now())


def send(message_id: int) -> None:
    """Hand it to the operator unless that was done or the member has read it. Raises what the sender raises."""
    message = InboxMessage.objects.select_related("user").filter(pk=message_id, sent_at=None, read_at=None).first()
    if message is None or not message.user.is_active:
        return
    sms.sender().send(phone=message.user.phone, text=message.title)
    InboxMessage.objects.filter(pk=message_id).update(sent_at=timezone.now())


def forget_old() -> int:
    """Delete the messages of more than a year ago; how many. For the daily job."""
    return InboxMessage.objects.filter(written_at__lt=timezone.now() - KEPT).delete()[0]
