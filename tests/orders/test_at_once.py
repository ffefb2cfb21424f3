"""Many buyers at one moment, each a real process with its own connection.

The races for the last pieces and the last places have twins with the guards taken away, which must oversell: only
then do the races prove anything. One form sent ten times stays one order even so, because three guards stand behind
each other (the cart's lock, the token's unique constraint, the emptied cart).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client

from accounts.models import Neighbourhood, User
from catalog import stock
from catalog.models import ProductVariant, Stock, StockMovement
from orders import slots
from orders.models import DeliverySlot, Order, OrderLine, Parcel
from tests import databases
from tests.factories import NeighbourhoodFactory, ProductFactory, SellerFactory, UserFactory, VariantFactory
from tests.orders.shopping import checkout_form, put
from tests.payments.processes import at_once

BUYERS, PIECES = 30, 5
SOLD_OUT = "Sold out since you put it in"
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}


@dataclass
class Buyer:
    """One member's browser with the checkout open."""

    client: Client
    form: dict[str, str]

    def buy(self, *, patience: int = 5) -> str:
        """Press the button; the code of the order, or what the page says instead."""
        response = self.client.post("/checkout/", self.form, **EN)
        for _ in range(patience):  # on a slow machine the queue may be longer than the wait for a lock
            if response.status_code != 503:
                break
            response = self.client.post("/checkout/", self.form, **EN)
        if response.status_code == 302 and response["Location"].startswith("/orders/"):
            return response["Location"].split("/")[2]
        shown = self.client.get(response["Location"], **EN) if response.status_code == 302 else response
        text = shown.content.decode()
        return next((words for words in (SOLD_OUT, "no longer free") if words in text), f"{response.status_code}")


def buyer(user: User, goods: Iterable[tuple[ProductVariant, int]], place: Neighbourhood, **choices: str) -> Buyer:
    client = Client()
    client.force_login(user)
    for variant, quantity in goods:
        put(client, variant, quantity)
    return Buyer(client, checkout_form(client) | {"neighbourhood": str(place.pk), "building": "3동"} | choices)


def collecting(variant: ProductVariant) -> dict[str, str]:
    return {f"how-{variant.product.seller_id}": "collection", "shown_total": str(variant.price)}


@pytest.mark.django_db(transaction=True)
class TestLastPieces:
    def test_five_of_thirty_buyers_get_the_five_pieces(self) -> None:
        answers = race()
        told = Counter("order" if len(answer) == 8 else answer for answer in answers)
        assert told == {"order": PIECES, SOLD_OUT: BUYERS - PIECES}
        assert whole()


def race() -> list[Any]:
    """Thirty buyers open the checkout, then press the button together."""
    place = NeighbourhoodFactory()
    variant = ProductFactory(variant__on_hand=PIECES).variants.get()
    buyers = [buyer(UserFactory(), [(variant, 1)], place, **collecting(variant)) for _ in range(BUYERS)]
    return at_once(BUYERS, lambda number: buyers[number].buy())


def whole() -> bool:
    """Five pieces are held by five orders, and the movements add up to the row."""
    row = Stock.objects.get()
    sums = StockMovement.objects.filter(stock=row).aggregate(a=Sum("on_hand_change"), b=Sum("reserved_change"))
    held = OrderLine.objects.filter(parcel__order__status="placed").count()
    return (row.on_hand, row.reserved, held) == (PIECES, PIECES, PIECES) and (sums["a"], sums["b"]) == (5, 5)


