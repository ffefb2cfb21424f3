"""The whole demo: sixty days of orders in a shop of its own, their books in order, loaded once."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count, F, Q, Sum
from django.test import Client
from django.utils import timezone

from accounts.models import Address, User
from catalog.models import Category, Picture, Product, Review, Seller, Stock, StockMovement
from okryu.calendar import local_day
from okryu.demo import gallery, load, past, people
from okryu.figures.models import DailyFigures, DailyViews
from orders.audit import AUDITS as ORDERS
from orders.models import DeliverySlot, Order, OrderEvent, OrderLine, Parcel, SellerStaff
from payments.audit import audit
from payments.history import write_day
from payments.models import AuditRun, Closing, DayCut, MemberCard, Message, Payment, Transfer
from payments.network.models import Balance, Card, Chargeback
from tests import databases

TABLES = (
    Address, Balance, Card, Category, Closing, DailyFigures, DailyViews, DayCut, DeliverySlot, MemberCard, Message,
    Order, OrderEvent, OrderLine, Parcel, Payment, Picture, Product, Review, Seller, SellerStaff, Stock, StockMovement,
    Transfer, User,
)  # fmt: skip

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database in which `load_demo` has run, committed: the ledger's days are closed for good."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            name = stack.enter_context(databases.filled("past", lambda: call_command("load_demo")))
        yield name


@pytest.fixture
def shop(demo: str, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), databases.using(demo):
        yield


def test_the_books_are_in_order(shop: None) -> None:
    assert [finding for finding in [*audit(), *audit(ORDERS)] if finding.rows] == []
    runs = dict(AuditRun.objects.values_list("subject", "is_clean"))
    assert runs == {"ledger": True, "orders": True}, "the audits' pages show a run from the first moment"
    assert DayCut.objects.count() == past.DAYS
    assert Transfer.objects.count() > 3_000
    assert not Message.objects.filter(code=None).exists()


def test_every_shelf_adds_up(shop: None) -> None:
    sums = Stock.objects.annotate(there=Sum("movements__on_hand_change"), promised=Sum("movements__reserved_change"))
    assert not sums.filter(~Q(there=F("on_hand")) | ~Q(promised=F("reserved"))).exists()
    held = OrderLine.objects.filter(
        parcel__status__in=["awaiting", "confirmed", "ready", "dispatched"],
        parcel__order__status__in=["placed", "paid"],
    )
    pieces = sum(line.quantity if line.confirmed_quantity is None else line.confirmed_quantity for line in held)
    assert pieces == Stock.objects.aggregate(reserved=Sum("reserved"))["reserved"]


def test_orders_and_money_tell_the_same(shop: None) -> None:
    for order in Order.objects.filter(paid_at__isnull=False).prefetch_related("parcels__lines"):
        payment = Payment.objects.get(order_code=order.code)
        taken = [parcel for parcel in order.parcels.all() if parcel.captured_at]
        assert payment.amount == order.total
        assert payment.captured == sum((parcel.confirmed_total or 0) + parcel.fee for parcel in taken)
        back = [line.unit_price * line.returned_quantity for parcel in taken for line in parcel.lines.all()]
        disputed = payment.messages.filter(file_id__isnull=False).aggregate(won=Sum("amount"))["won"] or 0
        assert payment.refunded == sum(back) + disputed


def test_one_buyer_disputed_a_parcel(shop: None) -> None:
    """Staff can see what a chargeback is: it came with the file and was taken from the seller's next payouts."""
    message = Message.objects.get(file_id__isnull=False)
    assert (message.verb, message.code) == ("refund", "00")
    assert Chargeback.objects.get().pk == message.pk
    back = Transfer.objects.get(reference=message.payment_id, kind="sale_back")
    assert (back.amount, local_day(back.at)) == (message.goods, local_day(message.answered_at))


