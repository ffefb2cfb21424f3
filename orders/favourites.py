"""Keeping favourites. Every verb may be repeated and changes the same thing once; all counts are bounded."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from accounts.models import User
from catalog.models import Product, ProductVariant
from orders import cart as carts
from orders.models import Cart, CartLine, Favourite, FavouriteList

MOST_LISTS = 20
MOST_ENTRIES = 100


class TooManyLists(Exception):
    """The member has as many lists as one can."""


class ListFull(Exception):
    """No more goods fit into the list."""


class NameTaken(Exception):
    """Another list of the member bears this name."""


@dataclass(frozen=True)
class Kept:
    """One favourite as it stands today."""

    entry: Favourite
    is_on_sale: bool

    @property
    def variant(self) -> ProductVariant:
        return self.entry.variant

    @property
    def product(self) -> Product:
        return self.entry.variant.product

    @property
    def name(self) -> str:
        return f"{self.product.name} {self.variant.label}".strip()

    @property
    def can_be_bought(self) -> bool:
        return self.is_on_sale and self.variant.available > 0

    @property
    def has_fallen(self) -> bool:
        return self.variant.unit_price < self.entry.shown_price

    @property
    def has_risen(self) -> bool:
        return self.variant.unit_price > self.entry.shown_price


def make_list(*, user: User, name: str) -> FavouriteList:
    """The member's list of this name, made where there is none. Raises TooManyLists."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        mine = FavouriteList.objects.filter(user=user)
        if found := mine.filter(name=name).first():
            return found
        if mine.count() >= MOST_LISTS:
            raise TooManyLists
        return FavouriteList.objects.create(user=user, name=name)


def rename(kept: FavouriteList, *, name: str) -> None:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            FavouriteList.objects.filter(pk=kept.pk).update(name=name)
    except IntegrityError as error:
        raise NameTaken from error


def add(kept: FavouriteList, *, variant: ProductVariant) -> None:
    """Put a variant on the list with its price of today; one that is there stays as it is. Raises ListFull."""
    with transaction.atomic():
        FavouriteList.objects.select_for_update(no_key=True).get(pk=kept.pk)
        entries = Favourite.objects.filter(list=kept)
        if entries.filter(variant=variant).exists():
            return
        if entries.count() >= MOST_ENTRIES:
            raise ListFull
        Favourite.objects.create(list=kept, variant=variant, shown_price=variant.unit_price)


def take_off(kept: FavouriteList, *, variant_id: int) -> None:
    Favourite.objects.filter(list=kept, variant=variant_id).delete()


def move_to_cart(kept: FavouriteList, *, variant_id: int, cart: Cart) -> Favourite | None:
    """One piece into the cart, unless it lies there already, and off the list. None when it was off the list before.

    Raises NothingLeft and CartFull of the cart; then it stays on the list.
    """
    entry: Favourite | None = _with_goods(kept).filter(variant=variant_id, is_on_sale=True).first()
    if entry is None:
        return None
    with transaction.atomic():
        if not CartLine.objects.filter(cart=cart, variant=variant_id).exists():
            carts.put(cart, variant=entry.variant, quantity=1)
        entry.delete()
    return entry


def share(kept: FavouriteList) -> None:
    """Give the list its link. One that is shared keeps the link it has."""
    token = secrets.token_urlsafe(24)
    FavouriteList.objects.filter(pk=kept.pk, share_token=None).update(share_token=token)


def withdraw(kept: FavouriteList) -> None:
    FavouriteList.objects.filter(pk=kept.pk).update(share_token=None)


def read(kept: FavouriteList) -> list[Kept]:
    """The list's goods, the last one first, in two queries."""
    entries = _with_goods(kept).prefetch_related("variant__product__pictures")
    return [Kept(entry, entry.is_on_sale) for entry in entries]


def _with_goods(kept: FavouriteList):  # type: ignore[no-untyped-def]  # annotated rows
    on_sale = Product.objects.on_sale().filter(pk=OuterRef("variant__product"))
    listed = ProductVariant.objects.filter(pk=OuterRef("variant"), is_active=True)
    entries = Favourite.objects.filter(list=kept).annotate(is_on_sale=Exists(on_sale) & Exists(listed))
    return entries.select_related("variant__product__seller__district", "variant__stock")
