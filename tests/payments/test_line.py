"""The line to the network: every call ends in time, nonsense is no answer, and faults are made on purpose only."""

import datetime
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from okryu import checks
from payments import faults, pay, words
from payments.gateway import CODES, Answer, Ask, NoAnswer, Verified, gateway
from payments.network.gateway import SimulatedGateway
from payments.network.models import Authorisation, Card
from tests.payments.cast import asked, authorised, balance, issued, opened, recorded

pytestmark = pytest.mark.django_db
HERE = __name__


def through(settings, **answers):
    """Let the network answer what the test says, after doing what was asked."""
    Lying.answers = answers
    settings.PAYMENT_GATEWAY = f"{HERE}.Lying"


class Lying(SimulatedGateway):
    answers: dict = {}

    def authorise(self, ask, card):
        return self.answers["authorise"](super().authorise(ask, card))

    def tell(self, ask):
        return self.answers["tell"](super().tell(ask))

    def inquire(self, message_id):
        return self.answers["inquire"](super().inquire(message_id))

    def verify(self, card):
        return self.answers["verify"](super().verify(card))


# ---------------------------------------------------------------- nonsense is no answer


def test_every_lie_is_no_answer(settings):
    card, presented = issued(100_000, count_day=1_000)
    payment = authorised(presented, 30_000)
    for number in range(len(faults.lies_about(None))):
        lie = {verb: lambda answer, n=number: faults.lies_about(answer)[n] for verb in ("authorise", "tell", "inquire")}
        message = opened(100)
        capture = asked(
            pay.ask_capture, payment=payment, parcel=number + 1, seller_id=5, goods=100, fare=0, commission_bp=0
        )
        through(settings, **lie)
        for call in (lambda m=message: pay.send(m, presented), lambda m=message: pay.inquire(m)):
            with pytest.raises(NoAnswer):
                call()
        with pytest.raises(NoAnswer):
            pay.send(capture)
        settings.PAYMENT_GATEWAY = "payments.network.gateway.SimulatedGateway"
        assert pay.inquire(message).code == pay.inquire(capture).code == "00"  # it was done all the same
    assert Authorisation.objects.filter(account=card.account_id, state="open").count() == number + 2


def test_every_lie_about_a_card_is_no_answer(settings):
    _, presented = issued()
    for number in range(len(faults.lies_about_a_card(Verified("00")))):
        through(settings, verify=lambda verified, n=number: faults.lies_about_a_card(verified)[n])
        with pytest.raises(NoAnswer):
            gateway().verify(presented)
    through(settings, verify=lambda verified: verified)
    assert gateway().verify(presented).code == "00"


@pytest.mark.parametrize(
    "change",
    [
        {"last4": ""},
        {"last4": "１２３４"},
        {"expires_at": None},
        {"expires_at": datetime.datetime(2030, 1, 1)},
        {"code": "91"},
        {"code": "96"},
    ],
)
def test_an_approval_without_its_hold_or_a_network_in_trouble_is_no_answer(settings, change):
    _, presented = issued()
    message = opened(100)
    through(settings, authorise=lambda answer: replace(answer, **change))
    with pytest.raises(NoAnswer):
        pay.send(message, presented)


def test_a_garbled_answer_heals(settings):
    card, presented = issued(10_000)
    settings.PAYMENT_FAULTS = "seed=7"
    message = opened(900)
    faults.expect("garbage")
    with pytest.raises(NoAnswer):
        pay.send(message, presented)
    assert recorded(message, pay.inquire(message)).payment.state == "authorised"
    assert balance(card) == (10_000, 900)


def test_the_codes_that_are_answers_all_have_words():
    assert set(words._WORDS) == CODES | {"91", "96"}


# ---------------------------------------------------------------- in time


class Hanging(SimulatedGateway):
    """A network of another machine that takes the call and then says nothing."""

    in_process = False
    hangs = threading.Event()

    def tell(self, ask):
        self.hangs.wait(30)
        return Answer("00")


class Broken(Hanging):
    error: BaseException = ConnectionResetError("reset")

    def tell(self, ask):
        raise self.error


def ask(verb="capture"):
    message = opened(100)
    return Ask(id=message.id, verb=verb, amount=100, of=message.id)


def test_a_call_that_hangs_ends_in_time(settings):
    settings.PAYMENT_GATEWAY, settings.NETWORK_TIMEOUT_SECONDS = f"{HERE}.Hanging", 0.05
    Hanging.hangs.clear()
    question = ask()
    started = time.monotonic()
    for _ in range(20):  # from the seventeenth on, no more threads are spent on it
        with pytest.raises(NoAnswer):
            gateway().tell(question)
    assert time.monotonic() - started < 3
    assert threading.active_count() < 30
    Hanging.hangs.set()


