"""The cart: kept by the server, a visitor's by a random cookie, a member's by the account, joined on signing in.

Putting something in says how many pieces the cart shall hold, not how many to add: the form may be sent twice (a
double click, a lost reply, the back button) and the cart is the same as after once. The message tells what it
was before. Catalogue pages are the same bytes for everyone, so their forms can carry no one-time token instead.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from catalog.models import ProductVariant
from orders.models import Cart, CartLine

COOKIE_AGE = 30 * 24 * 3600
VISITOR_CARTS_KEPT = timedelta(days=30)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class CartFull(Exception):
    """No more different goods fit into one cart."""


class NothingLeft(Exception):
    """Not one piece can be had."""


@dataclass(frozen=True)
class Change:
    """What became of one line: `asked` pieces of it, `before` were in the cart, now `quantity`; 0 is gone."""

    variant: ProductVariant
    asked: int
    before: int
    quantity: int
    available: int

    @property
    def name(self) -> str:
        return f"{self.variant.product.name} {self.variant.label}".strip()

    @property
    def is_bounded(self) -> bool:
        return self.quantity < self.asked


# ---------------------------------------------------------------- whose cart


def cart_of(request: HttpRequest) -> Cart | None:
    """The visitor's or member's cart, or None where there is none yet. One query at most beside the member's."""
    if request.user.is_authenticated:
        return Cart.objects.filter(user=request.user).first()
    digest = _digest(request)
    return Cart.objects.filter(token_digest=digest).first() if digest else None


def cart_to_fill(request: HttpRequest) -> tuple[Cart, str]:
    """The cart to put something into, made where there is none; with the token a new visitor's cookie needs, or ""."""
    if found := cart_of(request):
        return found, ""
    if request.user.is_authenticated:
        return Cart.objects.get_or_create(user=request.user)[0], ""
    token = secrets.token_urlsafe(32)
    return Cart.objects.create(token_digest=sha256(token.encode()).hexdigest()), token


def count(cart: Cart | None) -> int:
    """How many pieces the cart holds: the figure beside its sign."""
    if cart is None:
        return 0
    return int(CartLine.objects.filter(cart=cart).aggregate(sum=Sum("quantity"))["sum"] or 0)


def remember_visitor(response: HttpResponse, token: str) -> None:
    """Give the visitor's browser the key to the cart just made."""
    response.set_cookie(
        settings.CART_COOKIE_NAME,
        token,
        max_age=COOKIE_AGE,
        secure=settings.TLS,
        httponly=True,
        samesite="Lax",
    )


def show_count(request: HttpRequest, response: HttpResponse, pieces: int) -> None:
    """Keep the readable cookie from which pages that are the same for everyone show the cart's figure."""
    name, pieces = settings.CART_COUNT_COOKIE_NAME, min(pieces, 999)
    if request.COOKIES.get(name, "") == (str(pieces) if pieces else ""):
        return
    if pieces:
        response.set_cookie(name, str(pieces), max_age=COOKIE_AGE, secure=settings.TLS, samesite="Lax")
    else:
        response.delete_cookie(name, samesite="Lax")


# ---------------------------------------------------------------- changing it


def put(cart: Cart, *, variant: ProductVariant, quantity: int, packed_apart: bool | None = None) -> Change:
    """Let the cart hold `quantity` pieces of this variant, bounded by the shelf and the limit of one line.

    `packed_apart` counts where the variant can be; None leaves it as it is. `variant` comes with product and stock.
    Raises CartFull, NothingLeft; then nothing changed.
    """
    available = variant.available
    with transaction.atomic():
        _lock(cart)
        line = CartLine.objects.filter(cart=cart, variant=variant).first()
        if not available:
            raise NothingLeft
        allowed = min(quantity, available, settings.CART_QUANTITY_LIMIT)
        before = line.quantity if line else 0
        if line is None:
            if CartLine.objects.filter(cart=cart).count() >= settings.CART_LINE_LIMIT:
                raise CartFull
            line = CartLine(cart=cart, variant=variant)
        line.quantity, line.shown_price = allowed, variant.unit_price
        if packed_apart is not None:
            line.packed_apart = packed_apart and variant.packable_apart
        line.save()
        _touch(cart)
    return Change(variant, asked=quantity, before=before, quantity=allowed, available=available)


def change_line(cart: Cart, *, line_id: int, quantity: int) -> Change:
    """Let a line of this very cart hold `quantity` pieces; 0 takes it out. Raises CartLine.DoesNotExist."""
    with transaction.atomic():
        _lock(cart)
        line = CartLine.objects.select_related("variant__product", "variant__stock").get(cart=cart, pk=line_id)
        available, before = line.variant.available, line.quantity
        allowed = min(quantity, settings.CART_QUANTITY_LIMIT)
        if available:
            allowed = min(allowed, available)
        if allowed:
            line.quantity = allowed
            line.save(update_fields=["quantity"])
        else:
            line.delete()
        _touch(cart)
    return Change(line.variant, asked=quantity, before=before, quantity=allowed, available=available)


