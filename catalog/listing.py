"""A list of products as a page shows it: filtered, sorted, read by key a page at a time, every choice a link."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.forms.boundfield import BoundField
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from catalog import wording
from catalog.forms import FilterForm
from catalog.models import Product, ProductQuerySet, Seller

PAGE_SIZE = 20
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.get_fixed_timezone(0))


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Sort:
    """One order of a list: by `column`, ties by pk in the same direction, so that a key names one place in it."""

    name: str
    label: Any
    column: str
    falling: bool
    value: Callable[[Product], int]  # a product's place as a whole number, for the address
    parse: Callable[[int], Any] = int  # and back

    def apply(self, products: ProductQuerySet) -> ProductQuerySet:
        sign = "-" if self.falling else ""
        return products.order_by(sign + self.column, sign + "pk")

    def beyond(self, place: int, pk: int) -> Q:
        """What comes after the product of this place and pk."""
        side = "lt" if self.falling else "gt"
        at = self.parse(place)
        further = Q(**{f"{self.column}__{side}": at}) | Q(**{self.column: at, f"pk__{side}": pk})
        return Q(**{f"{self.column}__{side}e": at}) & further  # the first half lets an index find the place


def _price(product: Product) -> int:
    return int(product.price_now)  # type: ignore[attr-defined]  # annotated by with_price()


SORTS = {
    sort.name: sort
    for sort in (
        Sort("popular", gettext_lazy("Popular"), "sold_30_days", True, lambda product: product.sold_30_days),
        Sort("cheap", gettext_lazy("Cheapest"), "price_now", False, _price),
        Sort("dear", gettext_lazy("Dearest"), "price_now", True, _price),
        Sort(
            "new",
            gettext_lazy("Newest"),
            "listed_at",
            True,
            lambda product: _microseconds(product.listed_at),
            lambda micros: EPOCH + timedelta(microseconds=micros),
        ),
    )
}
KEY = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")


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
    form: FilterForm
    sorts: list[Link]
    chosen: list[Link]  # filters that are set, each with the address without it
    plain_url: str  # the list without any filter
    next_url: str = ""
    next_text: str = ""
    first_url: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)  # what the filter form must carry along

    @property
    def price_fields(self) -> list[BoundField]:
        return [self.form["min"], self.form["max"]]


def build_listing(request: HttpRequest, products: ProductQuerySet, *, carry: tuple[str, ...] = ()) -> Listing:
    """The page of `products` this address asks for; `carry` names parameters every link keeps, like `q`.

    Four queries: the count, the page's products, their variants, their pictures.
    """
    form = FilterForm(request.GET)
    form.is_valid()  # wrong values are missing from cleaned_data and told by the template
    sort = SORTS.get(request.GET.get("sort", ""), SORTS["popular"])
    address = _Address(request, form, sort, carry)
    now = timezone.now()
    if sort.column == "price_now" or {"min", "max"} & {name for name, _ in address.filters}:
        products = products.with_price(now)
    narrowed = _narrow(products, form.cleaned_data, now)
    counted = narrowed.aggregate(total=Count("pk"), sellers=Count("seller", distinct=True))
    key = _key(request.GET.get("after", ""))
    page = list(sort.apply(narrowed.filter(sort.beyond(*key)) if key else narrowed).for_cards()[: PAGE_SIZE + 1])
    listing = Listing(
        products=page[:PAGE_SIZE],
        total=counted["total"],
        seller_count=counted["sellers"],
        form=form,
        sorts=[Link(str(s.label), address.of(sort=s.name), s is sort) for s in SORTS.values()],
        chosen=_chosen(form, address),
        plain_url=address.plain(),
        first_url=address.of() if key else "",
        hidden=address.hidden(),
    )
    if len(page) > PAGE_SIZE:
        last = listing.products[-1]
        listing.next_url = address.of(after=f"{sort.value(last)}-{last.pk}")
        left = min(PAGE_SIZE, listing.total - PAGE_SIZE)
        listing.next_text = "" if key else gettext("Next %(n)s products") % {"n": left}
    return listing


def _narrow(products: ProductQuerySet, wanted: dict[str, Any], now: datetime) -> ProductQuerySet:
    if kinds := wanted.get("kind"):
        products = products.filter(seller__kind__in=kinds)
    if wanted.get("stock"):
        products = products.in_stock()
    if wanted.get("lowered"):
        products = products.marked_down(now)
    if (low := wanted.get("min")) is not None:
        products = products.filter(Q(price_now__gte=low))
    if (high := wanted.get("max")) is not None:
        products = products.filter(Q(price_now__lte=high))
    return products


def _key(text: str) -> tuple[int, int] | None:
    """The place to read on from, or None: anything that is no place means the beginning."""
    found = KEY.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


class _Address:
    """Addresses of this list with its valid choices only, in one order, so that equal lists have equal addresses."""

    def __init__(self, request: HttpRequest, form: FilterForm, sort: Sort, carry: tuple[str, ...]) -> None:
        self._path = request.path
        self._carried = [(name, request.GET.get(name, "")) for name in carry]
        self._sort = sort.name
        wanted = form.cleaned_data
        self._filters = [("kind", kind) for kind in wanted.get("kind") or []]
        self._filters += [(name, "1") for name in ("stock", "lowered") if wanted.get(name)]
        self._filters += [(name, str(wanted[name])) for name in ("min", "max") if wanted.get(name) is not None]

    def of(self, *, sort: str = "", after: str = "", without: tuple[str, str] | None = None) -> str:
        pairs = [*self._carried, *(pair for pair in self._filters if pair != without)]
        if (sort or self._sort) != "popular":
            pairs.append(("sort", sort or self._sort))
        if after:
            pairs.append(("after", after))
        return self._written(pairs)

    def plain(self) -> str:
        return self._written([*self._carried, *self._sorted()])

    def hidden(self) -> list[tuple[str, str]]:
        return [*self._carried, *self._sorted()]

    @property
    def filters(self) -> list[tuple[str, str]]:
        return self._filters

    def _sorted(self) -> list[tuple[str, str]]:
        return [("sort", self._sort)] if self._sort != "popular" else []

    def _written(self, pairs: list[tuple[str, str]]) -> str:
        query = QueryDict(mutable=True)
        for name, value in pairs:
            query.appendlist(name, value)
        return f"{self._path}?{query.urlencode()}" if pairs else self._path


def _chosen(form: FilterForm, address: _Address) -> list[Link]:
    kinds = dict(Seller.Kind.choices)
    words: dict[str, Callable[[str], str]] = {
        "kind": lambda value: str(kinds[value]),
        "stock": lambda _value: gettext("In stock only"),
        "lowered": lambda _value: gettext("Lowered prices only"),
        "min": lambda value: gettext("from %(won)s") % {"won": wording.won(int(value))},
        "max": lambda value: gettext("up to %(won)s") % {"won": wording.won(int(value))},
    }
    return [Link(words[name](value), address.of(without=(name, value))) for name, value in address.filters]
