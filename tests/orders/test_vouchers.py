"""Vouchers: what they take off, who bears it, and limits that no number of buyers at once can beat."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Neighbourhood
from catalog.models import ProductVariant
from orders import vouchers
from orders.cancelling import cancel_order
from orders.models import Order, OrderLine, Voucher, VoucherUse
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.paying import Outcome, pay
from orders.refunds import Goods, refund_lines
from orders.stock_holds import expire_due_orders
from payments.models import Account, Transfer
from tests.factories import NeighbourhoodFactory, ProductFactory, UserFactory
from tests.orders.paid import an_address, issued, money, payment_of, placed
from tests.orders.shopping import checkout_form, put
from tests.orders.test_at_once import Buyer, buyer, collecting
from tests.payments.processes import at_once

EN = {"HTTP_ACCEPT_LANGUAGE": "en"}
NOODLES = 380


def voucher(code: str = "SPRING", **facts: Any) -> Voucher:
    now = timezone.now()
    usual = {"percent": 10, "valid_from": now - timedelta(days=1), "valid_until": now + timedelta(days=1), "limit": 100}
    if "amount" in facts:
        usual["percent"] = None
    return Voucher.objects.create(code=code, **{**usual, **facts})


@pytest.fixture
def form(shopping: Client, noodles: ProductVariant, home: Neighbourhood) -> dict[str, str]:
    """Two bowls for 760 won and 100 won for delivery."""
    put(shopping, noodles, 2)
    return checkout_form(shopping) | {"neighbourhood": str(home.pk), "building": "3동"}


def send(client: Client, form: dict[str, str], **changes: Any) -> Any:
    return client.post("/checkout/", form | changes, **EN)


@pytest.mark.django_db
class TestCheckout:
    def test_a_code_lowers_the_total(self, shopping: Client, form: dict[str, str]) -> None:
        voucher()
        page = send(shopping, form, voucher=" spring ", update="1")
        assert "76 won less with this voucher." in page.content.decode()
        assert 'name="shown_total" value="784"' in page.content.decode()
        assert send(shopping, form, voucher="Spr-ing", shown_total="784").status_code == 302
        order = Order.objects.get()
        assert (order.goods_total, order.delivery_total, order.discount_total, order.total) == (760, 100, 76, 784)
        assert OrderLine.objects.get().discount == 76
        assert Voucher.objects.get().used == 1
        assert order.voucher_use.user == order.user

    def test_the_form_sent_twice_uses_it_once(self, shopping: Client, form: dict[str, str]) -> None:
        voucher()
        first = send(shopping, form, voucher="SPRING", shown_total="784")
        again = send(shopping, form, voucher="SPRING", shown_total="784")
        assert (first.status_code, again.status_code, first["Location"]) == (302, 302, again["Location"])
        assert (Voucher.objects.get().used, VoucherUse.objects.count()) == (1, 1)

    def test_a_total_shown_without_it_stops_and_tells(self, shopping: Client, form: dict[str, str]) -> None:
        voucher()
        page = send(shopping, form, voucher="SPRING")
        assert page.status_code == 422
        assert "The total is now 784 won; the page showed 860 won." in page.content.decode()
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"is_active": False}, "There is no such voucher code."),
            ({"valid_until": timezone.now() - timedelta(hours=1)}, "This voucher was valid until"),
            ({"valid_from": timezone.now() + timedelta(hours=1)}, "This voucher is valid from"),
            ({"limit": 0}, "used as often as it may be"),
            ({"minimum_goods": 761}, "This voucher is for goods from 761 won."),
        ],
    )
    def test_refused_in_plain_words_and_kept_in_its_field(
        self, shopping: Client, form: dict[str, str], facts: dict[str, Any], words: str
    ) -> None:
        voucher(**facts)
        for extra in ({"update": "1"}, {}):
            page = send(shopping, form, voucher="SPRING", **extra)
            assert words in page.content.decode()
            assert 'value="SPRING"' in page.content.decode()
        assert page.status_code == 422
        assert not Order.objects.exists()

    def test_a_second_order_of_the_member_is_refused(
        self, shopping: Client, form: dict[str, str], noodles: Any
    ) -> None:
        voucher()
        send(shopping, form, voucher="SPRING", shown_total="784")
        put(shopping, noodles, 2)
        page = send(shopping, form | checkout_form(shopping), voucher="SPRING", update="1")
        assert "You have used this voucher already." in page.content.decode()

    @pytest.mark.parametrize("code", ["NONE", "'; DROP TABLE", "\u200b", "A" * 30, "🎁🎁🎁🎁", "할인"])
    def test_any_text_is_answered(self, shopping: Client, form: dict[str, str], code: str) -> None:
        page = send(shopping, form, voucher=code)
        assert page.status_code == 422
        assert not Order.objects.exists()

    def test_codes_are_not_hunted(self, shopping: Client, form: dict[str, str]) -> None:
        voucher()
        for number in range(10):
            send(shopping, form, voucher=f"GUESS{number}", update="1")
        page = send(shopping, form, voucher="SPRING", update="1")
        assert page.status_code == 429
        assert "Too many codes were tried" in page.content.decode()
        assert send(shopping, form).status_code == 302, "without a code one can still order"

    def test_other_people_need_to_sign_in(self, client: Client) -> None:
        assert client.post("/checkout/", {"voucher": "SPRING"}).status_code == 302


@pytest.mark.django_db
class TestWorth:
    def position(self, price: int, pieces: int) -> Any:
        class Fake:
            unit_price, quantity, line_total = price, pieces, price * pieces

        return Fake()

    @given(
        lines=st.lists(st.tuples(st.integers(1, 5_000), st.integers(1, 99)), min_size=1, max_size=12),
        off=st.one_of(st.integers(1, 90), st.integers(91, 1_000_000)),
    )
    def test_parts_add_up_and_every_piece_costs_something(self, lines: list[tuple[int, int]], off: int) -> None:
        positions = [self.position(*line) for line in lines]
        about = Voucher(percent=off) if off <= 90 else Voucher(amount=off)
        goods = sum(position.line_total for position in positions)
        worth = vouchers._worth(about, goods, positions)
        parts = vouchers._split(worth, positions)
        assert sum(parts) == worth
        for part, position in zip(parts, positions, strict=True):
            line = OrderLine(unit_price=position.unit_price, quantity=position.quantity, discount=part)
            steps = [line.paid_for(n + 1) - line.paid_for(n) for n in range(line.quantity)]
            assert min(steps) >= 1, "whatever is returned, the card gets something back"
            assert sum(steps) + part == position.line_total

    def test_an_amount_never_covers_all(self) -> None:
        worth = vouchers._worth(Voucher(amount=10_000), 760, [self.position(380, 2)])
        assert worth == 684


def discounted(**about: Any) -> Order:
    """3 × 400 won and 2 × 300 won, 30 % off by a voucher, 100 won for delivery: 1,360 won."""
    order = placed(parcels=[{"lines": [(400, 3), (300, 2)], "fee": 100}], **about)
    for line, part in zip(OrderLine.objects.filter(parcel__order=order).order_by("pk"), (360, 180), strict=True):
        OrderLine.objects.filter(pk=line.pk).update(discount=part)
    Order.objects.filter(pk=order.pk).update(discount_total=540, total=1_360)
    quoted = vouchers.Quote(voucher(f"V{uuid.uuid4().hex[:8].upper()}", percent=30), 540, (360, 180))
    with transaction.atomic():
        vouchers.take(quoted=quoted, order=order)
    order.refresh_from_db()
    return order


def pay_for(order: Order) -> Any:
    card, presented = issued()
    attempt = pay(order_code=order.code, key=order.payment_key, card=presented, user=order.user, address=an_address())
    assert attempt.outcome == Outcome.HELD
    return card


def booked(order: Order) -> Counter[str]:
    return Counter(
        {
            row["kind"]: sum(
                Transfer.objects.filter(reference=payment_of(order).pk, kind=row["kind"]).values_list(
                    "amount", flat=True
                )
            )
            for row in Transfer.objects.filter(reference=payment_of(order).pk).values("kind").distinct()
        }
    )


@pytest.mark.django_db(transaction=True)
class TestMoney:
    def test_the_bureau_makes_the_seller_whole_in_every_part(self) -> None:
        order = discounted()
        card = pay_for(order)
        assert money(card) == (10_000, 1_360)
        first, second = OrderLine.objects.filter(parcel__order=order).order_by("pk")
        about = {"order_code": order.code, "number": 1}
        confirm_parcel(**about, quantities={first.public_id: 2})  # 1 × 400 − 120 released
        assert money(card) == (10_000, 1_080)
        make_ready(**about)
        assert money(card) == (8_920, 0)
        assert booked(order) == {"sale": 980, "fare": 100, "subsidy": 420, "commission": 42}
        dispatch_parcel(**about)
        deliver_parcel(**about)
        for _ in range(2):
            refund_lines(**about, key=uuid.uuid4(), quantities={second.public_id: 1}, goods=Goods.RESTOCK)
        assert money(card) == (8_920 + 420, 0)
        now = booked(order)
        assert (now["sale_back"], now["subsidy_back"], now["commission_back"]) == (420, 180, 18)
        refund_lines(**about, key=uuid.uuid4(), quantities={first.public_id: 2}, goods=Goods.RESTOCK, with_fee=True)
        assert money(card) == (10_000, 0)
        now = booked(order)
        assert now["subsidy"] == now["subsidy_back"]
        assert now["commission"] == now["commission_back"]
        assert Account.objects.filter(kind="promotion").count() == 1

    def test_cancelled_before_delivery_it_can_be_used_again(self) -> None:
        order = discounted()
        card = pay_for(order)
        cancel_order(order_code=order.code)
        cancel_order(order_code=order.code)
        assert money(card) == (10_000, 0)
        use = order.voucher_use
        use.refresh_from_db()
        assert use.returned_at is not None
        assert use.voucher.used == 0

    def test_declined_by_the_seller_it_can_be_used_again(self) -> None:
        order = discounted()
        card = pay_for(order)
        decline_parcel(order_code=order.code, number=1, reason=Reason.CLOSED)
        assert money(card) == (10_000, 0)
        assert Voucher.objects.get().used == 0

    def test_expired_it_can_be_used_again(self) -> None:
        order = discounted()
        Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(seconds=1))
        assert expire_due_orders() == 1
        assert Voucher.objects.get().used == 0


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    BUYERS, LIMIT = 10, 3

    def collector(self, place: Neighbourhood) -> Buyer:
        """Everybody buys something else: the voucher is all they meet at."""
        variant = ProductFactory(slug=uuid.uuid4().hex[:12]).variants.get()
        chosen = collecting(variant) | {"voucher": "LAST", "shown_total": "342"}
        return buyer(UserFactory(), [(variant, 1)], place, **chosen)

    def race(self) -> list[str]:
        place = NeighbourhoodFactory()
        voucher("LAST", limit=self.LIMIT)
        people = [self.collector(place) for _ in range(self.BUYERS)]
        return at_once(self.BUYERS, lambda number: people[number].buy())

    def test_the_last_uses_are_the_last(self) -> None:
        answers = Counter("order" if len(answer) == 8 else answer for answer in self.race())
        assert answers == {"order": self.LIMIT, "422": self.BUYERS - self.LIMIT}
        assert (Voucher.objects.get().used, VoucherUse.objects.count()) == (self.LIMIT, self.LIMIT)

    def test_without_the_lock_the_constraint_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The control: everybody has looked before anybody writes, and the race would be lost without the CHECK."""
        quote = vouchers.quote

        def unlocked(**about: Any) -> vouchers.Quote:
            quoted = quote(**about | {"locked": False})
            time.sleep(0.5)
            return quoted

        monkeypatch.setattr(vouchers, "quote", unlocked)
        answers = self.race()
        assert any("voucher_never_overused" in answer for answer in answers), answers
        assert Voucher.objects.get().used == self.LIMIT


