"""Reviews of the demo: what members wrote about goods they received, and some sellers' answers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from catalog.models import Product, Review
from orders.models import OrderLine, Parcel

WORDS = Path(__file__).resolve().parent / "reviews.json"
# How much of what was delivered is reviewed: of goods rarely bought more, so that they have some reviews as well.
SHARE, AT_LEAST = 0.2, 3
STARS = {5: 58, 4: 27, 3: 9, 2: 4, 1: 2}
ANSWERED = {"good": 0.08, "fair": 0.4, "poor": 0.9}


def load_reviews(*, now: datetime) -> int:
    """Write the reviews once and count every product's stars. Returns how many reviews stand."""
    words = json.loads(WORDS.read_text(encoding="utf-8"))
    known = set(Review.objects.values_list("purchase", flat=True))
    lines = OrderLine.objects.filter(parcel__status=Parcel.Status.DELIVERED, confirmed_quantity__gte=1)
    lines = lines.select_related("parcel__order", "variant__product__category").order_by("public_id")
    bought = Counter(line.variant.product_id for line in lines)
    shares = {product: max(SHARE, AT_LEAST / count) for product, count in bought.items()}
    written = [review for line in lines if (review := _review(line, shares, words, now))]
    Review.objects.bulk_create(review for review in written if review.purchase not in known)
    _count_stars()
    return Review.objects.count()


def _review(line: OrderLine, shares: dict[int, float], words: dict[str, Any], now: datetime) -> Review | None:
    """What the buyer of this line wrote, if anything: always the same for the same line."""
    rng = Random(f"okryu review {line.public_id}")
    delivered = line.parcel.delivered_at
    if delivered is None or rng.random() > shares[line.variant.product_id]:
        return None
    moment = delivered + timedelta(hours=rng.uniform(3, 70))
    if moment >= now:
        return None
    stars = rng.choices(list(STARS), list(STARS.values()))[0]
    mood = "good" if stars >= 4 else "fair" if stars == 3 else "poor"
    text = rng.choice(_lines(words, mood, line.variant.product))
    if mood == "good" and line.parcel.method == Parcel.Method.DELIVERY and rng.random() < 0.35:
        text = f"{text} {rng.choice(words['delivery'])}"
    answer = rng.choice(words["answers"][mood]) if rng.random() < ANSWERED[mood] else ""
    return Review(
        product_id=line.variant.product_id,
        user_id=line.parcel.order.user_id,
        purchase=line.public_id,
        stars=stars,
        text=text,
        state=Review.State.PUBLISHED,
        answer=answer,
        created_at=moment,
    )


def _lines(words: dict[str, Any], mood: str, product: Product) -> list[str]:
    """What may be said of this very product, twice as likely as what may be said of its whole shelf."""
    own: list[str] = words["good_of"].get(product.slug, []) if mood == "good" else []
    shelf: list[str] = words[mood][product.category.slug]
    return own * (2 * len(shelf) // max(len(own), 1)) + shelf


def _count_stars() -> None:
    published = Q(reviews__state=Review.State.PUBLISHED)
    counted = Product.objects.annotate(
        total=Coalesce(Sum("reviews__stars", filter=published), 0), number=Count("reviews", filter=published)
    )
    products = []
    for product in counted:
        product.rating_sum, product.rating_count = product.total, product.number
        products.append(product)
    Product.objects.bulk_update(products, ["rating_sum", "rating_count"])
