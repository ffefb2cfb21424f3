"""The money desk for the network's silence and its refusals: who sees it, what it says, what asking again does."""

import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import tasks, waiting
from orders.models import OrderLine
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.paying import Outcome, pay
from orders.refunds import Goods, refund_lines
from orders.roles import FINANCE, ORDER_DESK, ensure_roles
from payments import faults
from payments.gateway import Answer
from payments.models import Message, Payment
from payments.network.gateway import SimulatedGateway
from payments.network.verbs import charge_back
from payments.settlement import close_day
from tests.factories import StaffFactory, UserFactory
from tests.orders.paid import issued, money, paid, payment_of, placed
from tests.payments.cast import next_day, opened, settled

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
HERE = "/admin/desk/money/waiting/"


@pytest.fixture(params=[FINANCE, ORDER_DESK])
def desk(request, client):
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[request.param])
    client.force_login(person)
    return person


@pytest.fixture
def finance(client):
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[FINANCE])
    client.force_login(person)
    return person


@pytest.fixture(autouse=True)
def _bad_line(settings):
    settings.PAYMENT_FAULTS = "seed=7"
    faults.expect()


def silent_payment(*lost):
    """An order whose payment the network has not answered; what is on its card."""
    order = placed()
    card, presented = issued()
    faults.expect(*lost)
    attempt = pay(order_code=order.code, key=order.payment_key, card=presented, user=order.user, address="10.0.0.7")
    assert attempt.outcome == Outcome.WAITING
    return order, card