@pytest.mark.django_db
def test_one_member_has_each_turn_once() -> None:
    """Whatever the code does, a member's first use is there once."""
    order = discounted()
    other = placed(user=order.user)
    with pytest.raises(IntegrityError, match="voucher_use_once_per_turn"), transaction.atomic():
        VoucherUse.objects.create(voucher=order.voucher_use.voucher, order=other, user=order.user, nth=1, discount=1)


@pytest.mark.django_db
class TestAdmin:
    URL = "/admin/orders/voucher/"

    @pytest.fixture
    def bureau(self, client: Client) -> Client:
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        return client

    def data(self, **changes: str) -> dict[str, str]:
        usual = {
            "code": "may-day 1", "percent": "15", "amount": "", "most": "", "minimum_goods": "0", "note": "",
            "valid_from_0": "2026-01-01", "valid_from_1": "00:00", "valid_until_0": "2027-01-01",
            "valid_until_1": "00:00", "limit": "10", "limit_per_member": "1", "is_active": "on",
            "uses-TOTAL_FORMS": "0", "uses-INITIAL_FORMS": "0",
        }  # fmt: skip
        return usual | changes

    def test_made_as_it_is_typed(self, bureau: Client) -> None:
        assert bureau.post(f"{self.URL}add/", self.data()).status_code == 302
        assert Voucher.objects.get().code == "MAYDAY1"
        assert bureau.get(self.URL).status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [{"amount": "5"}, {"percent": "91"}, {"percent": ""}, {"valid_until_0": "2025-01-01"}, {"code": "가나"}],
    )
    def test_wrong_values_are_answered(self, bureau: Client, wrong: dict[str, str]) -> None:
        assert bureau.post(f"{self.URL}add/", self.data(**wrong)).status_code == 200
        assert not Voucher.objects.exists()

    def test_a_used_one_keeps_its_worth(self, bureau: Client) -> None:
        used = discounted().voucher_use.voucher
        bureau.post(f"{self.URL}{used.pk}/change/", self.data(percent="90", limit="7"))
        used.refresh_from_db()
        assert (used.percent, used.limit) == (30, 7)
        assert bureau.post(f"{self.URL}{used.pk}/delete/", {"post": "yes"}).status_code == 403
