"""Reviews: writing, publishing, refusing, answering.

A product's stars are the sum of its published reviews, whatever happens at once. Every verb locks the review before the
product, and counts in one statement. Whether somebody bought the goods is asked above (orders/reviewing.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from catalog.models import Product, Review

State = Review.State


class AlreadyPublished(Exception):
    """The words stand on the product's page: they are not changed any more."""


class Rewritten(Exception):
    """The writer has changed the words since they were read."""


def write(*, purchase: UUID, product: Product, user: User, stars: int, text: str) -> Review:
    """Keep what a buyer says of one purchase; it waits to be read. Written anew it replaces what waits or was refused.

    The same stars and words again change nothing. Raises AlreadyPublished for other ones.
    """
    with transaction.atomic():
        said = {"product": product, "user": user, "stars": stars, "text": text}
        locked = Review.objects.select_for_update(no_key=True)
        review, is_new = locked.get_or_create(purchase=purchase, defaults=said)
        if is_new or (review.stars, review.text) == (stars, text):
            return review
        if review.state == State.PUBLISHED:
            raise AlreadyPublished
        review.stars, review.text, review.version = stars, text, review.version + 1
        review.state, review.refusal, review.refusal_note = State.WAITING, "", ""
        review.save(update_fields=["stars", "text", "version", "state", "refusal", "refusal_note"])
    return review


def publish(review_id: int, *, version: int | None = None) -> Review:
    """Show the review and count its stars. A published one stays as it is.

    Raises Rewritten when it is no longer the `version` that was read.
    """
    with transaction.atomic():
        review = _locked(review_id, version)
        if review.state != State.PUBLISHED:
            _turn(review, State.PUBLISHED)
            _count(review, reviews=1)
    return review


def refuse(review_id: int, *, reason: str = Review.Reason.OTHER, note: str = "", version: int | None = None) -> Review:
    """Keep the review off the pages and take its stars back if they counted. Raises Rewritten."""
    with transaction.atomic():
        review = _locked(review_id, version)
        if review.state == State.PUBLISHED:
            _count(review, reviews=-1)
        _turn(review, State.REFUSED, refusal=reason, note=note)
    return review


def answer(review_id: int, *, text: str) -> None:
    """What the seller says under the review; no words take the answer away."""
    moment = timezone.now() if text else None
    Review.objects.filter(pk=review_id).exclude(answer=text).update(answer=text, answered_at=moment)


def of_purchases(purchases: Iterable[UUID]) -> dict[UUID, Review]:
    return {review.purchase: review for review in Review.objects.filter(purchase__in=list(purchases))}


def _locked(review_id: int, version: int | None) -> Review:
    review = Review.objects.select_for_update(no_key=True).get(pk=review_id)
    if version is not None and version != review.version:
        raise Rewritten
    return review


def _turn(review: Review, state: Review.State, *, refusal: str = "", note: str = "") -> None:
    review.state, review.refusal, review.refusal_note = state, refusal, note
    review.save(update_fields=["state", "refusal", "refusal_note"])


def _count(review: Review, *, reviews: int) -> None:
    """Both sums in one statement: the constraint between them is checked row by row."""
    Product.objects.filter(pk=review.product_id).update(
        rating_count=F("rating_count") + reviews, rating_sum=F("rating_sum") + reviews * review.stars
    )
