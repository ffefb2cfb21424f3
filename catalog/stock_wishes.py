"""Back in stock: a member asks once, and is told once when the goods can be had again, whatever brought them.

A wish is a row; telling deletes it in the transaction that writes the message. Any number of workers may tell at
once: each claims the rows nobody else holds.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import inbox
from accounts.models import User
from catalog.models import Product, ProductVariant, StockWish

log = logging.getLogger(__name__)
MOST = 50  # wishes of one member
AT_ONCE = 100


class TooMany(Exception):
    """The member waits for as many goods as one can."""


class InStock(Exception):
    """It can be had now: there is nothing to wait for."""


def ask(*, user: User, variant: ProductVariant) -> bool:
    """Tell the member when `variant` can be had; whether that is new. Raises TooMany, InStock."""
    if variant.available:
        raise InStock
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one member's wishes one after the other
        mine = StockWish.objects.filter(user=user)
        if mine.filter(variant=variant).exists():
            return False
        if mine.count() >= MOST:
            raise TooMany
        StockWish.objects.create(user=user, variant=variant)
    return True


def tell(*, limit: int = AT_ONCE) -> int:
    """Tell members of what came back; how many wishes were met."""
    with transaction.atomic():
        wishes = (
            StockWish.objects.filter(
                user__is_active=True,
                variant__is_active=True,
                variant__product__in=Product.objects.on_sale(),
                variant__stock__on_hand__gt=F("variant__stock__reserved"),
            )
            .select_related("user", "variant__product__seller")
            .order_by("pk")
            .select_for_update(of=("self",), skip_locked=True)
        )
        return sum(_tell(wish) for wish in wishes[:limit])


def _tell(wish: StockWish) -> int:
    """One message, and the wish is gone. What cannot be told is left for the next time, the others go on."""
    variant = wish.variant

    def say() -> tuple[str, str]:
        name = f"{variant.product.name} {variant.label}".strip()
        return _("%(name)s is back") % {"name": name}, _("You can order it again.")

    try:
        with transaction.atomic():
            path = variant.product.get_absolute_url()
            inbox.write(wish.user, cause=f"stock:{wish.pk}", say=say, path=path)
            wish.delete()
    except DatabaseError:
        log.exception("a member could not be told of variant %s", variant.pk)
        return 0
    return 1
