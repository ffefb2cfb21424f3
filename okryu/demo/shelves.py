"""Categories, sellers, products with their variants, and notices of the demo."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import District, Neighbourhood
from catalog.models import (
    Category,
    Notice,
    Product,
    ProductKind,
    ProductVariant,
    Seller,
    Stock,
    StockMovement,
)
from okryu.calendar import at, local_day

MARKDOWN = timedelta(days=30)  # lowered prices: from so long ago until so far ahead
LISTED_DAYS_AGO = (70, 200)  # the shop's goods stood on the list before the demo's first order


def load_categories(rows: list[dict[str, Any]]) -> dict[str, Category]:
    Category.objects.bulk_create(
        [
            Category(
                slug=row["slug"],
                name_ko_kp=row["name_ko"],
                name_en=row["name_en"],
                icon=row["slug"],
                position=position,
            )
            for position, row in enumerate(rows, start=1)
        ],
        ignore_conflicts=True,
    )
    return {category.slug: category for category in Category.objects.all()}


def load_sellers(rows: list[dict[str, Any]], districts: dict[str, District]) -> dict[str, Seller]:
    places = {
        (district_id, name): pk
        for pk, district_id, name in Neighbourhood.objects.values_list("pk", "district_id", "name_ko_kp")
    }
    Seller.objects.bulk_create(
        [
            Seller(
                slug=row["slug"],
                name_ko_kp=row["name_ko"],
                name_en=row["name_en"],
                kind=row["kind"],
                district=districts[row["district"]],
                neighbourhood_id=places.get((districts[row["district"]].pk, row["neighbourhood_ko"])),
                telephone=row["telephone"],
                introduction_ko_kp=row["introduction_ko"],
                introduction_en=row["introduction_en"],
                opens_at=time.fromisoformat(row["opens_at"]),
                closes_at=time.fromisoformat(row["closes_at"]),
                preparation_minutes=row["preparation_minutes"],
                lead_days=row["lead_days"],
                position=position,
            )
            for position, row in enumerate(rows, start=1)
        ],
        ignore_conflicts=True,
    )
    return {seller.slug: seller for seller in Seller.objects.select_related("district")}


def load_kinds(rows: list[dict[str, Any]], categories: dict[str, Category]) -> dict[str, ProductKind]:
    ProductKind.objects.bulk_create(
        [
            ProductKind(
                slug=row["slug"],
                name_ko_kp=row["name_ko"],
                name_en=row["name_en"],
                category=categories[row["category"]],
                comparison_unit=row["comparison_unit"],
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
    return {kind.slug: kind for kind in ProductKind.objects.all()}


def load_products(
    rows: list[dict[str, Any]],
    *,
    categories: dict[str, Category],
    sellers: dict[str, Seller],
    kinds: dict[str, ProductKind],
) -> dict[str, Product]:
    """Every product of the demo by its first variant's SKU; one whose SKU is known already is left as it is."""
    known = set(ProductVariant.objects.values_list("sku", flat=True))
    now = timezone.now()
    new = [row for row in rows if row["variants"][0]["sku"] not in known]
    made = Product.objects.bulk_create(
        _product(row, position, now, categories=categories, sellers=sellers, kinds=kinds)
        for position, row in enumerate(new)
    )
    ProductVariant.objects.bulk_create(
        _variant(product, variant, position, now)
        for product, row in zip(made, new, strict=True)
        for position, variant in enumerate(row["variants"])
    )
    first = [row["variants"][0]["sku"] for row in rows]
    found = ProductVariant.objects.filter(sku__in=first).select_related("product__seller")
    return {variant.sku: variant.product for variant in found}


def load_notices(rows: list[dict[str, Any]]) -> int:
    """Each notice once, known by its title. Returns how many there are."""
    there = set(Notice.objects.values_list("title_ko_kp", flat=True))
    today = local_day(timezone.now())
    Notice.objects.bulk_create(
        Notice(
            title_ko_kp=row["title_ko"],
            title_en=row["title_en"],
            body_ko_kp=row["body_ko"],
            body_en=row["body_en"],
            published_at=at(today - timedelta(days=row["days_ago"]), 10),
        )
        for row in rows
        if row["title_ko"] not in there
    )
    return len(rows)


def _product(
    row: dict[str, Any],
    position: int,
    now: datetime,
    *,
    categories: dict[str, Category],
    sellers: dict[str, Seller],
    kinds: dict[str, ProductKind],
) -> Product:
    content = row.get("content", {})
    youngest, oldest = LISTED_DAYS_AGO
    return Product(
        seller=sellers[row["seller"]],
        category=categories[row["category"]],
        kind=kinds[row["kind"]] if "kind" in row else None,
        slug=row["slug"],
        name_ko_kp=row["name_ko"],
        name_en=row["name_en"],
        description_ko_kp=row["description_ko"],
        description_en=row["description_en"],
        unit_ko_kp=row["unit_ko"],
        unit_en=row["unit_en"],
        content_amount=content.get("amount"),
        content_unit=content.get("unit", ""),
        weight_g=row["weight_g"],
        needs_van=row.get("needs_van", False),
        minimum_age=row.get("minimum_age", 0),
        is_medicine=row.get("is_medicine", False),
        listed_at=now - timedelta(days=youngest + position * 37 % (oldest - youngest), hours=position % 9),
    )


def _variant(product: Product, row: dict[str, Any], position: int, now: datetime) -> ProductVariant:
    lowered = row.get("markdown_price_kpw")
    return ProductVariant(
        product=product,
        sku=row["sku"],
        name_ko_kp=row.get("name_ko", ""),
        name_en=row.get("name_en", ""),
        size=row.get("size", ""),
        colour_ko_kp=row.get("colour_ko", ""),
        colour_en=row.get("colour_en", ""),
        flavour_ko_kp=row.get("flavour_ko", ""),
        flavour_en=row.get("flavour_en", ""),
        price=row["price_kpw"],
        packable_apart=row.get("packable_apart", False),
        markdown_price=lowered,
        markdown_from=now - MARKDOWN if lowered else None,
        markdown_until=now + MARKDOWN if lowered else None,
        position=position,
    )


def load_stock(rows: list[dict[str, Any]], opened_at: datetime) -> int:
    """Put each variant's pieces on the shelf, once, as a delivery on the demo's first day. Returns all pieces."""
    pieces = {variant["sku"]: variant["stock"] for row in rows for variant in row["variants"]}
    new = list(ProductVariant.objects.filter(sku__in=pieces, stock__isnull=True))
    with transaction.atomic():
        Stock.objects.bulk_create(Stock(variant=variant, low_threshold=5) for variant in new)
        StockMovement.objects.bulk_create(
            StockMovement(
                stock_id=variant.pk,
                kind=StockMovement.Kind.RECEIPT,
                on_hand_change=pieces[variant.sku],
                reserved_change=0,
                cause="demo:opening",
                at=opened_at,
            )
            for variant in new
            if pieces[variant.sku]
        )
    return sum(pieces.values())