def test_the_days_look_lived(shop: None) -> None:
    today = local_day(timezone.now())
    placed = Order.objects.filter(placed_at__lt=timezone.now()).count()
    assert 550 <= placed <= 850
    delivered = Parcel.objects.filter(status="delivered")
    late = delivered.filter(delivered_at__gt=F("promised_until")).count()
    assert 0.005 < late / delivered.count() < 0.06
    for status in ("delivered", "declined", "cancelled", "returned"):
        assert Parcel.objects.filter(status=status).exists(), status
    assert Parcel.objects.filter(confirmed_total__lt=F("goods_total")).exists()
    assert not DeliverySlot.objects.filter(taken__gt=F("capacity")).exists()
    sellers = Seller.objects.annotate(sold=Count("parcels")).filter(sold=0)
    assert list(sellers.values_list("slug", flat=True)) == []
    assert DailyFigures.objects.filter(day__lt=today, day__gte=today - timedelta(days=past.DAYS)).count() == past.DAYS


def test_reviews_are_buyers_own(shop: None) -> None:
    assert Review.objects.count() >= 200
    for review in Review.objects.select_related("product"):
        line = OrderLine.objects.select_related("parcel__order", "variant").get(public_id=review.purchase)
        assert line.variant.product_id == review.product_id
        assert line.parcel.order.user_id == review.user_id
        assert line.parcel.delivered_at and line.parcel.delivered_at < review.created_at < timezone.now()
    counted = Product.objects.annotate(stars=Sum("reviews__stars"), number=Count("reviews"))
    assert not counted.exclude(rating_count=F("number")).exists()
    assert not counted.exclude(number=0).exclude(rating_sum=F("stars")).exists()


def test_everyone_can_sign_in_who_should(shop: None, client: Client) -> None:
    for phone in ("1912345678", "1958765432"):
        assert client.login(username=phone, password=people.SHOPPER_PASSWORD)
    for number in range(1, 6):
        assert client.login(username=f"191900000{number}", password=people.STAFF_PASSWORD)
    assert User.objects.filter(is_staff=True).count() == 6
    assert User.objects.filter(password__startswith="!").count() == 40  # nobody can sign in as the forty
    assert SellerStaff.objects.get(user__phone="1919000004").seller.slug == "okryugwan"


def test_cards_hold_what_the_readme_promises(shop: None) -> None:
    for last4, won in {"8008": 250_000, "2004": 60}.items():
        card = Card.objects.filter(last4=last4, account__in=_cards_of("1912345678", "1958765432")).get()
        balance = Balance.objects.get(pk=card.account_id)
        assert balance.posted - balance.held == won


def _cards_of(*phones: str) -> list[int]:
    tokens = MemberCard.objects.filter(user__phone__in=phones).values_list("token", flat=True)
    return list(Card.objects.filter(token__in=tokens).values_list("account_id", flat=True))


def test_the_demo_shopper_has_orders_under_way(shop: None) -> None:
    mine = Parcel.objects.filter(order__user__phone=people.DEMO_SHOPPER, order__status="paid")
    assert {"awaiting", "confirmed", "dispatched"} <= set(mine.values_list("status", flat=True))
    assert Order.objects.filter(user__phone=people.DEMO_SHOPPER, status="closed").count() >= 3


def test_a_broken_run_is_finished_by_the_next(
    django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off between a day's orders and its books, with the orders of that day already committed."""
    written: list[object] = []

    def break_on_the_ninth(day: object, **kwargs: Any) -> Any:
        if len(written) == 8:
            raise KeyboardInterrupt
        written.append(day)
        return write_day(day, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(gallery, "WIDTHS_AT_ONCE", (160,))
    with databases.copied("broken") as name, django_db_blocker.unblock(), databases.using(name):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(past, "write_day", break_on_the_ninth)
            call_command("load_demo")
        assert load.is_unfinished()
        call_command("load_demo")
        assert not load.is_unfinished()
        assert DayCut.objects.count() == past.DAYS
        assert [finding for finding in audit() if finding.rows] == []
        unpaid = set(Order.objects.filter(paid_at__isnull=False).values_list("code", flat=True))
        assert unpaid == set(Payment.objects.values_list("order_code", flat=True))


def test_a_second_run_changes_nothing(shop: None) -> None:
    before = {model: model.objects.count() for model in TABLES}  # type: ignore[attr-defined]
    money = Balance.objects.aggregate(Sum("posted"), Sum("held"))
    call_command("load_demo")
    assert {model: model.objects.count() for model in TABLES} == before  # type: ignore[attr-defined]
    assert Balance.objects.aggregate(Sum("posted"), Sum("held")) == money
