"""Eight desks publish and refuse the same reviews at once: the stars are the sum of what is published."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models import Sum

from catalog import reviews
from catalog.models import Product, Review
from tests.factories import ProductFactory, ReviewFactory


@pytest.mark.django_db(transaction=True)
def test_the_sums_hold_whatever_happens_at_once() -> None:
    product = ProductFactory()
    keys = [ReviewFactory(product=product, stars=1 + n % 5, state=Review.State.WAITING).pk for n in range(6)]

    def work(number: int) -> None:
        try:
            for step in range(12):
                verb = reviews.publish if (number + step) % 3 else reviews.refuse
                verb(keys[(number * 5 + step) % len(keys)])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    product = Product.objects.get(pk=product.pk)
    published = Review.objects.filter(product=product, state=Review.State.PUBLISHED)
    assert product.rating_count == published.count()
    assert product.rating_sum == (published.aggregate(sum=Sum("stars"))["sum"] or 0)
