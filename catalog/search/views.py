"""The search page and its suggestions. The same for everyone in one language and district: no session, no token."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog import queries
from catalog.listing import Listing, list_found
from catalog.models import Seller
from catalog.scopes import RANKED_LIMIT
from catalog.search import engine, log
from catalog.search.asking import TooSlow
from catalog.search.engine import Found
from catalog.search.query import normalise
from catalog.search.suggestions import suggestions
from catalog.tree import category_tree

SELLERS_SHOWN = 4


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    query = normalise(request.GET.get("q", ""))
    if not query:
        return render(request, "catalog/search.html", {"query": "", "popular": queries.popular()})
    if opened := category_tree(request).by_name(query):
        return redirect(opened)
    try:
        found = engine.search(query, limit=RANKED_LIMIT + 1)
    except TooSlow:
        context = {"query": query, "search_text": query, "too_slow": True, "popular": queries.popular()}
        return render(request, "catalog/search.html", context, status=503)
    if not found.hits:
        log.note(query)
    listing = list_found(request, category_tree(request), found.ids)
    return render(request, "catalog/search.html", _context(query, found, listing))


def _context(query: str, found: Found, listing: Listing) -> dict[str, Any]:
    context: dict[str, Any] = {"query": query, "search_text": query, "listing": listing, "found": found}
    if listing.total or listing.chosen:
        context["found_sellers"] = _sellers(found)
    else:
        context |= {"popular": queries.popular(), "nearest": found.near}
    return context


def _sellers(found: Found) -> list[Seller]:
    """Open sellers whose names the query means, at most four; none beside what was only found by correcting it."""
    ids = [] if found.found_as else found.sellers[: 2 * SELLERS_SHOWN]
    open_ones = Seller.objects.filter(pk__in=ids, is_active=True).select_related("district") if ids else []
    return sorted(open_ones, key=lambda seller: ids.index(seller.pk))[:SELLERS_SHOWN]


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """What to offer below the search field while somebody types; an empty list where there is nothing to say."""
    found = suggestions(normalise(request.GET.get("q", "")))
    response = JsonResponse([asdict(suggestion) for suggestion in found], safe=False)
    response["Cache-Control"] = "private, max-age=60"
    return response
