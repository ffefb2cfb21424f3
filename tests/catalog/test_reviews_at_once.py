"""Ten desks, each a process of its own, publish and refuse the same reviews: the stars are the sum of the published."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import F, Sum

from catalog import reviews
from catalog.models import Product, Review
from tests.factories import ProductFactory, ReviewFactory
from tests.payments.processes import at_once

DESKS = 10


def sums(product: Product) -> tuple[tuple[int, int], tuple[int, int]]:
    """What the product says and what its reviews say."""
    product = Product.objects.get(pk=product.pk)
    published = Review.objects.filter(product=product, state=Review.State.PUBLISHED)
    stars = published.aggregate(sum=Sum("stars"))["sum"] or 0
    return (product.rating_count, product.rating_sum), (published.count(), stars)


def race(product: Product, publish: Callable[[int], object]) -> list[object]:
    keys = [ReviewFactory(product=product, stars=1 + n % 5, state=Review.State.WAITING).pk for n in range(6)]

    def work(number: int) -> str:
        for step in range(12):
            verb = publish if (number + step) % 3 else reviews.refuse
            verb(keys[(number * 5 + step) % len(keys)])
        return "done"

    return at_once(DESKS, work)


@pytest.mark.django_db(transaction=True)
def test_the_sums_hold_whatever_happens_at_once() -> None:
    product = ProductFactory()
    assert race(product, reviews.publish) == ["done"] * DESKS
    said, counted = sums(product)
    assert said == counted
    assert counted[0] > 0


@pytest.mark.django_db(transaction=True)
def test_one_review_published_by_ten_counts_once() -> None:
    review = ReviewFactory(stars=4, state=Review.State.WAITING)
    assert at_once(DESKS, lambda number: reviews.publish(review.pk).state) == ["published"] * DESKS
    assert sums(review.product) == ((1, 4), (1, 4))


@pytest.mark.django_db(transaction=True)
def test_the_race_would_see_a_verb_that_looks_before_it_locks() -> None:
    """The negative control: without the row's lock, several desks find the review waiting and all of them count it."""

    def careless(review_id: int) -> Review:
        review = Review.objects.get(pk=review_id)
        if review.state != Review.State.PUBLISHED:
            with transaction.atomic():
                Product.objects.filter(pk=review.product_id).update(
                    rating_count=F("rating_count") + 1, rating_sum=F("rating_sum") + review.stars
                )
                Review.objects.filter(pk=review_id).update(state=Review.State.PUBLISHED)
        return review

    product = ProductFactory()
    race(product, careless)
    said, counted = sums(product)
    assert said != counted


@pytest.mark.django_db(transaction=True)
def test_words_changed_and_published_at_once_are_published_as_they_were_read() -> None:
    review = ReviewFactory(purchase=UUID(int=77), text="read", state=Review.State.WAITING)

    def work(number: int) -> str:
        try:
            if number % 2:
                reviews.publish(review.pk, version=1)
            else:
                reviews.write(
                    purchase=review.purchase, product=review.product, user=review.user, stars=1, text="not read"
                )
        except (reviews.AlreadyPublished, reviews.Rewritten) as refused:
            return type(refused).__name__
        return "done"

    at_once(DESKS, work)
    review.refresh_from_db()
    assert (review.state, review.text) in {("published", "read"), ("waiting", "not read")}
    assert sums(review.product)[0] == sums(review.product)[1]
