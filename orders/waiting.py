"""What is open between the shop and the card network, for the money desk: unanswered questions, refused captures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, Exists, F, Func, IntegerField, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Now, NullIf
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderEvent, Parcel
from payments.gateway import APPROVED
from payments.models import Message, Payment

PAGE = 50
# A question this old is looked at by a person: the network or the job worker is down.
ALERT_AFTER = timedelta(minutes=10)
REFUSED_SHOWN = 200

# What was asked, as staff would say it; `amount` and `parcel` are put in.
DEEDS: dict[str, Promise] = {
    Message.Verb.AUTHORISE: _("Hold %(amount)s on the card"),
    Message.Verb.CAPTURE: _("Take %(amount)s for parcel %(parcel)s"),
    Message.Verb.RELEASE: _("Let go of %(amount)s held for parcel %(parcel)s"),
    Message.Verb.REFUND: _("Give %(amount)s back for parcel %(parcel)s"),
    Message.Verb.REVERSE: _("Let go of all %(amount)s held"),
}
# Why the network does not hand money over, as staff can act on it.
REFUSALS: dict[str, Promise] = {
    "25": _("The hold on the card has ended. The money can only be had by a new order."),
    "13": _("More was asked than is still held on the card."),
    "12": _("The network does not know this request."),
    "94": _("The network knows this question with another amount."),
    "91": _("The network could not reach the card's bank."),
}
# A refund asked anew after a refusal is a part of its own: "key", "key.2", "key.3".
_ROOT = Func(F("part"), Value("."), Value(1), function="split_part", output_field=CharField())
_TURN = Coalesce(
    Cast(
        NullIf(Func(F("part"), Value("."), Value(2), function="split_part", output_field=CharField()), Value("")),
        IntegerField(),
    ),
    1,
)
OTHER_REFUSAL: Promise = _("The network refused without a reason we know.")


@dataclass(frozen=True, slots=True)
class Question:
    message: Message
    order_id: int | None
    now: datetime

    @property
    def is_late(self) -> bool:
        return self.now - self.message.created_at > ALERT_AFTER

    @property
    def age(self) -> str | Promise:
        return age(self.message.created_at, self.now)

    @property
    def is_due(self) -> bool:
        return self.message.next_at <= self.now


@dataclass(frozen=True, slots=True)
class Waiting:
    """One page of unanswered questions, the oldest first, and what there is in all."""

    questions: list[Question]
    next_key: UUID | None
    count: int
    late: int
    oldest: datetime | None


def unanswered(*, after: UUID | None = None) -> Waiting:
    """The page of questions behind `after`; an unknown key shows the first page. Three queries, however many wait."""
    now = timezone.now()
    every = Message.objects.filter(code=None)
    found = every.aggregate(
        count=Count("pk"), oldest=Min("created_at"), late=Count("pk", filter=Q(created_at__lt=now - ALERT_AFTER))
    )
    rows = every.select_related("payment").order_by("created_at", "pk")
    if after and (last := Message.objects.filter(pk=after).values_list("created_at", "pk").first()):
        rows = rows.filter(Q(created_at__gt=last[0]) | Q(created_at=last[0], pk__gt=last[1]))
    page = list(rows[: PAGE + 1])
    shown = page[:PAGE]
    codes = {message.payment.order_code for message in shown}
    orders = dict(Order.objects.filter(code__in=codes).values_list("code", "pk"))
    return Waiting(
        questions=[Question(message, orders.get(message.payment.order_code), now) for message in shown],
        next_key=shown[-1].pk if len(page) > PAGE else None,
        count=found["count"],
        late=found["late"],
        oldest=found["oldest"],
    )


def refused_captures() -> list[Parcel]:
    """Parcels whose money the network refused to hand over, and nobody has dealt with since; the oldest first.

    Dealt with is a parcel whose money came after all, or that has ended; one asked again waits in the other list.
    Each parcel carries `refused_at` and `refused_data` of its last refusal.
    """
    refusal = OrderEvent.objects.filter(parcel=OuterRef("pk"), kind="capture_refused").order_by("-pk")
    asked_again = Message.objects.filter(
        Q(code=None) | Q(code=APPROVED),
        verb=Message.Verb.CAPTURE,
        payment__order_code=OuterRef("order__code"),
        parcel=OuterRef("number"),
    )
    return list(
        Parcel.objects.filter(captured_at=None, status__in=[Parcel.Status.CONFIRMED, Parcel.Status.READY])
        .filter(Exists(refusal), ~Exists(asked_again))
        .annotate(refused_at=Subquery(refusal.values("at")[:1]), refused_data=Subquery(refusal.values("data")[:1]))
        .annotate(amount=F("confirmed_total") + F("fee"))
        .select_related("order", "seller")
        .order_by("refused_at", "pk")[:REFUSED_SHOWN]
    )


def refused_refunds() -> list[Message]:
    """Refunds the network refused and nobody has asked for anew since, as long as something is left to return."""
    refunds = Message.objects.alias(root=_ROOT, turn=_TURN).filter(verb=Message.Verb.REFUND)
    newer = refunds.filter(
        payment=OuterRef("payment"),
        parcel=OuterRef("parcel"),
        root=OuterRef("root"),
        turn__gt=OuterRef("turn"),
    )
    return list(
        refunds.exclude(code=None)
        .exclude(code=APPROVED)
        .exclude(payment__captured=F("payment__refunded"))
        .filter(~Exists(newer))
        .select_related("payment")
        .order_by("answered_at", "pk")[:REFUSED_SHOWN]
    )


def refused_releases() -> list[Message]:
    """Money the network would not let go, as long as it holds it: a hold ends by itself, and then this does."""
    return list(
        Message.objects.filter(verb=Message.Verb.RELEASE, payment__state=Payment.State.AUTHORISED)
        .exclude(code=None)
        .exclude(code=APPROVED)
        .filter(payment__expires_at__gt=Now())
        .select_related("payment")
        .order_by("answered_at", "pk")[:REFUSED_SHOWN]
    )


def refusal_words(parcel: Any) -> Promise:
    """Why, of a parcel from `refused_captures`."""
    return REFUSALS.get((parcel.refused_data or {}).get("code", ""), OTHER_REFUSAL)


def age(since: datetime, now: datetime) -> str | Promise:
    """How long ago in words: 3 minutes, 2 hours."""
    if now - since < timedelta(minutes=1):
        return _("less than a minute")
    return timesince(since, now, depth=1)
