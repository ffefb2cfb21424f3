"""A list of products as a page shows it: filtered, sorted, read by key a page at a time, every choice a link.

At most three queries beside the tree's: what the filters are counted with, their names, the page with its variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.forms.boundfield import BoundField
from django.http import HttpRequest, QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext

from catalog import facets, filters, tokens, wording
from catalog.facets import Count
from catalog.filters import Filters
from catalog.forms import PriceForm
from catalog.models import Category, Product
from catalog.paging import BEST, PAGE_SIZE, SORTS, Sort, key_of, place_of, read_page
from catalog.scopes import Counting, OfSeller, Ranked, Scope, Shelves
from catalog.tree import CategoryTree


@dataclass
class Link:
    label: str
    url: str
    is_current: bool = False


@dataclass
class Listing:
    products: list[Product]
    total: int
    seller_count: int
    is_whole: bool  # False: there is more than was counted
    form: PriceForm
    filters: Filters
    sorts: list[Link]
    chosen: list[Link]  # filters that are set, each with the address without it
    plain_url: str  # the list without any filter
    is_plain: bool  # neither filtered nor sorted: a page worth finding from outside
    next_url: str = ""
    next_text: str = ""
    first_url: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)  # what the filter form must carry along

    @property
    def price_fields(self) -> list[BoundField]:
        return [self.form["min"], self.form["max"]]

    @property
    def total_text(self) -> str:
        return f"{number_format(self.total, force_grouping=True)}{'' if self.is_whole else '+'}"


def list_shelves(request: HttpRequest, tree: CategoryTree, category: Category) -> Listing:
    """A category's page: its own and all inside it, with the filters its shelves ask for."""
    slugs = filters.wanted_values(request.GET, "seller")
    scope = Shelves(tuple(tree.with_all_inside(category)))
    form = _price_form(request)
    counting = scope.counting(seller_slugs=slugs, by_price=_is_priced(form))
    names = filters.names_for(tree.path(category), counting, seller_slugs=slugs)
    groups = [
        *filters.common_groups(),
        *filters.shelf_groups(names, counting),
        filters.kind_group(),
        filters.stars_group(),
    ]
    return _build(request, scope, counting, groups, form)


def list_seller(request: HttpRequest, tree: CategoryTree, seller_id: int) -> Listing:
    scope = OfSeller(seller_id)
    form = _price_form(request)
    counting = scope.counting(seller_slugs=(), by_price=_is_priced(form))
    groups = [*filters.common_groups(), filters.category_group(tree, counting), filters.stars_group()]
    return _build(request, scope, counting, groups, form)


def list_found(
    request: HttpRequest, tree: CategoryTree, product_ids: Sequence[int], *, carry: tuple[str, ...] = ("q",)
) -> Listing:
    """What a search found, best first. `carry` names parameters every link keeps."""
    slugs = filters.wanted_values(request.GET, "seller")
    scope = Ranked(tuple(product_ids))
    form = _price_form(request)
    counting = scope.counting(seller_slugs=slugs, by_price=_is_priced(form))
    groups = [
        *filters.common_groups(),
        filters.category_group(tree, counting),
        *filters.most_answered(filters.shelf_groups(counting.names, counting), counting, request.GET),
        filters.kind_group(),
        filters.stars_group(),
    ]
    return _build(request, scope, counting, groups, form, carry=carry)


def _price_form(request: HttpRequest) -> PriceForm:
    form = PriceForm(request.GET)
    form.is_valid()  # wrong values are missing from cleaned_data and told by the template
    return form


def _is_priced(form: PriceForm) -> bool:
    return any(form.cleaned_data.get(name) is not None for name in ("min", "max"))


def _build(
    request: HttpRequest,
    scope: Scope,
    counting: Counting,
    groups: list[filters.Group],
    form: PriceForm,
    *,
    carry: tuple[str, ...] = (),
) -> Listing:
    filters.mark_chosen(groups, request.GET)
    offered = Filters(groups, low=form.cleaned_data.get("min"), high=form.cleaned_data.get("max"))
    chosen = offered.chosen()
    count = facets.count(counting.parts, groups=offered.offered(), chosen=chosen)
    offered.take_counts(count, is_exact=counting.is_whole)
    sorts = (BEST, *SORTS) if isinstance(scope, Ranked) else SORTS
    sort = next((each for each in sorts if each.name == request.GET.get("sort")), sorts[0])
    address = _Address(request, offered.pairs(), sort, sorts[0], carry)
    key = key_of(request.GET.get("after", ""))
    found = read_page(scope, counting, count, chosen=chosen, sort=sort, key=key)
    listing = Listing(
        products=found[:PAGE_SIZE],
        total=count.total,
        seller_count=_seller_count(counting, count),
        is_whole=counting.is_whole,
        form=form,
        filters=offered,
        sorts=[Link(str(each.label), address.of(sort=each.name), each is sort) for each in sorts],
        chosen=_chosen(offered, address),
        plain_url=address.plain(),
        is_plain=not chosen and sort is sorts[0],
        first_url=address.of() if key else "",
        hidden=address.hidden(),
    )
    if len(found) > PAGE_SIZE:
        listing.next_url = address.of(after=place_of(listing.products[-1], sort, scope))
        left = min(PAGE_SIZE, listing.total - PAGE_SIZE)
        listing.next_text = "" if key or left < 1 else gettext("Next %(n)s products") % {"n": left}
    return listing


def _seller_count(counting: Counting, count: Count) -> int:
    """Of what is left, where the list is small enough to say."""
    if not counting.is_in_rows:
        return 0
    part, left = count.left[0]
    return sum(1 for token in counting.present(tokens.SELLER) if part.of[token] & left)


class _Address:
    """Addresses of this list with its valid choices only, in one order, so that equal lists have equal addresses."""

    def __init__(
        self, request: HttpRequest, chosen: list[tuple[str, str]], sort: Sort, usual: Sort, carry: tuple[str, ...]
    ) -> None:
        self._path = request.path
        self._carried = [(name, request.GET.get(name, "")) for name in carry]
        self._sort, self._usual = sort.name, usual.name
        self._filters = chosen

    def of(self, *, sort: str = "", after: str = "", without: tuple[str, str] | None = None) -> str:
        pairs = [*self._carried, *(pair for pair in self._filters if pair != without)]
        if (sort or self._sort) != self._usual:
            pairs.append(("sort", sort or self._sort))
        if after:
            pairs.append(("after", after))
        return self._written(pairs)

    def plain(self) -> str:
        return self._written(self.hidden())

    def hidden(self) -> list[tuple[str, str]]:
        return [*self._carried, *([("sort", self._sort)] if self._sort != self._usual else [])]

    def _written(self, pairs: list[tuple[str, str]]) -> str:
        query = QueryDict(mutable=True)
        for name, value in pairs:
            query.appendlist(name, value)
        return f"{self._path}?{query.urlencode()}" if pairs else self._path


def _chosen(offered: Filters, address: _Address) -> list[Link]:
    links = []
    for group in offered.groups:
        for option in group.chosen:
            named = group.name.startswith(filters.ATTRIBUTE_PREFIX)
            label = f"{group.label}: {option.label}" if named else option.label
            links.append(Link(label, address.of(without=(group.name, option.value))))
    words = {"min": gettext("from %(won)s"), "max": gettext("up to %(won)s")}
    for name, won in (("min", offered.low), ("max", offered.high)):
        if won is not None:
            text = words[name] % {"won": wording.won(won)}
            links.append(Link(text, address.of(without=(name, str(won)))))
    return links
