"""Orders, cards and parcels for the tests of paying: stock and slots are held as placing holds them."""

from __future__ import annotations

import datetime
import itertools
import random
import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from catalog import stock
from catalog.models import Stock
from okryu.calendar import local_day
from orders import stock_holds
from orders.models import DeliverySlot, Order, OrderEvent, OrderLine, Parcel
from orders.paying import Outcome, pay
from payments.gateway import Presented, luhn
from payments.models import Payment
from payments.network import desk
from payments.network.models import Balance, Card
from tests.factories import NeighbourhoodFactory, ProductFactory, SellerFactory, UserFactory
from tests.payments.cast import deposited

PIN = "4831"
NAME = "김은주"  # UserFactory's members
SELLERS = [
    {"slug": "okryugwan", "name_ko_kp": "옥류관", "name_en": "Okryugwan", "kind": "restaurant"},
    {"slug": "cosmetics-shop", "name_ko_kp": "장경묘향상점", "name_en": "Jangkyong Myohyang Shop", "kind": "shop"},
    {"slug": "sinuiju", "name_ko_kp": "신의주화장품공장", "name_en": "Sinuiju Cosmetics Factory", "kind": "producer"},
]
_numbers = itertools.count(random.SystemRandom().randrange(10**9) * 1_000)


def card_number() -> str:
    """A fresh number whose last digit fits."""
    body = f"9408{next(_numbers) % 10**12:012d}"
    return next(body + str(digit) for digit in range(10) if luhn(body + str(digit)))


def issued(balance: int = 10_000, *, holder: str = NAME, **facts: Any) -> tuple[Card, Presented]:
    number = facts.pop("number", None) or card_number()
    far = datetime.date(2099, 12, 31)
    card = desk.issue_card(number=number, pin=PIN, holder=holder, **{"expires_on": far, **facts})
    if balance:
        deposited(card, balance)
    return card, Presented(number, PIN, holder)


def placed(user: User | None = None, *, parcels: list[dict[str, Any]] | None = None, **fields: Any) -> Order:
    """An order as placing leaves it. A parcel is {"lines": [(price, pieces), …], "fee": …, "method": …}.

    Without `parcels`: 평양랭면 380 won × 2 of 옥류관, delivered for 100 won.
    """
    wanted = parcels or [{"lines": [(380, 2)], "fee": 100}]
    with transaction.atomic():
        goods = sum(price * pieces for each in wanted for price, pieces in each["lines"])
        fees = sum(each.get("fee", 0) for each in wanted)
        now = timezone.now()
        order = Order.objects.create(
            user=user or UserFactory(),
            checkout_token=uuid.uuid4(),
            neighbourhood=NeighbourhoodFactory(),
            building="12",
            goods_total=goods,
            delivery_total=fees,
            total=goods + fees,
            placed_at=now,
            **{
                "recipient_name": "김은주",
                "recipient_phone": "1912345678",
                "hold_until": stock_holds.hold_until(now),
                **fields,
            },
        )
        for number, each in enumerate(wanted, start=1):
            _add_parcel(order, number, each)
        OrderEvent.objects.create(order=order, kind="placed", by=order.user, data={"total": order.total})  # told nobody
    return order


def _add_parcel(order: Order, number: int, spec: dict[str, Any]) -> None:
    seller = SellerFactory(**SELLERS[number - 1])
    method = spec.get("method", "delivery")
    days = spec.get("days", 1)
    start = timezone.now() + datetime.timedelta(days=days)
    slot = None
    if method == "delivery":
        neighbourhood = order.neighbourhood
        assert neighbourhood
        slot, _ = DeliverySlot.objects.get_or_create(
            zone=neighbourhood.district.zone,
            day=local_day(start),
            start_hour=18,
            vehicle="motorbike",
            defaults={"end_hour": 20, "capacity": 30_000},
        )
        DeliverySlot.objects.filter(pk=slot.pk).update(taken=F("taken") + 1)
    parcel = Parcel.objects.create(
        order=order,
        number=number,
        seller=seller,
        method=method,
        slot=slot,
        weight_g=1000,
        fee=spec.get("fee", 0),
        if_short=spec.get("if_short", "send_rest"),
        goods_total=sum(price * pieces for price, pieces in spec["lines"]),
        commission_bp=spec.get("commission_bp", 300),
        promised_from=start,
        promised_until=start + datetime.timedelta(hours=2),
    )
    for position, (price, pieces) in enumerate(spec["lines"]):
        product = ProductFactory(
            seller=seller, slug=f"thing-{uuid.uuid4().hex[:8]}", name_en=f"Thing {position}", variant__price=price
        )
        variant = product.variants.get()
        line = OrderLine.objects.create(
            parcel=parcel,
            variant=variant,
            name_ko_kp=product.name_ko_kp,
            name_en=product.name_en,
            unit_ko_kp="그릇",
            unit_en="bowl",
            sku=variant.sku,
            unit_price=price,
            quantity=pieces,
            line_total=price * pieces,
        )
        stock.hold(stock.lock([variant.pk])[variant.pk], pieces, cause=stock_holds.cause(line))


def paid(*, balance: int = 10_000, card: Presented | None = None, **about: Any) -> tuple[Order, Card | None]:
    """A placed order whose money is held on a fresh card."""
    plastic = None
    if card is None:
        plastic, card = issued(balance)
    order = placed(**about)
    attempt = pay(order_code=order.code, key=order.payment_key, card=card, user=order.user, address=an_address())
    assert attempt.outcome == Outcome.HELD, attempt
    order.refresh_from_db()
    return order, plastic


def an_address() -> str:
    """Somebody else's each time: the cards tried from one address are counted."""
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"


def money(card: Card) -> tuple[int, int]:
    """What is on the card and what of it is held."""
    row = Balance.objects.get(pk=card.account_id)
    return row.posted, row.held


def payment_of(order: Order) -> Payment:
    return Payment.objects.filter(order_code=order.code).latest("created_at")


def shelf(line: OrderLine) -> tuple[int, int]:
    """Pieces on hand and reserved."""
    row = Stock.objects.get(pk=line.variant_id)
    return row.on_hand, row.reserved


def kinds(order: Order) -> list[str]:
    return list(order.events.values_list("kind", flat=True))
