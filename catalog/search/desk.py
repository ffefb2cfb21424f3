"""The desk of fruitless queries (/admin/desk/search/): what people asked for in vain, and the shop's word for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.staff import staff_page
from catalog.models import Product, SearchLog, SearchSynonym
from catalog.search import engine, synonyms
from catalog.search.asking import TooSlow
from catalog.search.query import normalise

PERMISSION = "catalog.add_searchsynonym"
HERE = "/admin/desk/search/"
QUERIES_SHOWN = 100
RESULTS_SHOWN = 8


@dataclass
class Trial:
    """What shoppers find for a query, as the words stand and as they would stand."""

    query: str
    meant: str  # the shop's word that is tried, or ""
    before: list[str]  # products without any synonym of the query's own
    after: list[str]
    known: list[SearchSynonym]
    near: list[str]  # the shop's words near it, each one press away


@require_safe
@staff_page(PERMISSION)
def fruitless(request: HttpRequest) -> HttpResponse:
    """Queries without result, the most asked first; `q` tries one, `as` tries it as another word."""
    query, meant = normalise(request.GET.get("q", "")), normalise(request.GET.get("as", ""))
    context = {"queries": SearchLog.objects.all()[:QUERIES_SHOWN], "trial": _trial(query, meant) if query else None}
    return render(request, "desk/search.html", context)


def _trial(query: str, meant: str) -> Trial:
    own = synonyms.joined(query)
    known = list(SearchSynonym.objects.filter(south=own, is_approved=True))
    before, near = _found(query, without={own})
    after = _found(meant)[0] if meant else _found(query)[0]
    southern = set(SearchSynonym.objects.filter(south__in=near).values_list("south", flat=True))
    near = [word for word in near if word not in southern and synonyms.joined(word) != own]
    return Trial(query, meant, before, after, known, near)


def _found(query: str, *, without: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """The first products' names, and words near the query."""
    try:
        found = engine.search(query, limit=RESULTS_SHOWN, without=without)
    except TooSlow:
        return [], []
    called = dict(Product.objects.filter(pk__in=found.ids).values_list("pk", "name"))
    return [called[pk] for pk in found.ids if pk in called], found.near


@require_POST
@staff_page(PERMISSION)
def add(request: HttpRequest) -> HttpResponse:
    """One pair of words, in use at once; the same form sent twice adds it once."""
    south, north = normalise(request.POST.get("south", "")), normalise(request.POST.get("north", ""))
    wrong = _refusal(south, north)
    if wrong:
        trial = _trial(south, "") if south else None
        queries = SearchLog.objects.all()[:QUERIES_SHOWN]
        context = {"queries": queries, "trial": trial, "wrong": wrong, "north": north}
        return render(request, "desk/search.html", context, status=422)
    pair = synonyms.add(south=south, north=north, source="desk")
    if engine.search(south, limit=1).hits:
        SearchLog.objects.filter(query=south.casefold()).delete()
    messages.success(request, _("“%(south)s” now finds “%(north)s” as well.") % {"south": south, "north": pair.north})
    return redirect(f"{HERE}?{_query(q=south)}")


def _refusal(south: str, north: str) -> str:
    """What is wrong with a pair, in plain words, or ""."""
    said, meant = synonyms.joined(south), synonyms.joined(north)
    if not said or not meant:
        return _("Write both words: what people write, and what the shop calls it.")
    if len(said) > synonyms.LONGEST or len(meant) > synonyms.LONGEST:
        return _("Each word has at most 16 letters.")
    return _("Both words are the same.") if said == meant else ""


def _query(**values: str) -> str:
    query = QueryDict(mutable=True)
    query.update(values)
    return query.urlencode()


app_name = "search-desk"
urlpatterns = [
    path("", fruitless, name="fruitless"),
    path("synonyms/", add, name="synonyms"),
]
