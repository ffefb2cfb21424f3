"""The shop's map for crawlers: shelves and sellers, then the products in parts of at most 50,000, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_safe

from catalog.models import Listing, Seller
from catalog.tree import category_tree

PART = 50_000  # product numbers a part covers; the protocol allows as many addresses
PARTS_LIMIT = 50_000  # and so many parts
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
LINES = 500  # written at once


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    highest = Listing.objects.aggregate(highest=Max("product_id"))["highest"]
    parts = [] if highest is None else range(highest // PART + 1)
    places = [reverse("catalog:sitemap-shelves"), *(reverse("catalog:sitemap-products", args=[n]) for n in parts)]
    address = shop_address(request)
    lines = "".join(f"<sitemap><loc>{escape(address + place)}</loc></sitemap>\n" for place in places)
    return HttpResponse(f"{HEAD}<sitemapindex {NAMESPACE}>\n{lines}</sitemapindex>\n", content_type="application/xml")


@require_safe
def shelves(request: HttpRequest) -> HttpResponse:
    sellers = Seller.objects.filter(is_active=True).order_by("pk")[:PART]
    places = ["/", reverse("catalog:categories"), reverse("catalog:sellers")]
    places += [reverse("catalog:popular"), reverse("catalog:new")]
    places += [category.get_absolute_url() for category in category_tree(request)]
    places += [seller.get_absolute_url() for seller in sellers]
    return HttpResponse(_urls(shop_address(request), places[:PART]), content_type="application/xml")


@require_safe
def products(request: HttpRequest, part: int) -> StreamingHttpResponse:
    listed = Listing.objects.filter(product_id__gte=part * PART, product_id__lt=(part + 1) * PART)
    if part >= PARTS_LIMIT or not listed.exists():
        raise Http404
    rows = listed.order_by("product_id").values_list("product_id", "product__slug")
    places = (reverse("catalog:product", args=row) for row in rows.iterator(LINES))
    return StreamingHttpResponse(_urls(shop_address(request), places), content_type="application/xml")


def shop_address(request: HttpRequest) -> str:
    """The shop's own address without a slash behind; where none is set, the one this request came to."""
    return settings.SHOP_ADDRESS or f"{request.scheme}://{request.get_host()}"


def _urls(address: str, places: Iterable[str]) -> Iterator[str]:
    yield f"{HEAD}<urlset {NAMESPACE}>\n"
    lines: list[str] = []
    for place in places:
        lines.append(f"<url><loc>{escape(address + place)}</loc></url>\n")
        if len(lines) == LINES:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)
    yield "</urlset>\n"