def grown_old(message, **age):
    """The same question, asked longer ago: its moment is guarded, so the guard is put aside in this test alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE payments_message SET created_at = %s WHERE id = %s", [timezone.now() - timedelta(**age), message.pk]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def page(client, path=HERE, **extra):
    return client.get(path, **{**ENGLISH, **extra}).content.decode()


def test_an_empty_list_says_so(client, desk):
    assert "Every question has its answer." in page(client)
    assert "No parcel waits for money that was refused." in page(client)
    korean = client.get(HERE, HTTP_ACCEPT_LANGUAGE="ko-KP").content.decode()
    assert "결제망" in korean


def test_a_silent_payment_is_listed_and_asked_again(client, desk):
    order, card = silent_payment("ok", "lost_answer", "lost_answer")  # the card verified, held, and both answers lost
    message = Message.objects.get(code=None)
    shown = page(client)
    assert "Hold 860 won on the card" in shown
    assert order.shown_code in shown
    assert f"/admin/orders/order/{order.pk}/change/" in shown
    assert "less than a minute" in shown
    answer = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)
    assert "Answered: Hold 860 won on the card. Done." in answer.content.decode()
    assert payment_of(order).state == "authorised"
    assert money(card) == (10_000, 860)
    again = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)  # repeated
    assert "Done." in again.content.decode()
    assert money(card) == (10_000, 860)
    assert Message.objects.count() == 1


def test_a_question_never_heard_is_undone(client, desk):
    order, card = silent_payment("lost_request", "lost_answer")
    message = Message.objects.get(code=None)
    answer = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)
    assert "Refused with code 68" in answer.content.decode()
    assert (payment_of(order).state, money(card)) == ("declined", (10_000, 0))


def test_silence_goes_on(client, desk):
    silent_payment("lost_answer", "lost_answer")
    message = Message.objects.get(code=None)
    faults.expect("lost_answer")
    answer = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)
    assert "still does not answer" in answer.content.decode()
    message.refresh_from_db()
    assert (message.code, message.tries) == (None, 1)
    assert message.next_at > timezone.now()


def test_a_question_somebody_asks_just_now_is_left_alone(client, finance, monkeypatch):
    silent_payment("lost_answer", "lost_answer")
    message = Message.objects.get(code=None)
    monkeypatch.setattr("payments.leases.claim", lambda message: None)
    answer = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)
    assert "Somebody is asking this very question" in answer.content.decode()


def test_old_questions_raise_the_alarm(client, finance, caplog):
    silent_payment("lost_answer", "lost_answer")
    message = Message.objects.get(code=None)
    grown_old(message, minutes=9)
    assert "longer than" not in page(client)
    tasks.warn_of_waiting(0)
    assert "wait too long" not in caplog.text
    grown_old(message, minutes=11)
    shown = page(client)
    assert "1 question waits longer than 10 minutes" in shown
    assert 'class="tag tag--bad">11' in shown
    with caplog.at_level(logging.ERROR):
        tasks.warn_of_waiting(0)
    assert "1 questions to the card network wait too long" in caplog.text


@pytest.mark.parametrize("path", ["00000000-0000-4000-8000-000000000001/tries/", "parcels/AAAABBBB/1/capture/"])
def test_who_may_post(client, path):
    person = UserFactory()
    assert client.get(HERE + path).status_code == 405  # before anything is looked up
    assert client.post(HERE + path)["Location"].startswith("/sign-in/")
    client.force_login(person)
    assert client.post(HERE + path).status_code == 403
    assert client.get(HERE).status_code == 403
    client.force_login(StaffFactory(is_superuser=True))
    assert client.post(HERE + path).status_code == 404
    assert client.post(HERE).status_code == 405


class Refusing(SimulatedGateway):
    refuses = True

    def tell(self, ask):
        return Answer("25", about=ask.id, amount=ask.amount) if self.refuses else super().tell(ask)


def refused_parcel(settings):
    order, card = paid()
    settings.PAYMENT_GATEWAY = f"{__name__}.Refusing"
    Refusing.refuses = True
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    parcel = order.parcels.get()
    assert parcel.captured_at is None
    return order, parcel, card


def test_refused_money_stays_listed_until_it_comes(client, finance, settings):
    order, _, card = refused_parcel(settings)
    shown = page(client)
    assert "The hold on the card has ended." in shown
    assert "code 25" in shown
    assert "860 won" in shown
    where = f"{HERE}parcels/{order.code}/1/capture/"
    assert "The money is not taken." in client.post(where, follow=True, **ENGLISH).content.decode()
    assert "The hold on the card has ended." in page(client)
    Refusing.refuses = False
    for _ in range(2):  # repeated
        assert "The money of this parcel is taken." in client.post(where, follow=True, **ENGLISH).content.decode()
    assert money(card) == (9_140, 0)
    assert "No parcel waits for money that was refused." in page(client)


def test_money_asked_again_waits_in_the_other_list(client, finance, settings):
    order, _, _ = refused_parcel(settings)
    settings.PAYMENT_FAULTS = "seed=8"
    faults.expect("lost_answer")
    Refusing.refuses = False
    client.post(f"{HERE}parcels/{order.code}/1/capture/", **ENGLISH)
    shown = page(client)
    assert "Take 860 won for parcel 1" in shown
    assert "No parcel waits for money that was refused." in shown


def test_only_refused_money_is_asked_for_here(client, finance):
    order, card = paid()
    confirm_parcel(order_code=order.code, number=1)
    assert client.post(f"{HERE}parcels/{order.code}/1/capture/").status_code == 404
    assert money(card) == (10_000, 860)


def questions(count):
    for number in range(count):
        payment = Payment.objects.create(id=uuid.uuid4(), order_code=f"Q{number:07d}", amount=500)
        Message.objects.create(id=uuid.uuid4(), payment=payment, verb="authorise", amount=500, next_at=timezone.now())


def test_many_questions_come_in_pages_with_as_many_queries(client, finance, monkeypatch):
    monkeypatch.setattr(waiting, "PAGE", 5)
    counts, seen = [], set()
    for more in (1, 11):
        questions(more) if more > 1 else silent_payment("lost_answer", "lost_answer")
        with CaptureQueriesContext(connection) as queries:
            page(client)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
    path = HERE
    while path:
        response = client.get(path, **ENGLISH)
        rows = response.context["waiting"].questions
        assert 1 <= len(rows) <= 5
        seen |= {row.message.pk for row in rows}
        path = HERE + response.context["next_url"] if response.context["next_url"] else ""
    assert len(seen) == 12 == Message.objects.filter(code=None).count()
    assert client.get(f"{HERE}?after=nonsense").status_code == 200
    assert client.get(f"{HERE}?after={uuid.uuid4()}").status_code == 200


def test_a_question_about_no_order_is_listed_and_not_asked(client, finance):
    message = opened(900)
    shown = page(client)
    assert message.payment.order_code in shown and "No such order" in shown
    answer = client.post(f"{HERE}{message.pk}/tries/", follow=True, **ENGLISH)
    assert "This order does not exist. Nothing was asked" in answer.content.decode()
    message.refresh_from_db()
    assert message.code is None


# ---------------------------------------------------------------- refunds the network refused


def refused_refund():
    """760 won were taken and are to be given back whole; the card's bank has had 380 of them returned before."""
    order, card = paid()
    where = {"order_code": order.code, "number": 1}
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(**where)
    capture = Message.objects.get(payment__order_code=order.code, verb="capture")
    charge_back(case=uuid.uuid4(), capture=capture.pk, amount=380, reason="never ordered")
    line = OrderLine.objects.get(parcel__order=order)
    refund_lines(**where, key=uuid.uuid4(), quantities={line.public_id: 2}, goods=Goods.RESTOCK)
    return order, card, Message.objects.get(payment__order_code=order.code, verb="refund")


