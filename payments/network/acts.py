"""Who did what with a card, when, and what came of it: one line for each deed, for ever.

A deed's id is the key its form carried: the same form again finds the line and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from payments.gateway import APPROVED
from payments.network.models import Act, Card


@dataclass(frozen=True, slots=True)
class Clerk:
    """A person of the bank's at the card desk."""

    id: int
    phone: str


class Refused(Exception):
    """The network does not do this; `why` names the sentence for it (words.py). Nothing has changed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def done_before(key: UUID, kind: str, card: Card, *, detail: str | None = None) -> Act | None:
    """What this form did already. Raises Refused when the key belongs to another deed.

    `detail` is what the form says now: a page gone back to and changed was not done.
    """
    act = Act.objects.filter(pk=key).first()
    if act is None:
        return None
    if (act.kind, act.card_id) != (kind, card.pk) or detail not in (None, act.detail):
        raise Refused("out of date")
    return act


def note(key: UUID, kind: str, card: Card, *, by: Clerk | None, code: str = APPROVED, detail: str = "") -> Act:
    """Write the line, in the deed's own transaction. `by` is None where the holder did it."""
    return Act.objects.create(
        id=key,
        kind=kind,
        card=card,
        code=code,
        detail=detail,
        staff_id=by.id if by else None,
        staff_phone=by.phone if by else "",
    )
