"""Jobs of the orders. Each is a plain function as well, which a manage.py command runs for whoever has no worker."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from catalog.models import Product
from orders import notices, promises
from orders.cancelling import end_uncollected
from orders.cart import forget_visitor_carts
from orders.healing import heal
from orders.lateness import late_parcels, move_late
from orders.models import Order, OrderLine, Parcel
from orders.parcels import Reason, Refused, decline_parcel, take_payment
from orders.stock_holds import expire_due_orders
from orders.waiting import unanswered
from payments.audit import Subject, begin
from payments.models import Payment
from payments.tasks import audit_and_say

log = logging.getLogger(__name__)
# How long before the network lets a hold go its parcels are settled one way or the other.
BEFORE_EXPIRY = timedelta(hours=24)
POPULAR_DAYS = 30


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="payments_tick", pass_context=False)
def payments_tick(timestamp: int) -> None:
    """Carry unanswered questions to the card network on."""
    heal()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="warn_of_waiting", pass_context=False)
def warn_of_waiting(timestamp: int) -> None:
    """Say loudly that questions to the network have waited too long: it is down, or the healing is."""
    found = unanswered()
    if found.late:
        log.error("%d questions to the card network wait too long, the oldest since %s", found.late, found.oldest)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_orders", pass_context=False)
def sweep_orders(timestamp: int) -> None:
    """Expire holds, end what nobody answered or collected, tell what is late, settle what is not held much longer."""
    expire_due_orders()
    decline_unanswered()
    cancel_uncollected()
    move_late_parcels()
    settle_expiring()


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="count_popularity", pass_context=False)
def count_popularity(timestamp: int) -> None:
    """Write how many pieces of each product were sold in thirty days."""
    write_popularity()


@app.periodic(cron="23 4 * * *")
@app.task(queueing_lock="forget_visitor_carts", pass_context=False)
def forget_carts(timestamp: int) -> None:
    """Delete the carts of visitors who have not come back for a month."""
    forget_visitor_carts()


@app.periodic(cron="50 21 * * *")  # UTC: 06:50 in Pyongyang, after the ledger's
@app.task(queueing_lock="audit_orders", pass_context=False)
def audit_orders(timestamp: int) -> None:
    """Audit the orders and keep the result."""
    if run := begin(subject=Subject.ORDERS):
        audit_and_say(run)


@app.task(queue="messages", retry=RetryStrategy(max_attempts=5, exponential_wait=30))
def tell_member(event_id: int) -> None:
    """Write what happened to an order into its member's inbox, once."""
    notices.tell(event_id)


@app.task(queue="messages", retry=RetryStrategy(max_attempts=5, exponential_wait=30))
def tell_recipient(event_id: int) -> None:
    """Send one short message to the recipient of somebody else's order."""
    notices.tell_recipient(event_id)


def decline_unanswered(*, limit: int = 200) -> int:
    """Decline every parcel whose seller was silent past its deadline; how many."""
    late = Parcel.objects.filter(
        status=Parcel.Status.AWAITING, confirm_by__lte=timezone.now(), order__status=Order.Status.PAID
    ).order_by("confirm_by")
    return _decline(late.values_list("order__code", "number")[:limit], Reason.SILENCE)


def cancel_uncollected(*, limit: int = 200) -> int:
    """Cancel the packed parcels that were kept as long as they are and not collected; how many."""
    first = timezone.now() - timedelta(hours=min(settings.COLLECTION_HOURS.values()))
    packed = Parcel.objects.filter(
        status=Parcel.Status.READY, method=Parcel.Method.COLLECTION, captured_at=None, ready_at__lte=first
    ).select_related("seller", "order")
    count = 0
    for parcel in packed.order_by("ready_at")[:limit]:
        if promises.kept_until(parcel) > timezone.now():
            continue
        try:
            end_uncollected(order_code=parcel.order.code, number=parcel.number)
            count += 1
        except Refused:  # collected between the question and the lock
            log.info("parcel %s/%s was collected meanwhile", parcel.order.code, parcel.number)
    return count


def move_late_parcels(*, limit: int = 200) -> int:
    """Give every late parcel its new time and tell its member; how many."""
    moved = 0
    for code, number in late_parcels(timezone.now(), limit=limit):
        try:
            moved += move_late(order_code=code, number=number) is not None
        except Exception:  # one parcel's trouble makes no other wait untold
            log.exception("parcel %s/%s is late and was not given a new time", code, number)
    return moved


def settle_expiring(*, limit: int = 200) -> int:
    """A day before the network lets a hold go, take the money of confirmed parcels and decline the others.

    Where it was let go after all (the network was down that long), no money can be had any more: every parcel not
    paid for is declined, which ends the payment in both books.
    """
    ending = Payment.objects.filter(
        state=Payment.State.AUTHORISED, expires_at__lte=timezone.now() + BEFORE_EXPIRY
    ).order_by("expires_at")
    codes = list(ending.values_list("order_code", flat=True)[:limit])
    parcels = Parcel.objects.filter(order__code__in=codes, order__status=Order.Status.PAID).order_by("pk")
    places = parcels.values_list("order__code", "number")
    count = _decline(places.filter(status=Parcel.Status.AWAITING), Reason.EXPIRING)
    confirmed = places.filter(status__in=[Parcel.Status.CONFIRMED, Parcel.Status.READY], captured_at=None)
    ended = list(ending.filter(expires_at__lte=timezone.now()).values_list("order_code", flat=True)[:limit])
    count += _decline(list(confirmed.filter(order__code__in=ended)), Reason.EXPIRING)
    confirmed = confirmed.exclude(order__code__in=ended)
    for code, number in confirmed:
        try:
            take_payment(order_code=code, number=number)
            count += 1
        except Refused:
            log.info("parcel %s/%s was settled meanwhile", code, number)
    return count


def _decline(places: object, reason: Reason) -> int:
    count = 0
    for code, number in places:  # type: ignore[attr-defined]
        try:
            decline_parcel(order_code=code, number=number, reason=reason)
            count += 1
        except Refused:  # answered between the question and the lock
            log.info("parcel %s/%s was answered meanwhile", code, number)
    return count


def write_popularity() -> int:
    """Count the last thirty days' sold pieces of every product; how many products changed."""
    sold = (
        OrderLine.objects.filter(
            variant__product=OuterRef("pk"),
            parcel__order__paid_at__gte=timezone.now() - timedelta(days=POPULAR_DAYS),
        )
        .exclude(parcel__status__in=[Parcel.Status.DECLINED, Parcel.Status.CANCELLED])
        .values("variant__product")
        .annotate(pieces=Sum(Coalesce("confirmed_quantity", "quantity")))
        .values("pieces")
    )
    counted = Product.objects.annotate(pieces=Coalesce(Subquery(sold), 0))
    changed = 0
    with transaction.atomic():
        for pk, pieces, before in counted.values_list("pk", "pieces", "sold_30_days"):
            if pieces != before:
                changed += Product.objects.filter(pk=pk).update(sold_30_days=pieces)
    return changed
