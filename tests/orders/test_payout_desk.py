"""From a payout to exactly the movements it covers, from each to its parcel: for finance and the seller's people."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import SellerStaff
from orders.parcels import confirm_parcel, make_ready
from orders.refunds import Goods, refund_undelivered
from orders.roles import FINANCE, SELLER, ensure_roles
from payments import settlement, statements
from payments.models import Transfer
from payments.shop_book import seller_account
from tests.factories import SellerFactory, StaffFactory
from tests.orders.paid import SELLERS, issued, paid
from tests.payments.cast import next_day, settled

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
DESK = "/admin/desk/money/sellers/"


def sold(**about):
    """An order whose goods of 760 won are paid for and ready; 738 of it are the seller's."""
    order, _ = paid(**about)
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    return order


def returned(order):
    refund_undelivered(order_code=order.code, number=1, key=uuid.uuid4(), goods=Goods.RESTOCK)


def close():
    return settlement.close_day(next_day())


def payouts(seller):
    return list(Transfer.objects.filter(debit_account=seller_account(seller.pk), kind="payout").order_by("seq"))


def page_of(seller, payout):
    return f"{DESK}{seller.pk}/payouts/{payout.uuid}/"


def codes(page):
    return re.findall(r">([A-Z0-9]{4}-[A-Z0-9]{4})<", page)


def dashed(*orders):
    """Each order has a sale and a commission, the newest first."""
    return [f"{order.code[:4]}-{order.code[4:]}" for order in orders[::-1] for _ in range(2)]


@pytest.fixture
def seller():
    return SellerFactory(**SELLERS[0])


def sign_in(client, role, seller=None):
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[role])
    if seller:
        SellerStaff.objects.create(user=person, seller=seller)
    client.force_login(person)


@pytest.mark.parametrize("role", [FINANCE, SELLER])
def test_each_movement_of_a_payout_leads_to_its_parcel(client, seller, role):
    sign_in(client, role, seller if role == SELLER else None)
    first, second = sold(), sold()
    settled(close())
    later = sold()
    settled(close())
    one, two = payouts(seller)
    statement = client.get(f"{DESK}{seller.pk}/", **ENGLISH).content.decode()
    assert page_of(seller, one) in statement
    page = client.get(page_of(seller, one), **ENGLISH).content.decode()
    assert "Payout of 1,476 won" in page
    assert codes(page) == dashed(first, second)
    assert codes(client.get(page_of(seller, two), **ENGLISH).content.decode()) == dashed(later)
    for path in set(re.findall(r'href="(/admin/orders/parcel/\d+/change/)"', page)):
        assert client.get(path, **ENGLISH).status_code == 200
    assert len(set(re.findall(r"/admin/orders/parcel/\d+/change/", page))) == 2


def test_other_people_s_payouts_are_not_there(client, seller):
    mine = SellerFactory(slug="mine")
    sold()
    settled(close())
    (payout,) = payouts(seller)
    assert client.get(page_of(seller, payout)).status_code == 302
    sign_in(client, SELLER, mine)
    assert client.get(page_of(seller, payout)).status_code == 404
    assert client.get(page_of(mine, payout)).status_code == 404
    sign_in(client, FINANCE)
    assert client.get(page_of(seller, payout)).status_code == 200
    assert client.get(page_of(mine, payout)).status_code == 404
    assert client.get(f"{DESK}{seller.pk}/payouts/{uuid.uuid4()}/").status_code == 404
    assert client.post(page_of(seller, payout)).status_code == 405


def test_a_payout_covers_the_days_that_were_skipped(client, seller):
    """A day on which more came back than was sold pays nothing: the next payout covers it, and the debt from before."""
    sign_in(client, FINANCE)
    first = sold()
    settled(close())
    returned(first)
    settled(close())
    settled(close())
    second, third = sold(), sold()
    settled(close())
    _, payout = payouts(seller)
    assert payout.amount == 738  # 2 x 738 sold, 738 come back
    page = client.get(page_of(seller, payout), **ENGLISH).content.decode()
    assert codes(page) == dashed(first, second, third)
    assert "Return" in page and "Commission returned" in page


def covered(seller):
    account = seller_account(seller.pk).pk
    found = [statements.payout(account, payout.uuid) for payout in payouts(seller)]
    return [(row.carried, row.moved, row.kept_back, row.amount) for row in found]


def test_days_caught_up_are_each_covered_once(seller):
    """Two days are settled on one morning, when a third has begun."""
    sold()
    one = close()
    sold()
    two = close()
    sold()
    settled(one)
    settled(two)
    assert covered(seller) == [(0, 738, 0, 738)] * 2
    settled(close())
    assert covered(seller) == [(0, 738, 0, 738)] * 3


def test_what_came_back_before_the_money_left_is_kept_back(client, seller):
    first, _ = sold(), sold()
    cut = close()
    returned(first)
    settled(cut)
    sold()
    settled(close())
    assert covered(seller) == [(0, 1_476, -738, 738), (738, 0, 0, 738)]
    sign_in(client, FINANCE)
    page = client.get(page_of(seller, payouts(seller)[0]), **ENGLISH).content.decode()
    assert "Kept back for what was returned after that day" in page and "−738 won" in page


def test_queries_do_not_grow(client, seller):
    sign_in(client, FINANCE)
    card = issued(100_000)[1]

    def count():
        with CaptureQueriesContext(connection) as found:
            client.get(page_of(seller, payouts(seller)[-1]), **ENGLISH)
        return len(found)

    sold(card=card)
    settled(close())
    sold(card=card)
    settled(close())
    before = count()
    for _ in range(3):
        sold(card=card)
    settled(close())
    assert count() == before
