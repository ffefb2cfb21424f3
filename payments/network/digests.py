"""Keyed digests of what a card's holder knows. Useless without keys that live outside the database.

Not a slow password hash: on ten thousand PINs it would protect nothing without the key, and would cap the
payments of a small machine.
"""

import hashlib
import hmac
import unicodedata

from django.conf import settings

KEY_VERSION = 1


def number_mac(number: str) -> bytes:
    return _mac(settings.CARD_NUMBER_KEY, "number", number)


def holder_mac(account_id: int, holder: str) -> bytes:
    """The holder's name as printed, without regard to spaces, letter case or how its syllables are encoded."""
    name = unicodedata.normalize("NFKC", "".join(holder.split())).casefold()
    return _mac(settings.CARD_NUMBER_KEY, f"holder|{account_id}", name)


def pin_mac(account_id: int, pin: str) -> bytes:
    return _mac(settings.CARD_PIN_KEY, f"pin|{account_id}", pin)


def same(one: bytes | memoryview, other: bytes | memoryview) -> bool:
    return hmac.compare_digest(bytes(one), bytes(other))


def _mac(key: str, what: str, secret: str) -> bytes:
    return hmac.new(key.encode(), f"{KEY_VERSION}|{what}|{secret}".encode(), hashlib.sha256).digest()
