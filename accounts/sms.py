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
# What one short message holds: 160 letters of the operators' own alphabet (GSM 03.38, 7 bits), 70 of any other.
PLAIN_LETTERS, LETTERS = 160, 70
_PLAIN = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


class Sender(Protocol):
    def send(self, *, phone: str, text: str) -> None: ...


class ConsoleSender:
    """Writes to the log instead of sending: the number's last digits, never the whole."""

    def send(self, *, phone: str, text: str) -> None:
        log.info("short message to …%s: %s", phone[-4:], text)


def sender() -> Sender:
    return cast(Sender, import_string(settings.SMS_SENDER)())


def fits(text: str) -> bool:
    """Whether `text` travels as one short message."""
    return len(text) <= (PLAIN_LETTERS if _PLAIN.issuperset(text) else LETTERS)


def in_one(text: str) -> str:
    """`text`, cut where it would need a second message: members pay for none, and phones show the first."""
    return text if fits(text) else text[: LETTERS - 2].rstrip() + ".."