def pack_line(cart: Cart, *, line_id: int, packed_apart: bool) -> CartLine:
    """Let a line of this very cart be packed apart, or together. Raises CartLine.DoesNotExist."""
    with transaction.atomic():
        _lock(cart)
        line = CartLine.objects.select_related("variant__product").get(cart=cart, pk=line_id)
        line.packed_apart = packed_apart and line.variant.packable_apart
        line.save(update_fields=["packed_apart"])
        _touch(cart)
    return line


def take_out(cart: Cart, lines: Iterable[CartLine]) -> None:
    """Take bought lines out; needs the caller's transaction and lock."""
    CartLine.objects.filter(cart=cart, pk__in=[line.pk for line in lines]).delete()


def merge_on_sign_in(request: HttpRequest, user: User) -> None:
    """Join the visitor's cart to the member's; a message tells what changed. Repeating it changes nothing.

    The same goods in both carts are added up, bounded by the shelf and the limit of one line.
    """
    digest = _digest(request)
    if not digest:
        return
    with transaction.atomic():
        mine = Cart.objects.get_or_create(user=user)[0]
        _lock(mine)
        theirs = Cart.objects.select_for_update(no_key=True).filter(token_digest=digest).first()
        if theirs is None:
            return
        changes, left_out = _join(mine, theirs)
        theirs.delete()
        _touch(mine)
    _tell_merge(request, changes, left_out)
    request.cart_count = count(mine)  # type: ignore[attr-defined]  # written by orders.middleware


def forget_visitor_carts() -> int:
    """Delete visitors' carts nobody has touched for a month; how many. For the daily job."""
    old = Cart.objects.filter(user=None, updated_at__lt=timezone.now() - VISITOR_CARTS_KEPT)
    return old.delete()[1].get("orders.Cart", 0)


# ---------------------------------------------------------------- helpers


def _join(mine: Cart, theirs: Cart) -> tuple[list[Change], int]:
    """The visitor's lines put into the member's cart; and how many did not fit."""
    changes: list[Change] = []
    left_out = 0
    own = {line.variant_id: line for line in CartLine.objects.filter(cart=mine)}
    lines = CartLine.objects.filter(cart=theirs).select_related("variant__product", "variant__stock")
    for line in lines.order_by("id"):
        available = line.variant.available
        kept = own.get(line.variant_id)
        if kept is None and len(own) >= settings.CART_LINE_LIMIT:
            left_out += 1
            continue
        before = kept.quantity if kept else 0
        asked = before + line.quantity
        # Goods that are gone keep what was asked for: the cart page tells it and they may come back.
        quantity = min(asked, available or asked, settings.CART_QUANTITY_LIMIT)
        if kept is None:
            own[line.variant_id] = CartLine.objects.create(
                cart=mine,
                variant=line.variant,
                quantity=quantity,
                shown_price=line.shown_price,
                packed_apart=line.packed_apart,
            )
        else:
            kept.quantity, kept.shown_price, kept.packed_apart = quantity, line.shown_price, line.packed_apart
            kept.save(update_fields=["quantity", "shown_price", "packed_apart"])
        changes.append(Change(line.variant, asked=asked, before=before, quantity=quantity, available=available))
    return changes, left_out


def _tell_merge(request: HttpRequest, changes: list[Change], left_out: int) -> None:
    if changes:
        sentences = [
            ngettext(
                "What you had put in before signing in is in your cart: %(number)d product.",
                "What you had put in before signing in is in your cart: %(number)d products.",
                len(changes),
            )
            % {"number": len(changes)}
        ]
        sentences += [_merged(change) for change in changes if change.before or change.is_bounded]
        messages.info(request, " ".join(sentences))
    if left_out:
        sentence = ngettext(
            "%(number)d product did not fit: one cart holds %(limit)d different products.",
            "%(number)d products did not fit: one cart holds %(limit)d different products.",
            left_out,
        )
        messages.warning(request, sentence % {"number": left_out, "limit": settings.CART_LINE_LIMIT})


def _merged(change: Change) -> str:
    if change.is_bounded:
        return _("%(name)s: %(quantity)d, because no more can be had.") % {
            "name": change.name,
            "quantity": change.quantity,
        }
    return _("%(name)s: now %(quantity)d, %(before)d of them from earlier.") % {
        "name": change.name,
        "quantity": change.quantity,
        "before": change.before,
    }


def _digest(request: HttpRequest) -> str:
    """The digest of the visitor's cookie, or "" where it cannot be one of ours."""
    token = request.COOKIES.get(settings.CART_COOKIE_NAME, "")
    return sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else ""


def _lock(cart: Cart) -> None:
    """Hold the cart's row: two tabs, two devices and the checkout change one cart one after the other."""
    Cart.objects.select_for_update(no_key=True).get(pk=cart.pk)


def _touch(cart: Cart) -> None:
    Cart.objects.filter(pk=cart.pk).update(updated_at=timezone.now())
