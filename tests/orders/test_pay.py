"""Paying for an order: it works, and everything that can be wrong is told in words and takes nothing."""

import logging
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from orders.cancelling import cancel_order
from orders.healing import heal_once
from orders.models import Order
from orders.paying import NOT_ASKED, record_answer
from payments import leases
from payments.gateway import Answer, NoAnswer, luhn
from payments.models import MemberCard, Message, Payment
from payments.network.gateway import SimulatedGateway
from payments.words import words_for
from tests.factories import UserFactory
from tests.orders.paid import PIN, card_number, issued, kinds, money, paid, payment_of, placed, shelf

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


def post(client, order, number, pin=PIN, key=None):
    fields = {"key": str(key or order.payment_key), "card": number, "pin": pin}
    return client.post(f"/orders/{order.code}/payment/", fields, **ENGLISH)


@pytest.fixture
def order(client):
    order = placed()
    client.force_login(order.user)
    return order


def test_holds_the_total_on_the_card(client, order):
    card, presented = issued(1000)
    page = client.get(f"/orders/{order.code}/payment/", **ENGLISH)
    assert page.status_code == 200
    assert b"Pay 860 won" in page.content
    assert b'class="tabbar"' not in page.content
    answer = post(client, order, presented.number)
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.code}/")
    order.refresh_from_db()
    assert (order.status, order.hold_until, payment_of(order).state) == ("paid", None, "authorised")
    assert money(card) == (1000, 860)
    assert order.paid_at and all(parcel.confirm_by for parcel in order.parcels.all())
    assert kinds(order) == ["placed", "paid"]
    assert MemberCard.objects.get(user=order.user).last4 == presented.number[-4:]
    shown = client.get(f"/orders/{order.code}/", **ENGLISH).content.decode()
    assert "Payment received" in shown
    assert f"•••• {presented.number[-4:]}" in shown


def test_wrong_method(client, order):
    assert client.put(f"/orders/{order.code}/payment/").status_code == 405
    assert client.get(f"/orders/{order.code}/payment/?pin=4831").status_code == 405
    assert client.post(f"/orders/{order.code}/payment/?card=9&pin=4831").status_code == 405


def test_a_stranger_finds_nothing(client, order):
    client.force_login(UserFactory())
    _card, presented = issued()
    assert client.get(f"/orders/{order.code}/payment/").status_code == 404
    assert post(client, order, presented.number).status_code == 404
    assert not Payment.objects.exists()
    client.logout()
    assert client.get(f"/orders/{order.code}/payment/")["Location"].startswith("/sign-in/")


def test_repeated_takes_nothing_more(client, order):
    card, presented = issued(2000)
    answers = [post(client, order, presented.number) for _ in range(3)]
    assert {(a.status_code, a["Location"]) for a in answers} == {(302, f"/orders/{order.code}/")}
    assert money(card) == (2000, 860)
    assert client.get(f"/orders/{order.code}/payment/").status_code == 302


@pytest.mark.parametrize("typed", ["{n}", " {n} ", "{n:spaced}", "{n:dashed}", "{n:wide}"])
def test_card_number_as_people_type_it(client, order, typed):
    number = issued(1000)[1].number
    spelled = {
        "{n}": number,
        " {n} ": f"  {number} ",
        "{n:spaced}": f"{number[:5]} {number[5:9]} {number[9:13]} {number[13:]}",
        "{n:dashed}": f"{number[:5]}-{number[5:9]}-{number[9:]}",
        "{n:wide}": number.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    }[typed]
    assert post(client, order, spelled).status_code == 302


@pytest.mark.parametrize("pin", ["", " 4831 ", "４８３１", "483", "1" * 13, "abcd", "²831", "1" * 10_000])
def test_a_pin_of_the_wrong_shape_is_no_try(client, order, pin):
    card, presented = issued(1000)
    answer = post(client, order, presented.number, pin=pin)
    assert answer.status_code == 422
    assert b"PIN" in answer.content
    assert not Payment.objects.exists()
    card.refresh_from_db()
    assert card.pin_tries == 0


@pytest.mark.parametrize("number", ["", "9408", "94081912345678009", "9" * 12, "9" * 20, "card", "9408191234567800８٨"])
def test_a_number_of_the_wrong_shape_is_told_beside_its_field(client, order, number):
    answer = post(client, order, number)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_card-error"' in page
    assert PIN not in page
    assert not Payment.objects.exists()


