"""Every review of a product, page by page, in a constant number of queries."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import reviews
from catalog.models import Review
from tests.factories import ProductFactory, ReviewFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en"}


def test_all_reviews_of_a_product_page_by_page(client: Client) -> None:
    product = ProductFactory()
    for n in range(45):
        review = ReviewFactory(product=product, stars=1 + n % 5, text=f"Words {n:02d}.", state=Review.State.WAITING)
        reviews.publish(review.pk)
    ReviewFactory(product=product, text="Not read yet.", state=Review.State.WAITING)
    address = f"/products/{product.pk}/{product.slug}/reviews/"
    front = client.get(f"/products/{product.pk}/{product.slug}/", headers=ENGLISH).content.decode()
    assert f'href="{address}"' in front
    seen: list[str] = []
    here, pages = address, 0
    while here:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(here, headers=ENGLISH)
        shown = answer.content.decode()
        assert answer.status_code == 200
        assert not answer.cookies
        assert pages == 0 or len(asked) <= 5
        seen += re.findall(r"Words [0-9]{2}", shown)
        more = re.search(r'href="([^"]+after=[0-9]+)" rel="next"', shown)
        here, pages = more[1] if more else "", pages + 1
    assert seen == [f"Words {n:02d}" for n in reversed(range(45))]
    assert pages == 3
    assert "Not read yet." not in front
    assert client.get(f"{address}?after=abc").status_code == 200
    assert client.get(f"{address}?after=999999999999").status_code == 200
    assert client.post(address).status_code == 405
    moved = client.get(f"/products/{product.pk}/old-word/reviews/")
    assert (moved.status_code, moved["Location"]) == (301, address)
    assert client.get("/products/99999999999999999999/x/reviews/").status_code == 404
