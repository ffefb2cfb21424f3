"""The orders of the day the demo is loaded: placed, paid and carried on by the shop's own verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from django.utils import timezone

from accounts.models import User
from catalog.models import ProductVariant
from okryu.demo.people import PIN, Shopper, balances
from orders import cart as carts
from orders.choices import Choice, fees_of, offers_for
from orders.models import Cart, Order, Parcel
from orders.parcels import confirm_parcel, dispatch_parcel, make_ready
from orders.paying import Outcome, pay
from orders.placing import Destination, Wish, place_order
from orders.positions import buyable, read
from payments.gateway import Presented
from payments.models import Transfer
from payments.network.desk import load as pay_in
from payments.network.models import Balance

DEPOSITS = UUID("6f6b7279-7520-546f-7061-796f6e6365aa")
# Enough on the card before the day's orders are paid; what the README promises is made up afterwards.
FIRST = 50_000
ADDRESS = "demo"  # what tries of cards are counted under; no visitor has it


@dataclass(frozen=True)
class Wanted:
    """One order of the day: SKUs and pieces, and how far each seller's parcel has come."""

    goods: dict[str, int]
    confirmed: list[str] = field(default_factory=list)  # sellers
    ready: list[str] = field(default_factory=list)
    dispatched: list[str] = field(default_factory=list)


# The demo's shopper has dishes on their way, a parcel at the packing table, one that waits for its factory.
MINE = [
    Wanted({"JGM-005": 2, "JGM-014": 1, "PYC-001": 1}, confirmed=["janggyong-myohyang"]),
    Wanted({"OKR-001-1": 2, "OKR-007": 2}, dispatched=["okryugwan"]),
]
OTHERS = [
    Wanted({"PDS-004": 1, "PDS-005": 2}),
    Wanted({"TGF-002": 1, "TGF-003": 1}),
    Wanted({"KSF-001": 6, "KSF-005": 2}, ready=["kumsong-food"]),
    Wanted({"SHF-005": 1}),
    Wanted({"PYH-001-1": 2, "PYH-003-2": 3}, confirmed=["pyongyang-hosiery"]),
]


def load_today(shoppers: list[Shopper], *, courier: User, since: datetime) -> int:
    """Place the day's orders unless this was done before. Returns how many orders came after `since`."""
    mine, almost_empty, *others = shoppers
    if not _is_done(mine):
        fill(mine, "first", at_least=FIRST)
        fill(almost_empty, "all", at_least=balances()[almost_empty.user.phone])
        buyers = others[2 : 2 + len(OTHERS)]
        for shopper in buyers:
            fill(shopper, "first", at_least=FIRST)
        for shopper, wanted in [*((mine, wanted) for wanted in MINE), *zip(buyers, OTHERS, strict=True)]:
            _live(shopper, wanted, courier)
        fill(mine, "promised", at_least=balances()[mine.user.phone])
    return Order.objects.filter(placed_at__gte=since).count()


def _is_done(shopper: Shopper) -> bool:
    return Transfer.objects.filter(uuid=_deposit(shopper, "promised")).exists()


def fill(shopper: Shopper, why: str, *, at_least: int) -> None:
    """Pay in what is missing to `at_least` won at the holder's disposal."""
    balance = Balance.objects.filter(pk=shopper.card.account_id).first()
    free = balance.posted - balance.held if balance else 0
    deposit = _deposit(shopper, why)
    if free < at_least and not Transfer.objects.filter(uuid=deposit).exists():
        pay_in(card=shopper.card, amount=at_least - free, deposit=deposit)


def _deposit(shopper: Shopper, why: str) -> UUID:
    return uuid5(DEPOSITS, f"{shopper.user.phone} {why}")


def _live(shopper: Shopper, wanted: Wanted, courier: User) -> None:
    order = place(shopper, wanted.goods)
    card = Presented(number=shopper.number, pin=PIN, holder=shopper.user.name)
    attempt = pay(order_code=order.code, key=order.payment_key, card=card, user=shopper.user, address=ADDRESS)
    if attempt.outcome != Outcome.HELD:
        return
    for parcel in order.parcels.select_related("seller"):
        for verb in _verbs(parcel, wanted, courier):
            verb()


def _verbs(parcel: Parcel, wanted: Wanted, courier: User) -> list[Callable[[], object]]:
    """What is done to a parcel to bring it as far as wanted."""
    code, number = parcel.order.code, parcel.number
    steps: list[Callable[[], object]] = [
        lambda: confirm_parcel(order_code=code, number=number),
        lambda: make_ready(order_code=code, number=number),
        lambda: dispatch_parcel(order_code=code, number=number, by=courier, courier=courier),
    ]
    reached = [wanted.confirmed, wanted.ready, wanted.dispatched]
    far = next((step for step, sellers in enumerate(reached, start=1) if parcel.seller.slug in sellers), 0)
    return steps[:far]


def place(shopper: Shopper, goods: dict[str, int], *, method: str = Parcel.Method.DELIVERY) -> Order:
    """Fill the cart, take the soonest window of each parcel, or collect it, and order."""
    mine, _ = Cart.objects.get_or_create(user=shopper.user)
    for variant in ProductVariant.objects.filter(sku__in=goods).select_related("product", "stock").order_by("sku"):
        carts.put(mine, variant=variant, quantity=goods[variant.sku])
    plans = buyable(read(mine))
    district = shopper.home.neighbourhood.district
    offers = offers_for(plans, district=district, now=timezone.now())
    collected = Choice(Parcel.Method.COLLECTION)
    brought = [offer.default or collected for offer in offers]
    chosen = brought if method == Parcel.Method.DELIVERY else [collected] * len(plans)
    choices = {plan.seller.pk: choice for plan, choice in zip(plans, chosen, strict=True)}
    home = shopper.home
    wish = Wish(
        checkout_token=mine.checkout_token,
        shown_total=sum(plan.goods_total for plan in plans) + sum(fees_of(plans, choices, district=district)),
        shown_lines={position.variant.pk: position.quantity for plan in plans for position in plan.positions},
        recipient_name=home.recipient_name,
        recipient_phone=home.recipient_phone,
        choices=choices,
        destination=Destination(home.neighbourhood, home.building, home.unit, home.floor, home.door, home.note),
    )
    return place_order(user=shopper.user, wish=wish)