DECLINES = {
    "51": {"balance": 10},
    "54": {"expires_on": timezone.now().date() - timedelta(days=40)},
    "57": {"currency": "USD"},
    "61": {"per_payment": 100},
    "65": {"count_day": 0},
}


@pytest.mark.parametrize("code", DECLINES)
def test_each_refusal_says_why_and_lets_pay_again(client, order, code):
    card, presented = issued(**DECLINES[code])
    answer = post(client, order, presented.number)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert str(words_for(code)).replace("'", "&#x27;") in page
    assert presented.number not in page
    assert PIN not in page
    order.refresh_from_db()
    assert (order.status, payment_of(order).code, money(card)[1]) == ("placed", code, 0)
    again = issued(1000)[1]
    assert post(client, order, again.number).status_code == 302


@pytest.mark.parametrize("status", ["lost", "stolen", "blocked"])
def test_a_card_that_cannot_be_used(client, order, status):
    card, presented = issued(1000)
    type(card).objects.filter(pk=card.pk).update(status=status)
    assert b"cannot be used" in post(client, order, presented.number).content


def test_an_unknown_card_and_a_wrong_pin_read_alike(client, order):
    unknown = post(client, order, card_number())
    order.refresh_from_db()
    wrong = post(client, order, issued(1000)[1].number, pin="4832")
    words = str(words_for("14"))
    assert words == str(words_for("55"))
    assert unknown.status_code == wrong.status_code == 422
    assert words in unknown.content.decode()
    assert words in wrong.content.decode()


def test_three_wrong_pins_lock_the_card(client, order):
    card, presented = issued(1000)
    for _ in range(3):
        order.refresh_from_db()
        answer = post(client, order, presented.number, pin="4832")
    order.refresh_from_db()
    right = post(client, order, presented.number)
    assert right.status_code == 422
    assert b"locked after three wrong PINs" in right.content
    assert b"locked after three wrong PINs" in answer.content or answer.status_code == 422
    assert money(card) == (1000, 0)


def test_first_purchase_needs_a_card_in_the_members_own_name(client, order):
    _card, presented = issued(1000, holder="리설희")
    answer = post(client, order, presented.number)
    assert answer.status_code == 422
    assert str(words_for("57")).replace("'", "&#x27;") in answer.content.decode()
    assert not MemberCard.objects.exists()


def test_a_refusal_gives_a_new_key_and_time(client, order):
    Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() + timedelta(minutes=1))
    old = order.payment_key
    post(client, order, issued(10)[1].number)
    order.refresh_from_db()
    assert order.payment_key != old
    assert order.hold_until > timezone.now() + timedelta(minutes=14)
    assert kinds(order) == ["placed", "payment_declined"]
    late = post(client, order, issued(1000)[1].number, key=old)  # the old form: the old answer, nothing asked
    assert late.status_code == 422
    assert Payment.objects.count() == 1


def test_a_foreign_or_invented_key_asks_nothing(client, order):
    other = placed()
    for key in (uuid.uuid4(), other.payment_key):
        answer = post(client, order, issued(1000)[1].number, key=key)
        assert answer.status_code == 422
        assert b"out of date" in answer.content
    fields = {"key": "nonsense", "card": issued(1000)[1].number, "pin": PIN}
    assert client.post(f"/orders/{order.code}/payment/", fields, **ENGLISH).status_code == 422
    assert not Payment.objects.exists()


def test_too_many_cards_are_not_asked(client, order):
    for _ in range(10):
        order.refresh_from_db()
        post(client, order, card_number())
    order.refresh_from_db()
    card, presented = issued(1000)
    answer = post(client, order, presented.number)
    assert answer.status_code == 422
    assert b"Too many cards were tried" in answer.content
    assert Payment.objects.filter(code=NOT_ASKED).count() == 1
    assert money(card) == (1000, 0)


def test_an_expired_or_cancelled_order_is_not_paid(client, order):
    _card, presented = issued(1000)
    Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(seconds=1))
    assert post(client, order, presented.number).status_code == 302
    assert b"time to pay has run out" in client.get(f"/orders/{order.code}/", **ENGLISH).content
    cancel_order(order_code=order.code)
    assert post(client, order, presented.number).status_code == 302
    assert not Payment.objects.exists()


