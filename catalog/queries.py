"""What pages read: cards, shelves of the home page, one product with its company. A constant few queries each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Q, Window
from django.urls import reverse
from django.utils import timezone

from catalog.alphabet import letter_key
from catalog.attributes import Answer, answers_of
from catalog.models import Listing, Notice, Product, Review, Seller

SHELF = 6
DISHES = 7  # the dish of the day goes round among these
RELATED = 4
REVIEWS_SHOWN = 5
REVIEWS_ON_PAGE = 20
COMPARED_LIMIT = 4
BEST_SHOWN = 42  # whole rows of six and of two, on the page of the popular and on that of the new


@dataclass
class Home:
    dish: Product | None
    popular: list[Product]
    fresh: list[Product]  # lowered prices first, then the newest
    sellers: list[Seller]
    notices: list[Notice]


def home(*, day: date) -> Home:
    """All shelves of the front page in four queries: one reads the products of every shelf at once."""
    listed = Product.objects.on_sale()
    popular = listed.most_ordered().values("pk")[:SHELF]
    dishes = listed.filter(seller__kind=Seller.Kind.RESTAURANT).most_ordered().values("pk")[:DISHES]
    lowered = listed.marked_down(timezone.now()).most_ordered().values("pk")[:SHELF]
    newest = listed.order_by("-listed_at", "-pk").values("pk")[: 2 * SHELF]
    # One set of ids, found first: of four conditions joined by OR every product would be read to be tested.
    wanted = popular.union(dishes, lowered, newest)
    products = list(Product.objects.filter(pk__in=wanted).for_cards().most_ordered())
    first = products[:SHELF]
    return Home(
        dish=_dish_of(day, products),
        popular=first,
        fresh=_fresh([product for product in products if product.available and product not in first]),
        sellers=_one_of_each_kind_first([product.seller for product in products]),
        notices=list(Notice.objects.filter(is_active=True, published_at__lte=timezone.now())[:3]),
    )


def popular() -> list[Product]:
    """The most ordered products, for pages that would otherwise stand empty; three queries."""
    return list(Product.objects.on_sale().for_cards().most_ordered()[: 2 * SHELF])


def most_ordered() -> list[Product]:
    """The page of popular products: what the orders of thirty days say, nothing nobody ordered; two queries."""
    return list(Product.objects.on_sale().filter(sold_30_days__gt=0).for_cards().most_ordered()[:BEST_SHOWN])


def newest() -> list[Product]:
    return list(Product.objects.on_sale().for_cards().order_by("-listed_at", "-pk")[:BEST_SHOWN])


def _dish_of(day: date, products: list[Product]) -> Product | None:
    cooked = [p for p in products if p.seller.kind == Seller.Kind.RESTAURANT and p.available][:DISHES]
    return cooked[day.toordinal() % len(cooked)] if cooked else None


def _fresh(products: list[Product]) -> list[Product]:
    lowered = [product for product in products if product.old_price]
    newest = sorted(products, key=lambda product: (product.listed_at, product.pk), reverse=True)
    return [*lowered, *(product for product in newest if product not in lowered)][:SHELF]


def _one_of_each_kind_first(sellers: list[Seller]) -> list[Seller]:
    """Four different sellers, the most ordered of each kind before any second one."""
    different = list(dict.fromkeys(sellers))
    kinds: Counter[str] = Counter()
    places: list[tuple[int, int, Seller]] = []
    for place, seller in enumerate(different):
        places.append((kinds[seller.kind], place, seller))
        kinds[seller.kind] += 1
    return [seller for _, _, seller in sorted(places, key=lambda entry: entry[:2])][:4]


@dataclass
class ProductPage:
    product: Product
    others: list[Product]  # the same kind from other sellers, dearest last
    related: list[Product]
    reviews: list[Review]
    answers: list[Answer]  # to the attributes of its category
    spread: list[tuple[int, int, int]] = field(default_factory=list)  # stars, how many, per cent

    @property
    def same_kind(self) -> list[Product]:
        """This product among the others, the cheapest that is in stock first."""
        return sorted([self.product, *self.others], key=lambda p: (p.is_sold_out, p.shown_price or 0, p.pk))

    @property
    def compare_url(self) -> str:
        """This product and the cheapest of the others side by side."""
        products = [self.product, *self.others][:COMPARED_LIMIT]
        return f"{reverse('catalog:compare')}?{'&'.join(f'p={product.pk}' for product in products)}"


def product_page(product_id: int) -> ProductPage | None:
    """The product with its company (the same kind, its shelf) in five queries; None unless it is on sale."""
    this = Product.objects.filter(pk=product_id)
    same_kind = Product.objects.on_sale().filter(kind__in=this.values("kind")).values("pk")[:20]
    shelf = Product.objects.on_sale().filter(category__in=this.values("category"))
    related = shelf.exclude(pk=product_id).most_ordered().values("pk")[: RELATED + COMPARED_LIMIT]
    wanted = this.values("pk").union(same_kind, related)  # found first, as on the home page
    found = Product.objects.on_sale().filter(pk__in=wanted).for_product_page()
    products = {product.pk: product for product in found.most_ordered()}
    product = products.pop(product_id, None)
    if product is None:
        return None
    others = [p for p in products.values() if product.kind_id is not None and p.kind_id == product.kind_id]
    _compare_alike([product, *others])
    reviews = list(_reviews(product))
    return ProductPage(
        product=product,
        others=sorted(others, key=lambda p: (p.shown_price or 0, p.pk)),
        related=[p for p in products.values() if p not in others and p.category_id == product.category_id][:RELATED],
        reviews=reviews,
        answers=answers_of([product]).get(product.pk, []),
        spread=_spread(reviews[0]) if reviews else [],
    )


def _compare_alike(products: list[Product]) -> None:
    """A pack of 900 g beside one of 1 kg: both by 100 g, or nobody could compare them."""
    common = min(product.comparing_amount for product in products)
    for product in products:
        if product.content_unit == products[0].content_unit:
            product.comparing_amount = common


@dataclass
class ReviewsPage:
    product: Product
    reviews: list[Review]
    spread: list[tuple[int, int, int]]
    after: int | None  # the last one shown when there are more
    is_first: bool


def reviews_page(product_id: int, *, after: int | None) -> ReviewsPage | None:
    """A product's published reviews, the newest first, from below the review `after` on: three queries at most."""
    product = Product.objects.on_sale().select_related("seller").filter(pk=product_id).first()
    if product is None:
        return None
    published = product.reviews.filter(state=Review.State.PUBLISHED)
    counts = {row["stars"]: row["n"] for row in published.order_by().values("stars").annotate(n=Count("pk"))}
    if after is not None:
        last = Review.objects.filter(pk=after, product=product).values("created_at")[:1]
        older = Q(created_at__lt=last) | Q(created_at=last, pk__lt=after)
        published = published.filter(older)
    found = list(published.select_related("user")[: REVIEWS_ON_PAGE + 1])
    shown = found[:REVIEWS_ON_PAGE]
    more = len(found) > REVIEWS_ON_PAGE
    return ReviewsPage(product, shown, _shares(counts), shown[-1].pk if more else None, is_first=after is None)


