"""What machines read on a page: schema.org's Product, Offer and BreadcrumbList. No review texts, no people."""

from __future__ import annotations

from typing import Any

from catalog.models import Category, Product, ProductVariant

CURRENCY = "KPW"
IN_STOCK, SOLD_OUT = "https://schema.org/InStock", "https://schema.org/OutOfStock"


def product_facts(product: Product, *, address: str) -> dict[str, Any]:
    """One product with an offer for each variant. `address` is the shop's, like https://shop.example, or ""."""
    facts: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "url": address + product.get_absolute_url(),
        "offers": [_offer(product, variant, address) for variant in product.variants.all()],
    }
    if product.description:
        facts["description"] = product.description
    if picture := product.main_picture:
        jpegs = [name for name in picture.renditions if name.startswith("jpeg")]
        facts["image"] = [address + picture.rendition_url(name) for name in jpegs]
    if product.rating_count and product.rating:
        facts["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": f"{product.rating:.1f}",
            "reviewCount": product.rating_count,
        }
    return facts


def _offer(product: Product, variant: ProductVariant, address: str) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "sku": variant.sku,
        "price": str(variant.unit_price),
        "priceCurrency": CURRENCY,
        "availability": IN_STOCK if variant.available else SOLD_OUT,
        "url": address + product.get_absolute_url(),
        "seller": {"@type": "Organization", "name": product.seller.name},
    }


def breadcrumbs(path: list[Category], *, home: str, address: str, last: str = "") -> dict[str, Any]:
    """Home, the shelves from the top down, and the page itself where it is no shelf."""
    steps = [(home, "/"), *((category.name, category.get_absolute_url()) for category in path)]
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": address + url}
        for place, (name, url) in enumerate(steps, start=1)
    ]
    if last:
        items.append({"@type": "ListItem", "position": len(items) + 1, "name": last})
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items}