def test_a_line_that_breaks_is_no_answer_and_a_mistake_of_ours_is_seen(settings):
    settings.PAYMENT_GATEWAY = f"{HERE}.Broken"
    for error, expected in [
        (ConnectionResetError("reset"), NoAnswer),
        (TimeoutError("too late"), NoAnswer),
        (NoAnswer(), NoAnswer),
        (ZeroDivisionError("ours"), ZeroDivisionError),
    ]:
        Broken.error = error
        with pytest.raises(expected):
            gateway().tell(ask())


# ---------------------------------------------------------------- faults on purpose


def test_each_fault(settings):
    settings.PAYMENT_FAULTS = "seed=7"
    card, presented = issued(10_000)
    for fault, held in [("lost_request", 0), ("lost_answer", 100), ("duplicate", 200), ("late:1", 200), ("ok", 400)]:
        message = opened(100)
        faults.expect(fault) if fault != "ok" else None
        if fault in ("duplicate", "ok"):
            assert pay.send(message, presented).code == "00"
        else:
            with pytest.raises(NoAnswer):
                pay.send(message, presented)
        assert balance(card) == (10_000, held), fault


def test_a_late_question_that_was_reversed_is_declined(settings):
    settings.PAYMENT_FAULTS = "seed=7"
    card, presented = issued(10_000)
    message = opened(900)
    faults.expect("late:3")
    with pytest.raises(NoAnswer):
        pay.send(message, presented)
    assert pay.inquire(message) is None
    undo = asked(pay.ask_reverse, payment=message.payment)
    assert recorded(undo, pay.send(undo)).payment.code == "68"
    assert pay.inquire(message).code == "68"  # the late one came just before this, found the tombstone
    assert faults.weather().late == []
    assert balance(card) == (10_000, 0)


def test_a_card_is_never_looked_at_twice_for_one_call(settings):
    settings.PAYMENT_FAULTS = "duplicate=1"
    card, presented = issued()
    assert gateway().verify(replace(presented, pin="1111")).code == "55"
    assert Card.objects.get(pk=card.pk).pin_tries == 1


def test_down_and_back(settings, tmp_path):
    flag = tmp_path / "down"
    _, presented = issued()
    for text in ["down", "down=1,down_seconds=5", f"down_while={flag}"]:
        settings.PAYMENT_FAULTS = text
        flag.touch()
        for _ in range(3):
            with pytest.raises(NoAnswer):
                gateway().verify(presented)
    flag.unlink()
    assert gateway().verify(presented).code == "00"


def test_rates_are_kept_and_a_seed_repeats_itself():
    setting = "lost_request=0.1,lost_answer=0.1,duplicate=0.05,late=0.05,garbage=0.01,seed=7"
    first, second = faults.read(setting), faults.read(setting)
    drawn = [first.next_fault() for _ in range(10_000)]
    assert drawn == [second.next_fault() for _ in range(10_000)]
    counts = Counter(drawn)
    for kind, rate in first.rates.items():
        assert 0.8 < counts[kind] / (10_000 * rate) < 1.2
    assert counts["ok"] > 6_500


@pytest.mark.parametrize(
    "text", ["lost=0.1", "late=2", "late=-0.1", "late=0.6,garbage=0.6", "late=nan", "late=x", "late"]
)
def test_a_setting_that_makes_no_sense_does_not_start(settings, text):
    settings.PAYMENT_FAULTS = text
    assert [line for line in checks.settings_refusals() if "PAYMENT_FAULTS cannot be read" in line]


def test_faults_are_loud_and_refused_in_production(settings, capsys):
    assert checks.check_faults() == []
    settings.PAYMENT_FAULTS = "lost_answer=0.1"
    assert [warning.id for warning in checks.check_faults()] == ["okryu.W003"]
    checks.stop_if_unsafe()
    assert "!!! PAYMENT_FAULTS is on" in capsys.readouterr().err
    settings.PRODUCTION = True
    with pytest.raises(SystemExit):
        checks.stop_if_unsafe()
    assert "PAYMENT_FAULTS_IN_PRODUCTION=1 to mean it" in capsys.readouterr().err
    settings.PAYMENT_FAULTS_IN_PRODUCTION = True
    checks.stop_if_unsafe()
