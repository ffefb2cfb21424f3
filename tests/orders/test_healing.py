"""One tick carries on all that the network answers, however much an outage left."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from orders import healing
from orders.parcels import confirm_parcel, make_ready
from orders.tasks import payments_tick
from payments import faults
from payments.models import Message, Payment
from payments.network.models import Authorisation
from tests.orders.paid import issued, paid
from tests.payments.cast import opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def unanswered(settings):
    """Five captures the network did, and whose answers were lost; all are due."""
    settings.PAYMENT_FAULTS = "seed=7"
    _, presented = issued(1_000_000)
    for _ in range(5):
        order, _ = paid(card=presented)
        confirm_parcel(order_code=order.code, number=1)
        faults.expect("lost_answer")
        make_ready(order_code=order.code, number=1)
    come_due()
    return Message.objects.filter(code=None)


def come_due():
    Message.objects.filter(code=None).update(next_at=timezone.now() - timedelta(seconds=1))


def test_a_tick_asks_more_than_one_pass_holds(unanswered, monkeypatch):
    monkeypatch.setattr(healing, "PASS", 2)
    assert unanswered.count() == 5
    payments_tick(0)
    assert not unanswered.exists()
    assert not Payment.objects.exclude(state="done").exists()


def test_the_command_does_the_same(unanswered, monkeypatch, capsys):
    monkeypatch.setattr(healing, "PASS", 2)
    call_command("payments_tick")
    assert capsys.readouterr().out == "5 answered, 0 still waiting\n"
    assert not unanswered.exists()


def test_what_stayed_silent_while_others_were_answered_is_asked_again_at_once(unanswered):
    faults.expect("lost_request", "ok", "garbage", "ok", "lost_answer")
    healed = healing.heal()
    assert (healed.answered, healed.waiting) == (5, 0)
    assert not unanswered.exists()


def test_a_silent_network_ends_the_tick(unanswered, settings):
    settings.PAYMENT_FAULTS = "down"
    healed = healing.heal()
    assert (healed.answered, healed.waiting) == (0, 5)
    assert set(unanswered.values_list("tries", flat=True)) == {1}


def test_a_question_that_breaks_does_not_loop(unanswered, monkeypatch):
    broken = unanswered.first().pk
    record = healing.record_answer

    def refuse_one(*, message, answer):
        if message.pk == broken:
            raise RuntimeError("cannot be recorded")
        record(message=message, answer=answer)

    monkeypatch.setattr(healing, "record_answer", refuse_one)
    assert healing.heal().answered == 4
    assert unanswered.get().pk == broken


def test_a_question_about_no_order_moves_nothing_and_is_left_to_people(unanswered, caplog):
    """It cannot come about: orders are never deleted. If it does, the tick lives, and others are not asked for it."""
    message = opened(900)  # of an order that was never placed
    come_due()
    healed = healing.heal()
    assert (healed.answered, healed.waiting) == (5, 0)
    assert caplog.text.count(f"order {message.payment.order_code}, which does not exist") == 1
    assert unanswered.get() == message
    assert unanswered.get().tries == 1
    assert not Authorisation.objects.filter(merchant_reference=message.payment.order_code).exists()
    for _ in range(2):  # said once, not every tick
        come_due()
        assert healing.heal() == healing.Healed()
    assert caplog.text.count("which does not exist") == 1


def test_a_tick_told_to_stop_ends_after_its_pass(unanswered, monkeypatch):
    monkeypatch.setattr(healing, "PASS", 2)
    assert healing.heal(stopped=lambda: True).answered == 2
    assert unanswered.count() == 3
