"""The whole main job as a newcomer would script it, over HTTP, without JavaScript: only what the pages show."""

import re

from catalog.models import Stock
from orders.models import Order
from payments.models import Payment
from tests.journeys.newcomer import Newcomer

SHOPPER = {"phone": "191-234-5678", "password": "jade-stream-7"}
CARD = {"card": "94081 9123 4567 8008", "pin": "4831"}
STAFF = {"phone": "191-900-0001", "password": "bureau-demo-stream-7"}


def sign_in(base: str, **who: str) -> Newcomer:
    return Newcomer(base, language="ko").see("/sign-in/").send(button="들어가기", **who)


def buy_two_bowls(base: str) -> tuple[Newcomer, str]:
    """Sign in, find the noodles, put two in the cart, check out with delivery, pay: browser and order code."""
    shopper = sign_in(base, **SHOPPER)
    shopper.see("/").send(to="/search/", q="평양랭면").follow("평양랭면")
    shopper.send(to="/cart/lines/", quantity="2")
    assert shopper.path == "/cart/"
    assert "760원" in shopper.text
    shopper.see("/checkout/").send(button="주문하고 지불로")
    code = re.fullmatch(r"/orders/(\w+)/payment/", shopper.path)
    assert code, f"{shopper.status} {shopper.path}: {shopper.text}"
    assert "860원" in shopper.text  # two bowls and the delivery
    shopper.send(to="/payment/", **CARD)
    assert shopper.path == f"/orders/{code[1]}/"
    return shopper, code[1]


def do(staff: Newcomer, code: str, deed: str, button: str = "") -> None:
    """Find the order's parcel in the admin, choose what to do with it, say yes."""
    staff.see(f"/admin/orders/parcel/?q={code}").follow(f"{code[:4]}-{code[4:]}/1")
    href = next(href for href, _ in staff._page.links if href.endswith(f"/{deed}/"))
    staff.see(href).send(to=deed, button=button)
    assert staff.status == 200, staff.text


def test_a_newcomer_buys_and_the_bureau_delivers(demo_shop: str) -> None:
    shopper, code = buy_two_bowls(demo_shop)
    assert "지불을 받았습니다" in shopper.text
    assert CARD["pin"] not in shopper.html
    assert "4567" not in shopper.html.replace(SHOPPER["phone"], "")

    shopper.follow("령수증")
    assert shopper.path == f"/orders/{code}/receipt/"
    assert "평양랭면" in shopper.text
    assert "860원" in shopper.text
    assert "8008" in shopper.text

    staff = sign_in(demo_shop, **STAFF)
    before = Stock.objects.get(variant__order_lines__parcel__order__code=code)
    for deed in ("confirm", "ready", "dispatch", "deliver"):
        do(staff, code, deed)

    order, payment = Order.objects.get(code=code), Payment.objects.get(order_code=code)
    after = Stock.objects.get(pk=before.pk)
    assert order.status == Order.Status.CLOSED
    assert (payment.state, payment.captured, payment.refunded) == (Payment.State.DONE, 860, 0)
    assert (after.on_hand, after.reserved) == (before.on_hand - 2, before.reserved - 2)
    assert "넘겨줌" in shopper.see(f"/orders/{code}/").text
    assert "249,140원" in shopper.see("/card/").text


def test_the_same_in_english_with_words_to_match(demo_shop: str) -> None:
    shopper, code = buy_two_bowls(demo_shop)
    shopper.send(to="/language/", button="English")
    assert shopper.path == f"/orders/{code}/"
    assert "Pyongyang cold buckwheat noodles" in shopper.text
    assert "860 won" in shopper.text
    written_by_herself = "김은주|승강기가 서있으면 전화해주십시오|27인민반|12호동"
    words = re.sub(f"조선어|{written_by_herself}", "", shopper.text)
    assert re.findall("[가-힣]+", words) == [], "Korean left on the English page"


def test_sending_the_payment_again_lands_on_the_same_order(demo_shop: str) -> None:
    shopper = sign_in(demo_shop, **SHOPPER)
    shopper.see("/search/?q=%EB%9E%AD%EC%B2%9C%EC%82%AC%EC%9D%B4%EB%8B%A4").follow("랭천사이다")
    shopper.send(to="/cart/lines/", quantity="1")
    shopper.see("/checkout/")
    checkout = shopper.form(to="/checkout/", button="주문하고 지불로").fields.copy()
    first = shopper.post("/checkout/", checkout).path
    assert shopper.post("/checkout/", checkout).path == first
    payment = {**shopper.form(to="/payment/").fields, **CARD}
    paid = shopper.post(first, payment).path
    assert shopper.post(first, payment).path == paid
    assert Order.objects.filter(user__phone="1912345678").count() == 1
    assert Payment.objects.count() == 1
