"""The bureau's board: every parcel by state and age, the most overdue first, narrowed by filters, read by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import District, User
from catalog.models import Seller
from okryu.calendar import at
from orders import keyset
from orders.models import Parcel, ParcelQuerySet
from orders.roles import COURIER

Status = Parcel.Status
ON_PAGE = 50
COUNTED = 1_000  # more than so many are said as "1,000+"
OPEN = (Status.AWAITING, Status.CONFIRMED, Status.READY, Status.DISPATCHED)


class FilterForm(forms.Form):
    """What narrows the board. Whatever is not offered is no filter, and the form says so."""

    use_required_attribute = False

    state = forms.ChoiceField(label=_("State"), required=False)
    late = forms.BooleanField(label=_("Only what is overdue"), required=False)
    seller = forms.ModelChoiceField(
        label=_("Seller"), queryset=Seller.objects.order_by("position", "pk"), to_field_name="slug", required=False
    )
    courier = forms.ChoiceField(label=_("Courier"), required=False)
    place = forms.ChoiceField(label=_("District"), required=False)
    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    window = forms.ChoiceField(label=_("Window"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        couriers = User.objects.filter(groups__name=COURIER, is_active=True).order_by("name", "pk")
        hours = [(str(start), f"{start}–{end}") for start, end in settings.DELIVERY_WINDOWS]
        choices: dict[str, list[Any]] = {
            "state": [("", _("every open one")), *Status.choices],
            "courier": [("", "—"), (NOBODY, _("nobody named")), *((user.phone, user.name) for user in couriers)],
            "place": [("", "—"), *_places()],
            "window": [("", "—"), *hours],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        self.fields["seller"].empty_label = "—"  # type: ignore[attr-defined]


NOBODY = "nobody"
ZONE = "zone:"


def _places() -> list[Any]:
    """Zones, then the districts deliveries go to, each group under its zone's name."""
    districts = District.objects.filter(zone__isnull=False).order_by("zone", "position", "pk")
    zones: dict[str, list[tuple[str, str]]] = {}
    for district in districts:
        zones.setdefault(str(district.zone_id), []).append((district.slug, str(district)))
    named = _("Zone %(zone)s, all of it")
    return [(zone, [(f"{ZONE}{zone}", str(named) % {"zone": zone}), *inside]) for zone, inside in sorted(zones.items())]


@dataclass(frozen=True, slots=True)
class Row:
    parcel: Parcel
    is_late: bool
    late_by: timedelta | None


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row] = field(default_factory=list)
    next_key: str = ""


def read(user: User, wanted: dict[str, Any], *, after: str = "") -> Page:
    """A page of the board under these filters (FilterForm's cleaned data). One query, another behind a key."""
    now = timezone.now()
    state = wanted.get("state") or ""
    sorting = keyset.LATEST if state in Parcel.FINAL else keyset.SOONEST
    found = _narrowed(Parcel.objects.for_staff(user), wanted, now)
    related = found.select_related("order__neighbourhood__district", "seller", "courier")
    parcels, next_key = keyset.page(related, sorting, after=after, size=ON_PAGE)
    return Page([_row(parcel, now) for parcel in parcels], next_key)


def _narrowed(parcels: ParcelQuerySet, wanted: dict[str, Any], now: datetime) -> ParcelQuerySet:
    if state := wanted.get("state"):
        parcels = parcels.filter(status=state)
    if wanted.get("late"):
        parcels = parcels.filter(due_at__lt=now)
    if seller := wanted.get("seller"):
        parcels = parcels.filter(seller=seller)
    if courier := wanted.get("courier"):
        parcels = parcels.filter(courier=None) if courier == NOBODY else parcels.filter(courier__phone=courier)
    if courier == NOBODY:
        parcels = parcels.filter(method=Parcel.Method.DELIVERY)
    if place := wanted.get("place"):
        parcels = _in_place(parcels, place)
    return _on_day(parcels, wanted.get("day"), wanted.get("window"))


def _in_place(parcels: ParcelQuerySet, place: str) -> ParcelQuerySet:
    delivered = parcels.filter(method=Parcel.Method.DELIVERY)
    if place.startswith(ZONE):
        return delivered.filter(slot__zone=place.removeprefix(ZONE))
    return delivered.filter(order__neighbourhood__district__slug=place)


def _on_day(parcels: ParcelQuerySet, day: date | None, hour: str | None) -> ParcelQuerySet:
    if day is not None:
        first = at(day, int(hour or 0))
        return parcels.filter(promised_from__gte=first, promised_from__lt=first + timedelta(hours=2 if hour else 24))
    return parcels.filter(slot__start_hour=int(hour)) if hour else parcels


def _row(parcel: Parcel, now: datetime) -> Row:
    late_by = now - parcel.due_at if parcel.due_at is not None and parcel.due_at < now else None
    return Row(parcel, late_by is not None, late_by)


@dataclass(frozen=True, slots=True)
class Count:
    state: str  # "late" counts what is overdue, in whatever state
    label: Any
    number: int

    @property
    def shown(self) -> str:
        return f"{COUNTED:,}+" if self.number > COUNTED else f"{self.number:,}"


_COUNTS = """
SELECT 'late', count(*) FROM (SELECT FROM orders_parcel WHERE due_at < %(now)s LIMIT %(most)s) AS late
UNION ALL
SELECT state, (SELECT count(*) FROM
                (SELECT FROM orders_parcel WHERE status = state AND due_at IS NOT NULL LIMIT %(most)s) AS found)
  FROM unnest(%(states)s::text[]) AS states (state)
"""


def counts() -> list[Count]:
    """How many parcels of the whole shop are overdue and in each open state, counted up to COUNTED. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"now": timezone.now(), "most": COUNTED + 1, "states": [str(each) for each in OPEN]})
        found = dict(cursor.fetchall())
    labels: dict[str, Any] = {"late": _("overdue")} | {str(state): state.label for state in OPEN}
    return [Count(name, label, found[name]) for name, label in labels.items()]
