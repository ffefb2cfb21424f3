"""Goods a seller offers: a product of their own, hidden until the bureau has approved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog import pictures, renditions, stock
from catalog.models import Category, GoodsOffer, Product, ProductVariant, Seller
from catalog.slugs import address_word

State = GoodsOffer.State


class AlreadyDecided(Exception):
    """The bureau has decided the other way before."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What a seller says of the goods, in one language: which one, the letters say."""

    name: str
    unit: str
    category: Category
    price: int  # whole won
    weight_g: int  # packed
    pieces: int = 0  # that stand ready
    is_medicine: bool = False
    is_liquor: bool = False


def offer_goods(*, seller: Seller, goods: Goods, token: UUID, by: User, picture: BinaryIO | None = None) -> GoodsOffer:
    """Keep the goods as a hidden product with one variant and its first pieces. The same token again changes nothing.

    Raises PictureRefused for a file that is no sound picture; then nothing is kept.
    """
    if known := GoodsOffer.objects.filter(token=token).first():
        return known
    if picture is not None:  # a bad file is refused before anything is written
        renditions.judge(picture.read(renditions.BYTES_LIMIT + 1))
        picture.seek(0)
    with transaction.atomic():
        Seller.objects.select_for_update(no_key=True).get(pk=seller.pk)  # of two equal forms at once, one is first
        if known := GoodsOffer.objects.filter(token=token).first():
            return known
        product = _hidden_product(seller, goods)
        variant = ProductVariant.objects.create(product=product, sku=f"OFFER-{token.hex[:12]}", price=goods.price)
        row = stock.open_stock(variant)
        stock.receive(row, goods.pieces, cause=f"offer:{token}", by=by)
        if picture is not None:
            pictures.add_picture(product=product, file=picture)
        return GoodsOffer.objects.create(token=token, product=product, by=by)


def _hidden_product(seller: Seller, goods: Goods) -> Product:
    """What is written in Latin letters stands in for the Korean until somebody translates it, as after an import."""
    english = {"name_en": goods.name, "unit_en": goods.unit} if goods.name.isascii() else {}
    return Product.objects.create(
        seller=seller,
        category=goods.category,
        slug=address_word(goods.name),
        name_ko_kp=goods.name,
        unit_ko_kp=goods.unit,
        weight_g=goods.weight_g,
        is_medicine=goods.is_medicine,
        minimum_age=settings.MINIMUM_AGE_LIQUOR if goods.is_liquor else 0,
        is_active=False,
        **english,
    )


def approve(token: UUID, *, by: User) -> GoodsOffer:
    """Put the goods on sale. Safe to repeat. Raises AlreadyDecided once refused, GoodsOffer.DoesNotExist."""
    with transaction.atomic():
        offer, is_new = _decided(token, State.APPROVED, by)
        if is_new:
            Product.objects.filter(pk=offer.product_id).update(is_active=True, listed_at=timezone.now())
    return offer


def refuse(token: UUID, *, reason: str, by: User) -> GoodsOffer:
    """Leave the goods hidden, with a reason for the seller. Safe to repeat. Raises as `approve` does."""
    with transaction.atomic():
        offer, _is_new = _decided(token, State.REFUSED, by, reason)
    return offer


def _decided(token: UUID, state: str, by: User, reason: str = "") -> tuple[GoodsOffer, bool]:
    """The offer in `state`, and whether it came there now."""
    offer = GoodsOffer.objects.select_for_update(no_key=True, of=("self",)).select_related("product").get(token=token)
    if offer.state == state:
        return offer, False
    if offer.state != State.WAITING:
        raise AlreadyDecided
    offer.state, offer.decided_by, offer.decided_at, offer.reason = state, by, timezone.now(), reason
    offer.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return offer, True
