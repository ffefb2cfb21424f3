"""One deed to many parcels: planned, then each tried in its own commit, so that one refusal stops no other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from django.db import OperationalError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from orders.busy import is_busy
from orders.deed_forms import CourierForm, DeclineForm, DeedForm
from orders.deeds import DEEDS, Deed, attempt, fits_now, outcome
from orders.models import Parcel

# A silent card network costs seconds a parcel: what is not reached by then is left as it was, and said so.
PATIENCE_SECONDS = 20
STEPS = {name: DEEDS[name] for name in ("confirm", "ready", "capture", "courier", "dispatch", "decline")}
_FORMS: dict[str, type[DeedForm]] = {"courier": CourierForm, "dispatch": CourierForm, "decline": DeclineForm}


@dataclass(frozen=True, slots=True)
class Planned:
    """A parcel of the plan, and why the deed does not fit it ("" where it does)."""

    parcel: Parcel
    refusal: str


class Outcome(NamedTuple):
    """What became of one parcel, in words; plain, for the session keeps it."""

    parcel: str
    seller: str
    text: str
    is_done: bool


def steps_for(user: User) -> list[Deed]:
    return [deed for deed in STEPS.values() if user.has_perm(deed.permission)]


def form_for(deed: Deed, data: QueryDict | None) -> DeedForm:
    """What is asked once for all: the courier, the reason, or nothing. Confirming many confirms each whole."""
    return _FORMS.get(deed.name, DeedForm)(data, parcel=Parcel())


def plan(deed: Deed, parcels: list[Parcel], user: User) -> list[Planned]:
    """What the deed would do to which parcel. Two queries, however many there are."""
    fitting = fits_now(deed, parcels)
    refusal = _("This does not fit the parcel's state: %(state)s.")
    return [
        Planned(parcel, "" if parcel.pk in fitting else refusal % {"state": parcel.get_status_display()})
        for parcel in parcels
    ]


def carry_out(deed: Deed, parcels: list[Parcel], *, data: QueryDict, by: User) -> list[Outcome]:
    """Do it to each, one commit a parcel. Repeated, it answers as before for what is done and tries the rest again."""
    until = time.monotonic() + PATIENCE_SECONDS
    return [_one(deed, parcel, data, by, is_time_left=time.monotonic() < until) for parcel in parcels]


def _one(deed: Deed, parcel: Parcel, data: QueryDict, by: User, *, is_time_left: bool) -> Outcome:
    text, is_done = _try(deed, parcel, data, by) if is_time_left else (_TOO_SLOW, False)
    return Outcome(str(parcel), str(parcel.seller), str(text), is_done)


_TOO_SLOW = gettext_lazy("Not tried: the card network is too slow just now. Try these again.")


def _try(deed: Deed, parcel: Parcel, data: QueryDict, by: User) -> tuple[str, bool]:
    form = deed.form(data, parcel=parcel)
    if not form.is_valid():
        return " ".join(str(each) for errors in form.errors.values() for each in errors), False
    try:
        after, refused = attempt(deed, parcel, form, by)
    except OperationalError as error:
        if not is_busy(error):
            raise
        return _("Somebody works on this parcel just now. Try it again."), False
    if refused:
        return refused, False
    text, is_well = outcome(after, deed)
    return (str(after.get_status_display()) if is_well else text), is_well
