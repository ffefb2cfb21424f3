"""Pages of the catalogue. They are the same for everyone in one language and district: no session, no token."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from catalog import queries, structured, wording
from catalog.comparison import Comparison
from catalog.listing import list_seller, list_shelves
from catalog.models import Category, OldSlug, Product, Seller
from catalog.tree import category_tree
from okryu.calendar import local_day

LARGEST_ID = 2**63 - 1
QUANTITIES_OFFERED = 10  # on the product page; the cart takes more


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/home.html", {"shop": queries.home(day=local_day(timezone.now()))})


@require_safe
def popular(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/all_products.html", {"products": queries.most_ordered(), "ranked": True})


@require_safe
def new(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/all_products.html", {"products": queries.newest(), "ranked": False})


@require_safe
def categories(request: HttpRequest) -> HttpResponse:
    tree = category_tree(request)
    shelves = [(category, tree.inside(category.pk)) for category in tree.roots]
    return render(request, "catalog/categories.html", {"shelves": shelves})


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    tree = category_tree(request)
    category = tree.by_slug(slug)
    if category is None:
        moved = OldSlug.objects.filter(slug=slug, category__isnull=False).values_list("category_id", flat=True)
        return _moved_or_missing(request, tree.get(moved[0]) if moved else None)
    context = {
        "crumbs": structured.breadcrumbs(tree.path(category), home=gettext("Home"), address=settings.SHOP_ADDRESS),
        "category": category,
        "path": tree.path(category),
        "inside": tree.inside(category.pk),
        "listing": list_shelves(request, tree, category),
    }
    return render(request, "catalog/category.html", context)


@require_safe
def sellers(request: HttpRequest) -> HttpResponse:
    everyone = queries.open_sellers()
    districts = list(dict.fromkeys(seller.district for seller in everyone))
    kind = next((kind for kind in Seller.Kind if kind.value == request.GET.get("kind")), None)
    district = next((d for d in districts if d.slug == request.GET.get("district")), None)
    shown = [s for s in everyone if kind in (None, s.kind) and district in (None, s.district)]
    context = {
        "groups": [
            (name, of_kind) for k, name in Seller.GROUP_NAMES.items() if (of_kind := [s for s in shown if s.kind == k])
        ],
        "kinds": Seller.GROUP_NAMES.items(),
        "kind": kind,
        "districts": districts,
        "district": district,
        "count": len(shown),
    }
    return render(request, "catalog/sellers.html", context)


@require_safe
def seller(request: HttpRequest, slug: str) -> HttpResponse:
    found = Seller.objects.select_related("district", "neighbourhood").filter(is_active=True)
    seller = found.filter(slug=slug).first()
    if seller is None:
        return _moved_or_missing(request, found.filter(old_slugs__slug=slug).first())
    listing = list_seller(request, category_tree(request), seller.pk)
    return render(request, "catalog/seller.html", {"seller": seller, "listing": listing})


@require_safe
def product(request: HttpRequest, product_id: int, slug: str) -> HttpResponse:
    page = queries.product_page(product_id) if product_id <= LARGEST_ID else None
    if page is None:
        raise Http404
    if slug != page.product.slug:
        return _moved_or_missing(request, page.product)
    tree = category_tree(request)
    shelf = tree.get(page.product.category_id)
    most = min(page.product.most_of_one, QUANTITIES_OFFERED)
    crumbs = tree.path(shelf) if shelf else []
    address = settings.SHOP_ADDRESS
    context = {
        "facts": structured.product_facts(page.product, address=address),
        "crumbs": structured.breadcrumbs(crumbs, home=gettext("Home"), address=address, last=page.product.name),
        "page": page,
        "product": page.product,
        "path": crumbs,
        "quantities": [(n, wording.choice_of(page.product, n)) for n in range(1, most + 1)],
    }
    return render(request, "catalog/product.html", context)


@require_safe
def product_reviews(request: HttpRequest, product_id: int, slug: str) -> HttpResponse:
    """All reviews of a product. A place in the list that is none means its beginning."""
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    page = queries.reviews_page(product_id, after=after) if product_id <= LARGEST_ID else None
    if page is None:
        raise Http404
    if slug != page.product.slug:
        return HttpResponsePermanentRedirect(reverse("catalog:product-reviews", args=[product_id, page.product.slug]))
    tree = category_tree(request)
    shelf = tree.get(page.product.category_id)
    context = {"page": page, "product": page.product, "path": tree.path(shelf) if shelf else []}
    return render(request, "catalog/product_reviews.html", context)


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    asked = [int(text) for text in request.GET.getlist("p") if text.isascii() and text.isdigit() and len(text) < 19]
    wanted = list(dict.fromkeys(asked))[: queries.COMPARED_LIMIT]
    found = queries.compared(wanted)
    context = {"comparison": Comparison(found), "some_gone": len(found) < len(wanted)}
    return render(request, "catalog/compare.html", context)


def _moved_or_missing(request: HttpRequest, found: Category | Seller | Product | None) -> HttpResponse:
    """For good to where the thing stands now, filters kept; 404 where there is none."""
    if found is None:
        raise Http404
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(found.get_absolute_url() + (f"?{query}" if query else ""))
