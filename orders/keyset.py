"""Lists of parcels read by key: each page begins behind the last parcel of the page before, never at an OFFSET.

A key says the moment the list is sorted by, to the microsecond, and the parcel by its public name, as in
1764500000000000-7K3MQ9XB-1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from django.db.models import Q

from orders.models import Parcel, ParcelQuerySet

KEY = re.compile(r"([0-9]{1,17})-([0-9A-Z]{1,12})-([0-9]{1,5})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sorting:
    column: str  # a moment; parcels without one are not in the list
    descending: bool = False


SOONEST = Sorting("due_at")
LATEST = Sorting("promised_until", descending=True)


def page(parcels: ParcelQuerySet, sorting: Sorting, *, after: str = "", size: int) -> tuple[list[Parcel], str]:
    """So many parcels behind `after`, and the key of the next page ("" on the last). An unknown key: the first page."""
    column, sign = sorting.column, "-" if sorting.descending else ""
    listed = parcels.filter(**{f"{column}__isnull": False}).order_by(f"{sign}{column}", f"{sign}pk")
    if place := _place(after):
        beyond, at_least = ("lt", "lte") if sorting.descending else ("gt", "gte")
        moment, pk = place
        # The second condition follows from the first and is what an index begins at.
        listed = listed.filter(
            Q(**{f"{column}__{beyond}": moment}) | Q(**{column: moment, f"pk__{beyond}": pk}),
            **{f"{column}__{at_least}": moment},
        )
    found = list(listed[: size + 1])
    shown = found[:size]
    return shown, _key(shown[-1], column) if len(found) > size else ""


def _key(parcel: Parcel, column: str) -> str:
    moment = cast(datetime, getattr(parcel, column))
    return f"{(moment - EPOCH) // timedelta(microseconds=1)}-{parcel.order.code}-{parcel.number}"


def _place(key: str) -> tuple[datetime, int] | None:
    match = KEY.fullmatch(key)
    if match is None:
        return None
    micros, code, number = match.groups()
    pk = Parcel.objects.filter(order__code=code, number=int(number)).values_list("pk", flat=True).first()
    try:
        return (EPOCH + timedelta(microseconds=int(micros)), pk) if pk else None
    except OverflowError:
        return None
