"""Gifts: another recipient, a card whose length is told, a slip without prices; the giver follows the parcel."""

import pytest

from orders.models import Order
from orders.parcels import confirm_parcel, make_ready
from orders.roles import SELLER
from tests.factories import SellerFactory, UserFactory
from tests.orders.desks import EN, at_the_desk
from tests.orders.paid import paid
from tests.orders.shopping import checkout_form, put
from tests.orders.test_notices import Taking, operator, work  # noqa: F401 - the fixture that keeps the texts

pytestmark = pytest.mark.django_db
CARD = "생일을 축하합니다"


@pytest.fixture
def gift():
    order, _card = paid(is_gift=True, gift_text=CARD, recipient_name="리옥", recipient_phone="1957654321")
    confirm_parcel(order_code=order.code, number=1)
    return order


def test_the_page_tells_how_much_the_card_takes(shopping, noodles):
    put(shopping, noodles)
    shown = shopping.get("/checkout/", **EN).content.decode()
    assert 'maxlength="200"' in shown
    assert 'data-letters-left="id_gift_text">200<' in shown
    form = checkout_form(shopping)
    shown = shopping.post("/checkout/", {**form, "gift_text": "가" * 60, "update": "1"}, **EN).content.decode()
    assert 'data-letters-left="id_gift_text">140<' in shown


def test_a_text_too_long_is_kept_and_told(shopping, noodles):
    put(shopping, noodles)
    form = checkout_form(shopping)
    answer = shopping.post("/checkout/", {**form, "is_gift": "on", "gift_text": "가" * 201}, **EN)
    assert answer.status_code == 422
    assert "가" * 201 in answer.content.decode()
    assert not Order.objects.exists()


def test_the_slip_of_a_gift_has_the_card_and_no_price(gift):
    seller = gift.parcels.get().seller
    desk, _person = at_the_desk(SELLER, seller=seller)
    path = f"/admin/desk/parcels/{gift.code}/1/slip/"
    shown = desk.get(path, **EN).content.decode()
    article = shown[shown.index("<article") : shown.index("</article>")]
    assert CARD in article
    assert "Thing 0" in article
    assert "won" not in article
    assert f'href="{path}"' in desk.get(f"/admin/desk/parcels/{gift.code}/1/").content.decode()
    other, _person = at_the_desk(SELLER, seller=SellerFactory(slug="elsewhere", name_ko_kp="다른 상점"))
    assert other.get(path).status_code == 404
    assert desk.post(path).status_code == 405


def test_another_slip_has_its_prices():
    order, _card = paid()
    desk, _person = at_the_desk(SELLER, seller=order.parcels.get().seller)
    assert "760 won" in desk.get(f"/admin/desk/parcels/{order.code}/1/slip/", **EN).content.decode()


def test_the_giver_follows_and_nobody_else(client, gift):
    client.force_login(gift.user)
    shown = client.get(f"/orders/{gift.code}/", **EN).content.decode()
    for words in (CARD, "리옥", "The recipient hears by short message"):
        assert words in shown, words
    client.force_login(UserFactory(phone="1957654321"))  # the recipient is a member too: it is not their order
    assert client.get(f"/orders/{gift.code}/").status_code == 404


def test_the_recipient_of_a_collection_hears_where_it_waits(operator):  # noqa: F811
    order, _card = paid(
        parcels=[{"lines": [(380, 2)], "method": "collection"}], recipient_phone="1957654321", language="en"
    )
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    work()
    texts = [text for phone, text in Taking.sent if phone == "1957654321"]
    assert len(texts) == 1
    assert "collect it at Okryugwan until" in texts[0]
    assert order.parcels.get().handover_code in texts[0]
    assert "won" not in texts[0]