@pytest.mark.django_db(transaction=True)
def test_without_lock_and_constraint_the_same_race_oversells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: it shows that the race above would have noticed."""

    def look_without_locking(variant_ids: Iterable[int]) -> dict[int, Stock]:
        rows = {row.pk: row for row in Stock.objects.filter(pk__in=list(variant_ids))}
        time.sleep(0.3)  # everybody has looked before anybody writes
        return rows

    with databases.copied("unguarded") as name, databases.using(name):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE catalog_stock DROP CONSTRAINT stock_reserved_within_on_hand")
        monkeypatch.setattr(stock, "lock", look_without_locking)
        answers = race()
        assert sum(len(answer) == 8 for answer in answers) > PIECES
        assert not whole()
        connection.close()


@pytest.mark.django_db(transaction=True)
class TestOneForm:
    def test_sent_ten_times_at_once_is_one_order_and_ten_same_answers(self) -> None:
        noodles, place = ProductFactory().variants.get(), NeighbourhoodFactory()
        one = buyer(UserFactory(), [(noodles, 2)], place)
        answers = at_once(10, lambda _: one.buy())
        order = Order.objects.get()
        assert answers == [order.code] * 10
        assert Stock.objects.get().reserved == 2
        assert DeliverySlot.objects.aggregate(taken=Sum("taken"))["taken"] == 1


def race_for_places(count: int = 12, *, left: int = 8, capacity: int = 8) -> Counter[str]:
    """So many buyers, each with goods of a seller of their own, for the last `left` places of one window."""
    place, buyers, windows = NeighbourhoodFactory(), [], set()
    for number in range(count):
        product = ProductFactory(seller=SellerFactory(slug=f"seller-{number}"), slug=f"product-{number}")
        ready = buyer(UserFactory(), [(product.variants.get(), 1)], place)
        buyers.append(ready)
        windows.add(ready.form[f"when-{product.seller_id}"])
    [window] = windows
    day, hour = date.fromisoformat(window[:10]), int(window[-2:])
    DeliverySlot.objects.create(
        zone=place.district.zone,
        day=day,
        start_hour=hour,
        end_hour=hour + 2,
        vehicle="motorbike",
        capacity=capacity,
        taken=capacity - left,
    )
    answers = at_once(count, lambda number: buyers[number].buy(patience=30))
    return Counter("order" if len(answer) == 8 else answer for answer in answers)


MANY, LAST, ALL = 50, 10, 50  # buyers, the places left, all the places of the window


def parcels_in_windows() -> int:
    return Parcel.objects.filter(slot__isnull=False, order__status="placed").count()


@pytest.mark.django_db(transaction=True)
class TestLastPlaces:
    def test_a_window_takes_as_many_parcels_as_it_has_places(self) -> None:
        assert race_for_places() == {"order": 8, "no longer free": 4}
        assert DeliverySlot.objects.get(taken__gt=0).taken == 8

    @pytest.mark.long
    def test_ten_of_fifty_buyers_get_the_last_ten_places(self) -> None:
        assert race_for_places(MANY, left=LAST, capacity=ALL) == {"order": LAST, "no longer free": MANY - LAST}
        assert DeliverySlot.objects.get(taken__gt=0).taken == ALL
        assert parcels_in_windows() == LAST

    @pytest.mark.long
    def test_without_lock_and_constraint_the_same_race_overfills(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def look_without_locking(*, zone_id: str, wanted: Any) -> dict[slots.SlotKey, DeliverySlot]:
            found = DeliverySlot.objects.filter(zone_id=zone_id)
            rows = {(slot.day, slot.start_hour, slot.vehicle): slot for slot in found}
            time.sleep(0.3)  # everybody has looked before anybody writes
            return rows

        with databases.copied("overfilled") as name, databases.using(name):
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE orders_deliveryslot DROP CONSTRAINT slot_never_overfull")
            monkeypatch.setattr(slots, "lock", look_without_locking)
            assert race_for_places(MANY, left=LAST, capacity=ALL)["order"] > LAST
            assert DeliverySlot.objects.get(taken__gt=0).taken > ALL
            assert parcels_in_windows() > LAST
            connection.close()


@pytest.mark.django_db(transaction=True)
class TestOppositeOrders:
    def test_carts_with_the_same_goods_in_opposite_order_do_not_block_each_other(self) -> None:
        """Twelve carts over two sellers, half of them filled the other way round: no deadlock, no busy page."""
        place, product = NeighbourhoodFactory(), ProductFactory(variant__on_hand=100)
        goods = [product.variants.get(), VariantFactory(product=product, on_hand=100)]
        other = ProductFactory(seller=SellerFactory(slug="other"), slug="other", variant__on_hand=100)
        goods.append(other.variants.get())
        ways = [goods, goods[::-1]]
        collect = {f"how-{seller}": "collection" for seller in {v.product.seller_id for v in goods}}
        buyers = [
            buyer(UserFactory(), [(v, 1) for v in ways[number % 2]], place, **collect, shown_total="1140")
            for number in range(12)
        ]
        answers = at_once(12, lambda number: buyers[number].buy())
        assert [answer for answer in answers if len(answer) != 8] == []
        assert Order.objects.count() == 12
        assert list(Stock.objects.values_list("reserved", flat=True)) == [12, 12, 12]
