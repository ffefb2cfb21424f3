"""Publishing and refusing reviews: a product's stars are the sum of its published reviews, whatever happens at once."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from catalog.models import Product, Review


def publish(review_id: int) -> Review:
    """Show the review and count its stars. A published one stays as it is."""
    with transaction.atomic():
        review = Review.objects.select_for_update(no_key=True).get(pk=review_id)
        if review.state != Review.State.PUBLISHED:
            _turn(review, Review.State.PUBLISHED)
            _count(review, reviews=1)
    return review


def refuse(review_id: int) -> Review:
    """Keep the review off the pages and take its stars back if they counted."""
    with transaction.atomic():
        review = Review.objects.select_for_update(no_key=True).get(pk=review_id)
        if review.state == Review.State.PUBLISHED:
            _count(review, reviews=-1)
        _turn(review, Review.State.REFUSED)
    return review


def _turn(review: Review, state: Review.State) -> None:
    review.state = state
    review.save(update_fields=["state"])


def _count(review: Review, *, reviews: int) -> None:
    """Both sums in one statement: the constraint between them is checked row by row."""
    Product.objects.filter(pk=review.product_id).update(
        rating_count=F("rating_count") + reviews, rating_sum=F("rating_sum") + reviews * review.stars
    )