# ------------------------------------------------------------------ silence


class Silent(SimulatedGateway):
    """Loses the answer of `authorise` after the network wrote it, or the request before."""

    loses = "answer"
    dead = True

    def authorise(self, ask, card):
        if self.loses == "answer":
            super().authorise(ask, card)
        raise NoAnswer

    def inquire(self, message_id):
        if self.dead:
            raise NoAnswer
        return super().inquire(message_id)


@pytest.fixture
def silent(settings):
    settings.PAYMENT_GATEWAY = f"{__name__}.Silent"
    Silent.loses, Silent.dead = "answer", True
    return Silent


def come_due():
    Message.objects.filter(code=None).update(next_at=timezone.now() - timedelta(seconds=1))


def test_a_lost_answer_waits_and_heals_to_paid(client, order, silent):
    card, presented = issued(1000)
    answer = post(client, order, presented.number)
    assert answer["Location"] == f"/orders/{order.code}/"
    page = client.get(f"/orders/{order.code}/", **ENGLISH).content.decode()
    assert 'http-equiv="refresh"' in page
    assert "Do not pay again" in page
    assert "othing has been taken" not in page
    assert post(client, order, presented.number)["Location"] == f"/orders/{order.code}/"
    assert client.get(f"/orders/{order.code}/payment/").status_code == 302
    come_due()
    assert heal_once().waiting == 1  # still silent
    silent.dead = False
    come_due()
    assert heal_once().answered == 1
    order.refresh_from_db()
    assert (order.status, money(card)) == ("paid", (1000, 860))
    assert payment_of(order).last4 == presented.number[-4:]


def test_a_lost_request_heals_to_nothing_taken(client, order, silent):
    silent.loses = "request"
    card, presented = issued(1000)
    post(client, order, presented.number)
    silent.dead = False
    come_due()
    heal_once()
    order.refresh_from_db()
    assert (order.status, payment_of(order).code, money(card)) == ("placed", "68", (1000, 0))
    page = client.get(f"/orders/{order.code}/", **ENGLISH).content.decode()
    assert "Nothing has been taken. Please pay again." in page
    silent.loses = "answer"
    post(client, order, presented.number)
    order.refresh_from_db()
    assert order.status == "paid"  # one inquiry in the request itself
    assert money(card) == (1000, 860)


def test_an_approval_after_cancelling_is_reversed(client, order, silent):
    card, presented = issued(1000)
    line = order.parcels.get().lines.get()
    post(client, order, presented.number)
    cancel_order(order_code=order.code)
    assert shelf(line) == (20, 0)
    assert b"has not said yet whether it holds any money" in client.get(f"/orders/{order.code}/", **ENGLISH).content
    silent.dead = False
    come_due()
    heal_once()
    come_due()
    heal_once()
    order.refresh_from_db()
    assert (order.status, payment_of(order).state, money(card)) == ("cancelled", "declined", (1000, 0))
    assert b"Nothing has been taken" in client.get(f"/orders/{order.code}/", **ENGLISH).content


def test_recording_twice_changes_nothing(order):
    order, card = paid(user=order.user)
    message = payment_of(order).messages.get()
    record_answer(message=message, answer=Answer("51"))
    order.refresh_from_db()
    assert (order.status, money(card)[1], kinds(order)) == ("paid", 860, ["placed", "paid"])


def test_number_and_pin_stay_out_of_logs_and_tables(client, order, caplog, settings):
    number, pin = "94081955511122233", "7294"
    number = next(number[:16] + str(d) for d in range(10) if luhn(number[:16] + str(d)))
    _card, presented = issued(1000, number=number)
    caplog.set_level(logging.DEBUG)
    post(client, order, presented.number, pin=pin)
    order.refresh_from_db()
    post(client, order, presented.number)
    assert number not in caplog.text
    assert pin not in caplog.text
    session = str(dict(client.session))
    kept = str([list(model.objects.values()) for model in (Payment, Message, MemberCard, Order)])
    assert number not in session + kept


def test_payments_are_counted_by_queries(client, order, django_assert_max_num_queries):
    client.get(f"/orders/{order.code}/payment/")
    with django_assert_max_num_queries(8):
        client.get(f"/orders/{order.code}/payment/")
    assert leases.claim_due(limit=1) == []
