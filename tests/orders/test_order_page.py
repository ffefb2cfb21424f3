"""The order's page answers "what happened?" at any moment; its receipt and its cancellations."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from orders.models import Order, OrderLine
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.refunds import Goods, refund_lines
from tests.factories import PictureFactory, UserFactory
from tests.orders.paid import money, paid, payment_of, placed

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
THREE = [
    {"lines": [(380, 2), (520, 1)], "fee": 100},
    {"lines": [(80, 6)], "method": "collection"},
    {"lines": [(1050, 1)], "fee": 100, "days": 4},
]


def page(client, order, **headers):
    client.force_login(order.user)
    answer = client.get(f"/orders/{order.code}/", **(headers or ENGLISH))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return " ".join(answer.content.decode().split())


def test_not_paid_yet(client):
    shown = page(client, placed())
    assert "Not paid yet" in shown
    assert "Pay 860 won" in shown
    assert "Hand-over code" not in shown


def test_every_parcel_and_every_won(client):
    order, _card = paid(parcels=THREE)
    for number in (1, 2):
        short = {OrderLine.objects.get(parcel__order=order, parcel__number=2).public_id: 5} if number == 2 else None
        confirm_parcel(order_code=order.code, number=number, quantities=short)
        make_ready(order_code=order.code, number=number)
    dispatch_parcel(order_code=order.code, number=1)
    shown = page(client, order)
    first, second, third = order.parcels.order_by("number")
    assert first.handover_code in shown
    assert second.handover_code in shown
    assert f"<b>{third.handover_code}</b>" not in shown
    for words in (
        "on its way",
        "ready to collect",
        "waiting for the seller",
        "1,380 won paid",
        "with 100 won for delivery",
        "5 of 6. 80 won is not taken.",
        "<dt>Held on the card</dt><dd>3,010 won</dd>",
        "<dt>Paid · Okryugwan</dt><dd>1,380 won</dd>",
        "<dt>Released · Jangkyong Myohyang Shop</dt><dd>80 won</dd>",
        "<dt>Still held</dt><dd>1,550 won</dd>",
        "<dt>Taken so far</dt><dd>1,380 won</dd>",
        f"/orders/{order.code}/parcels/3/cancellation/",
    ):
        assert words in shown, words
    assert f"/orders/{order.code}/parcels/1/cancellation/" not in shown
    assert f"/orders/{order.code}/cancellation/" not in shown


def test_declined_and_complete(client):
    order, _card = paid(parcels=THREE[:2])
    decline_parcel(order_code=order.code, number=2, reason=Reason.NOT_IN_STOCK)
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(order_code=order.code, number=1)
    shown = page(client, order)
    assert "The order is complete" in shown
    assert "it is not in stock" in shown
    assert "Still held" not in shown


def test_nothing_of_it_arrived(client):
    order, _card = paid(parcels=THREE[:1])
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(order_code=order.code, number=1)
    assert f"/orders/{order.code}/parcels/1/return/" in page(client, order)
    everything = {line.public_id: line.quantity for line in OrderLine.objects.filter(parcel__order=order)}
    refund_lines(order_code=order.code, number=1, key=uuid4(), quantities=everything, goods=Goods.RESTOCK)
    shown = page(client, order)
    assert "The order has ended" in shown
    assert f"/orders/{order.code}/parcels/1/return/" not in shown


def test_expired(client):
    order = placed()
    Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(minutes=1))
    assert "The time to pay has run out" in page(client, order)


def test_in_korean(client):
    order, _card = paid()
    shown = page(client, order, HTTP_ACCEPT_LANGUAGE="ko")
    assert 'lang="ko-KP"' in shown
    assert "860원" in shown


def test_only_its_member_sees_it_and_only_reads(client):
    order, _card = paid()
    for path in ("", "receipt/"):
        client.force_login(order.user)
        assert client.post(f"/orders/{order.code}/{path}").status_code == 405
        client.force_login(UserFactory())
        assert client.get(f"/orders/{order.code}/{path}").status_code == 404
        client.logout()
        assert client.get(f"/orders/{order.code}/{path}")["Location"].startswith("/sign-in/")
    assert client.get("/orders/7/").status_code == 302


@pytest.mark.parametrize("lines", [1, 10])
def test_eight_queries_however_long_the_order(client, django_assert_max_num_queries, lines):
    order, _card = paid(parcels=[{"lines": [(10, 1)] * lines, "fee": 100}, {"lines": [(80, 6)] * lines}])
    for line in OrderLine.objects.all():
        PictureFactory(product=line.variant.product)
    page(client, order)
    with django_assert_max_num_queries(8):
        client.get(f"/orders/{order.code}/", **ENGLISH)


def test_the_receipt(client):
    order, _card = paid()
    client.force_login(order.user)
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    shown = client.get(f"/orders/{order.code}/receipt/", **ENGLISH).content.decode()
    payment = payment_of(order)
    for words in (order.shown_code, f"•••• {payment.last4}", payment.messages.get(verb="authorise").ref, "answer: 00"):
        assert words in shown, words
    assert "860 won" in shown


def test_no_receipt_before_paying(client):
    order = placed()
    client.force_login(order.user)
    assert client.get(f"/orders/{order.code}/receipt/").status_code == 404


# ------------------------------------------------------------------ cancelling


def cancel(client, order, parcel=""):
    return client.post(f"/orders/{order.code}/{parcel}cancellation/", **ENGLISH)


@pytest.mark.parametrize("parcel", ["", "parcels/1/"])
def test_cancelling_frees_the_money(client, parcel):
    order, card = paid()
    client.force_login(order.user)
    for _ in range(2):  # repeated: the same page
        answer = cancel(client, order, parcel)
        assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.code}/")
    assert money(card) == (10_000, 0)
    shown = page(client, order)
    assert "The order is cancelled" in shown
    assert "free again" in shown


def test_each_form_of_the_page_carries_its_token(client):
    order, _card = paid()
    forms = re.findall(r'<form action="/orders/[^"]+cancellation/".*?</form>', page(client, order))
    assert len(forms) == 2
    assert all('name="csrfmiddlewaretoken"' in form for form in forms)


def test_cancelling_before_paying(client):
    order = placed()
    client.force_login(order.user)
    cancel(client, order)
    assert "Nothing has been taken." in page(client, order)


@pytest.mark.parametrize("parcel", ["", "parcels/1/"])
def test_cancelling_by_the_wrong_method_or_person(client, parcel):
    order, card = paid()
    client.force_login(order.user)
    assert client.get(f"/orders/{order.code}/{parcel}cancellation/").status_code == 405
    client.force_login(UserFactory())
    assert cancel(client, order, parcel).status_code == 404
    assert money(card)[1] == 860


def test_cancelling_an_unknown_parcel(client):
    order, _card = paid()
    client.force_login(order.user)
    assert cancel(client, order, "parcels/9/").status_code == 404


@pytest.mark.parametrize("parcel", ["", "parcels/1/"])
def test_too_late_to_cancel(client, parcel):
    order, card = paid()
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    client.force_login(order.user)
    answer = cancel(client, order, parcel)
    assert answer.status_code == 409
    assert b"being handed over" in answer.content
    assert money(card) == (9140, 0)
