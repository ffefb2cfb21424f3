"""Load the demo shop step by step. Every step leaves alone what stands already, so a broken run is run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import User
from catalog.models import Product, Seller
from catalog.search import index, rebuild
from okryu.calendar import at, local_day
from okryu.demo import answers, gallery, opinions, past, people, places, shelves, today, visits
from okryu.demo.baskets import Wares
from okryu.demo.people import Shopper
from orders.models import Voucher
from orders.tasks import write_popularity
from payments.audit import Subject, begin, carry_out
from payments.models import AuditRun

CATALOGUE = Path(__file__).resolve().parent / "catalogue.json"
Tell = Callable[[str], None]


class NotADemoShop(Exception):
    """The shop has sellers or orders of its own: the demo would mix with them."""


def read_catalogue() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return data


def require_demo_shop(catalogue: dict[str, Any]) -> None:
    """Raises NotADemoShop when somebody has begun to fill this shop with sellers of their own."""
    ours = {row["slug"] for row in catalogue["sellers"]}
    others = Seller.objects.exclude(slug__in=ours)
    if name := others.values_list("slug", flat=True).first():
        raise NotADemoShop(name)


def load(*, tell: Tell) -> None:
    catalogue = read_catalogue()
    require_demo_shop(catalogue)
    load_catalogue(catalogue, tell=tell)
    staff = people.load_staff()
    shoppers = people.load_shoppers()
    tell(f"{len(staff)} people of the bureau, {len(shoppers)} members with cards")
    if past.can_be_written():
        load_past(catalogue, shoppers, staff, tell=tell)
    elif not past.is_written():
        tell("The ledger has lived already: no past is written into it")
        return
    begin = past.first_day(timezone.now())
    tell(f"{opinions.load_reviews(now=timezone.now())} reviews")
    tell(f"{visits.load_visits(begin, past.DAYS)} days of page views")
    after = at(begin + timedelta(days=past.DAYS), 0)
    tell(f"{today.load_today(shoppers, courier=staff['courier'], since=after)} orders of today")
    load_voucher()
    write_popularity()
    audit_books(tell=tell)


def audit_books(*, tell: Tell) -> None:
    """The audits' pages have a run to show from the first moment."""
    for subject, what in ((Subject.LEDGER, "transfers"), (Subject.ORDERS, "orders")):
        if AuditRun.objects.filter(subject=subject).exists() or (run := begin(subject=subject)) is None:
            continue
        wrong = sum(finding.rows for finding in carry_out(run))
        tell(f"{run.counted[what]:,} {what} audited, {wrong} differences")


def load_voucher() -> None:
    """OKRYU10: a tenth off goods from 500 won, at most 300 won, once a member, for a year."""
    now = timezone.now()
    Voucher.objects.get_or_create(
        code="OKRYU10",
        defaults={
            "note": "옥류 개업기념",
            "percent": 10,
            "most": 300,
            "minimum_goods": 500,
            "valid_from": now,
            "valid_until": now + timedelta(days=365),
            "limit": 1_000,
        },
    )


def is_unfinished() -> bool:
    """Whether a run was broken off: the demo's sellers are there, and its past is not all written."""
    return Seller.objects.filter(slug="okryugwan").exists() and past.can_be_written()


def load_past(catalogue: dict[str, Any], shoppers: list[Shopper], staff: dict[str, User], *, tell: Tell) -> None:
    """Sixty days of orders with their books, into a ledger that holds nothing else yet."""
    buyers = [shopper for shopper in shoppers if shopper.user.phone != people.ALMOST_EMPTY]
    planned = past.plan(Wares.read(catalogue["products"]), buyers, now=timezone.now())
    past.write(
        planned,
        buyers,
        courier=staff["courier"],
        tell=lambda done, of: tell(f"{_bar(done, of)} {done} of {of} days of orders, closed and settled"),
    )


def load_catalogue(catalogue: dict[str, Any], *, tell: Tell) -> dict[str, Product]:
    """Places, shelves, products and pictures; the products by their first variant's SKU."""
    districts = places.load_places(catalogue["districts"])
    categories = shelves.load_categories(catalogue["categories"])
    sellers = shelves.load_sellers(catalogue["sellers"], districts)
    kinds = shelves.load_kinds(catalogue["kinds"], categories)
    tell(f"{len(districts)} districts, {len(categories)} categories, {len(sellers)} sellers")
    tell(f"{places.load_holidays()} holidays")
    products = shelves.load_products(catalogue["products"], categories=categories, sellers=sellers, kinds=kinds)
    variants = sum(len(row["variants"]) for row in catalogue["products"])
    tell(f"{len(products)} products, {variants} variants, {shelves.load_notices(catalogue['notices'])} notices")
    asked = answers.load_attributes(categories)
    tell(f"{len(asked)} attributes, {answers.load_answers(catalogue['products'], products, asked)} answers")
    opened = at(local_day(timezone.now()) - timedelta(days=past.DAYS + 1), 8)
    tell(f"{shelves.load_stock(catalogue['products'], opened):,} pieces on the shelves")
    index.follow_all()
    tell(f"{rebuild.count_words():,} words to search by")
    gallery.load_pictures(
        catalogue["products"], products, tell=lambda done, of: tell(f"{_bar(done, of)} {done} of {of} pictures drawn")
    )
    return products


def _bar(done: int, of: int) -> str:
    filled = round(20 * done / of)
    return "█" * filled + "░" * (20 - filled)
