"""The boundary to the mobile operator: short messages to members. `settings.SMS_SENDER` names the class.

A sender has one method, `send(phone=…, text=…)`, which returns when the operator has taken the message and raises
whatever it likes otherwise: it is called by a job alone, which tries again, and nothing waits for it.
"""

from __future__ import annotations

import logging
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)


class Sender(Protocol):
    def send(self, *, phone: str, text: str) -> None: ...


class ConsoleSender:
    """Writes to the log instead of sending: the number's last digits, never the whole."""

    def send(self, *, phone: str, text: str) -> None:
        log.info("short message to …%s: %s", phone[-4:], text)


def sender() -> Sender:
    return cast(Sender, import_string(settings.SMS_SENDER)())