def again(message):
    return f"{HERE}refunds/{message.pk}/tries/"


def test_a_refused_refund_stands_there_until_it_is_given_back(client, desk):
    order, card, refused = refused_refund()
    page = client.get(HERE, **ENGLISH).content.decode()
    assert "Refunds refused" in page
    assert again(refused) in page
    page = client.post(again(refused), follow=True, **ENGLISH).content.decode()
    assert "Refused with code 13" in page, "the file with the chargeback is not in yet"
    newest = Message.objects.get(payment__order_code=order.code, part=f"{refused.part}.2")
    assert again(newest) in page
    assert again(refused) not in page

    settled(close_day(next_day()))
    page = client.post(again(refused), follow=True, **ENGLISH).content.decode()
    assert "Done." in page
    assert "Refunds refused" not in page
    assert money(card) == (10_000 - 100, 0), "all but the delivery fee is back, 380 by the bank and 380 by us"
    client.post(again(refused), **ENGLISH)
    assert money(card) == (10_000 - 100, 0), "twice is once"


def test_nothing_left_is_said(client, desk):
    order, card, refused = refused_refund()
    capture = Message.objects.get(payment__order_code=order.code, verb="capture")
    charge_back(case=uuid.uuid4(), capture=capture.pk, amount=380, reason="never ordered")
    settled(close_day(next_day()))
    page = client.post(again(refused), follow=True, **ENGLISH).content.decode()
    assert "Nothing is left to give back" in page
    assert money(card) == (10_000 - 100, 0)


def test_asking_for_a_refund_anew_is_guarded(client, desk):
    _order, _card, refused = refused_refund()
    assert client.get(again(refused)).status_code == 405
    assert client.post(f"{HERE}refunds/{uuid.uuid4()}/tries/").status_code == 404
    client.force_login(UserFactory())
    assert client.post(again(refused)).status_code in {403, 404}
    assert Message.objects.filter(verb="refund").count() == 1


def test_a_refused_release_stands_there_as_long_as_the_money_is_held(client, desk):
    order, _card = paid(parcels=[{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)]}])
    refusal = Answer("13")
    with mock.patch.object(SimulatedGateway, "tell", lambda self, ask: replace(refusal, about=ask.id)):
        decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED)
    page = client.get(HERE, **ENGLISH).content.decode()
    assert "Held money not let go" in page
    assert "Let go of 480 won held for parcel 2" in page
    assert "code 13" in page
    with connection.cursor() as cursor:  # the hold's time is over
        cursor.execute("ALTER TABLE payments_payment DISABLE TRIGGER payment_guard")
        cursor.execute("UPDATE payments_payment SET expires_at = now() - interval '1 minute'")
        cursor.execute("ALTER TABLE payments_payment ENABLE TRIGGER payment_guard")
    assert "Held money not let go" not in client.get(HERE, **ENGLISH).content.decode()