def _reviews(product: Product) -> list[Review]:
    """The newest published reviews, each carrying how often every number of stars was given."""
    counts = {f"of_{stars}": Window(Count("pk", filter=Q(stars=stars))) for stars in range(1, 6)}
    published = product.reviews.filter(state=Review.State.PUBLISHED).select_related("user").annotate(**counts)
    return list(published[:REVIEWS_SHOWN])


def _spread(review: Review) -> list[tuple[int, int, int]]:
    return _shares({stars: int(getattr(review, f"of_{stars}")) for stars in range(1, 6)})


def _shares(counts: dict[int, int]) -> list[tuple[int, int, int]]:
    """Stars from five down, how many gave them, and their share in per cent."""
    whole = sum(counts.values()) or 1
    down = [(stars, counts.get(stars, 0)) for stars in range(5, 0, -1)]
    return [(stars, count, (200 * count + whole) // (2 * whole)) for stars, count in down]


def compared(product_ids: list[int]) -> list[Product]:
    """These products in the given order, those no longer on sale left out; three queries."""
    found = Product.objects.on_sale().filter(pk__in=product_ids).for_product_page()
    by_id = {product.pk: product for product in found}
    return [by_id[pk] for pk in product_ids if pk in by_id]


def open_sellers() -> list[Seller]:
    """Every open seller by the letters of its name, with how many products it offers, in two queries."""
    counts = dict(Listing.objects.order_by().values_list("seller_id").annotate(Count("pk")))
    sellers = list(Seller.objects.filter(is_active=True).select_related("district"))
    for seller in sellers:
        seller.offered = counts.get(seller.pk, 0)  # type: ignore[attr-defined]
    return sorted(sellers, key=lambda seller: (letter_key(seller.name), seller.pk))
