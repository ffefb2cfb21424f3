"""What a seller's person sees of their parcels: new ones first, then what to pack, then what waits to be fetched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, prefetch_related_objects
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Seller
from orders import keyset
from orders.models import OrderLine, Parcel
from orders.sheet import say

Status = Parcel.Status
SHORT, ON_PAGE = 10, 50  # parcels of a state among the others, and on a page of their own
URGENT_MINUTES = 3
COUNTED_MINUTES = 120  # what is due later is said as a time of day
STATES: dict[str, str | Promise] = {
    Status.AWAITING: _("New: please answer"),
    Status.CONFIRMED: _("To pack"),
    Status.READY: _("Waiting to be fetched"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One parcel on the desk. `minutes` are left to answer; None when that is hours away, or answered."""

    parcel: Parcel
    lines: list[OrderLine]
    minutes: int | None
    is_late: bool  # packed or fetched later than it should be

    @property
    def is_urgent(self) -> bool:
        return self.minutes is not None and self.minutes < URGENT_MINUTES

    @property
    def is_unpaid(self) -> bool:
        """Packed for a courier, and the network has not confirmed the money: it must not leave."""
        parcel = self.parcel
        is_delivery = parcel.method == Parcel.Method.DELIVERY
        return is_delivery and parcel.status == Status.READY and parcel.captured_at is None


@dataclass(frozen=True, slots=True)
class Section:
    state: str
    title: str | Promise
    count: int
    entries: list[Entry]
    next_key: str = ""  # of a state's own page: where its next part begins

    @property
    def has_more(self) -> bool:
        return self.count > len(self.entries)


def sections(user: User) -> list[Section]:
    """The first parcels of every open state, most pressing first: a query a state, and two for all."""
    mine = Parcel.objects.for_staff(user).select_related("order", "seller", "courier")
    counts = mine.order_by().aggregate(**{state: Count("pk", filter=Q(status=state)) for state in STATES})
    found = {
        state: keyset.page(mine.filter(status=state), keyset.SOONEST, size=SHORT)[0] if counts[state] else []
        for state in STATES
    }
    prefetch_related_objects([parcel for parcels in found.values() for parcel in parcels], "lines")
    now = timezone.now()
    return [
        Section(state, title, counts[state], [entry(parcel, now) for parcel in found[state]])
        for state, title in STATES.items()
    ]


def section(user: User, state: str, *, after: str) -> Section:
    """All parcels of one state, a page at a time; `after` is the key the page before ended with."""
    mine = Parcel.objects.for_staff(user).select_related("order", "seller", "courier").prefetch_related("lines")
    count = mine.filter(status=state).count()
    shown, next_key = keyset.page(mine.filter(status=state), keyset.SOONEST, after=after, size=ON_PAGE)
    now = timezone.now()
    return Section(state, STATES[state], count, [entry(parcel, now) for parcel in shown], next_key)


def entry(parcel: Parcel, now: datetime) -> Entry:
    lines = list(parcel.lines.all())
    for line in lines:
        say(line)
    minutes = None
    if parcel.status == Status.AWAITING and parcel.confirm_by is not None:
        left = max(int((parcel.confirm_by - now).total_seconds() // 60), 0)
        minutes = left if left <= COUNTED_MINUTES else None
    is_late = parcel.status != Status.AWAITING and parcel.due_at is not None and parcel.due_at < now
    return Entry(parcel, lines, minutes, is_late)


def sellers_of(user: User) -> list[Seller]:
    """The sellers this person answers for."""
    return list(Seller.objects.filter(people__user=user))
