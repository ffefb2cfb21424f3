"""How long a sign-in lasts: the session store that ends it.

| who | without use | in all |
|---|---|---|
| members | 14 days | 30 days |
| bureau staff | 30 minutes | 12 hours |

Both rules are kept where a session is loaded, so no page can forget them, and a page that reads no session costs
nothing. Use moves the end on; to spare the database it is written at most ten times an idle span. Signing out and a
password change end sessions by Django's own means: the row goes, the password's hash no longer fits.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User

BEGAN, SEEN, KIND = "began", "seen", "kind"
STRICTEST = "staff"


@dataclass(frozen=True)
class Span:
    idle: timedelta
    whole: timedelta


SPANS = {
    "member": Span(idle=timedelta(days=14), whole=timedelta(days=30)),
    "staff": Span(idle=timedelta(minutes=30), whole=timedelta(hours=12)),
}


# Each page of a member begins with it: written once, because building a query costs five times what asking it does.
_READ = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(DatabaseStore):
    def _get_session_from_db(self) -> Session | None:
        with connection.cursor() as cursor:
            cursor.execute(_READ, [self.session_key, timezone.now()])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return None
        return Session(session_key=self.session_key or "", session_data=row[0])

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if SESSION_KEY not in data:
            return data
        span, now = SPANS[data.get(KIND, STRICTEST)], timezone.now().timestamp()
        began, seen = data.get(BEGAN, 0), data.get(SEEN, 0)
        if now - began >= span.whole.total_seconds() or now - seen >= span.idle.total_seconds():
            self.delete(self.session_key)
            self._session_key = None
            return {}
        if now - seen > span.idle.total_seconds() / 10:
            data[SEEN] = now
            self.modified = True
        return data

    def save(self, must_create: bool = False) -> None:
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if SESSION_KEY in data and BEGAN not in data:  # a sign-in that came round begin() keeps the strictest rule
            now = timezone.now().timestamp()
            data.update({BEGAN: now, SEEN: now, KIND: STRICTEST})
        super().save(must_create=must_create)


def begin(request: HttpRequest, user: User) -> None:
    """Start the clocks of a fresh sign-in; the cookie and the row last as long as an idle session may."""
    kind = "staff" if user.is_staff else "member"
    now = timezone.now().timestamp()
    request.session.update({BEGAN: now, SEEN: now, KIND: kind})
    request.session.set_expiry(int(SPANS[kind].idle.total_seconds()))
