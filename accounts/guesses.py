"""How often a secret may be guessed: counted exactly, before each check.

"Check, then count" lets twenty parallel guesses through where ten are allowed. Here one
INSERT … ON CONFLICT DO UPDATE … RETURNING takes the row's lock, so the tenth guess is the last however
many arrive at once. Two counters: by name (one member is attacked) and by address (one attacker tries
many members; whole offices share an address, so it is wider).

A refused guess changes nothing: nobody lengthens another's lock-out by knocking on. A window is over once
its full length has passed since the last guess that was let through, so no span of that length ever
holds more than the limit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import Guess


@dataclass(frozen=True)
class Limit:
    tries: int
    window: timedelta


@dataclass(frozen=True)
class Limits:
    name: Limit
    address: Limit


LIMITS = {
    "sign-in": Limits(name=Limit(10, timedelta(minutes=15)), address=Limit(100, timedelta(hours=1))),
    # Joining says whether a number is taken: an office may join in a morning, a list of numbers may not be tried.
    "join": Limits(name=Limit(10, timedelta(hours=1)), address=Limit(60, timedelta(hours=1))),
    # A signed-in thief of a session must not find the password by asking for a change.
    "password-change": Limits(name=Limit(10, timedelta(minutes=15)), address=Limit(100, timedelta(hours=1))),
}
OTHER = Limits(name=Limit(10, timedelta(minutes=15)), address=Limit(100, timedelta(hours=1)))
LONGEST_WINDOW = timedelta(hours=1)

_COUNT = """
INSERT INTO accounts_guess AS counter (kind, bucket, tries, since)
VALUES (%(kind)s, %(bucket)s, 1, clock_timestamp())
ON CONFLICT (kind, bucket) DO UPDATE SET
    tries = 1 + CASE WHEN counter.since + make_interval(secs => %(window)s) <= clock_timestamp()
                THEN 0 ELSE counter.tries END,
    since = clock_timestamp()
WHERE counter.tries < %(tries)s OR counter.since + make_interval(secs => %(window)s) <= clock_timestamp()
RETURNING tries
"""


class TooManyGuesses(Exception):
    """No further guess is checked before `retry_at`."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(f"too many guesses until {retry_at:%H:%M}")
        self.retry_at = retry_at


def count_guess(*, kind: str, name: str, address: str) -> None:
    """Count one guess at `name`'s secret from `address`, before the secret is looked at.

    Commits on its own, so that no later failure gives the guess back; call it outside any transaction.
    Raises TooManyGuesses when either counter is full; then neither has counted.
    """
    limits = LIMITS.get(kind, OTHER)
    with transaction.atomic(durable=True):
        # Always name first, then address: every guess takes its two locks in the same order.
        _count(kind=kind, bucket=_name_bucket(kind, name), limit=limits.name)
        _count(kind=kind, bucket=_address_bucket(address), limit=limits.address)


def forget_guesses(*, kind: str, name: str, address: str) -> None:
    """After a right guess: the name starts anew, and the address gets this one guess back."""
    forget_name(kind=kind, name=name)
    Guess.objects.filter(kind=kind, bucket=_address_bucket(address), tries__gt=0).update(tries=F("tries") - 1)


def forget_name(*, kind: str, name: str) -> None:
    """Let the owner of `name` try again at once."""
    Guess.objects.filter(kind=kind, bucket=_name_bucket(kind, name)).delete()


def sweep(*, before: datetime) -> int:
    """Delete counters whose last guess is older than `before` and than every window; how many."""
    oldest = min(before, timezone.now() - LONGEST_WINDOW)
    deleted, _ = Guess.objects.filter(since__lt=oldest).delete()
    return deleted


def _count(*, kind: str, bucket: str, limit: Limit) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {"kind": kind, "bucket": bucket, "tries": limit.tries, "window": limit.window.total_seconds()},
        )
        if cursor.fetchone() is not None:
            return
    since = Guess.objects.values_list("since", flat=True).get(kind=kind, bucket=bucket)
    raise TooManyGuesses(since + limit.window)


def _name_bucket(kind: str, name: str) -> str:
    """A keyed digest: what people type as a name may be a card number or a password in the wrong field."""
    return "name:" + salted_hmac(f"accounts.guesses.{kind}", name, algorithm="sha256").hexdigest()[:40]


def _address_bucket(address: str) -> str:
    return f"address:{address}"[:80]
