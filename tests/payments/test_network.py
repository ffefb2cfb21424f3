"""The network's answers: which code for which card, the same answer to the same question, only won."""

import datetime
import uuid
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from payments import pay, words
from payments.gateway import (
    Ask,
    Presented,
    gateway,
    luhn,
    normalise_card_number,
)
from payments.models import Account
from payments.network import desk, verbs
from payments.network.models import Authorisation, Card
from tests.payments.cast import FAR, HOLDER, PIN, authorised, balance, card_number, issued

pytestmark = pytest.mark.django_db


def ask(amount=100, **more):
    key = uuid.uuid4()
    return Ask(**{"id": key, "verb": "authorise", "amount": amount, "of": key, **more})


@pytest.mark.parametrize(
    ("code", "facts", "presented"),
    [
        ("00", {}, {}),
        ("51", {"balance": 99}, {}),
        ("55", {}, {"pin": "4832"}),
        ("14", {}, {"number": "94081912345678008"}),
        ("14", {}, {"number": "94081912345678009"}),
        ("54", {"expires_on": datetime.date(2026, 1, 31)}, {}),
        ("57", {"resident": False}, {}),
        ("57", {"currency": "EUR"}, {}),
        ("57", {}, {"holder": "김철수"}),
        ("57", {}, {"holder": ""}),
        ("61", {"per_payment": 99}, {}),
        ("61", {"per_day": 99}, {}),
        ("65", {"count_day": 0}, {}),
    ],
)
def test_authorise(code, facts, presented):
    card, good = issued(**facts)
    question, shown = ask(), replace(good, **presented)
    before = balance(card)
    answer = gateway().authorise(question, shown)
    assert answer.code == code
    held = 100 if code == "00" else 0
    assert balance(card) == (before[0], held)
    if Authorisation.objects.filter(pk=question.id).exists():  # a number that cannot be one leaves no trace
        # The same question gets the same answer, even with the right card.
        assert gateway().authorise(question, good).code == code
        assert gateway().inquire(question.id).code == code
    assert str(words.words_for(code))


@pytest.mark.parametrize(("status", "code"), [("blocked", "62"), ("lost", "41"), ("stolen", "43"), ("closed", "62")])
def test_a_card_out_of_use(status, code):
    card, presented = issued()
    Card.objects.filter(pk=card.pk).update(status=status)
    assert gateway().authorise(ask(), presented).code == code
    assert gateway().verify(presented).code == code


def test_the_same_id_for_something_else():
    _, presented = issued()
    question = ask()
    assert gateway().authorise(question, presented).code == "00"
    assert gateway().authorise(replace(question, amount=101), presented).code == "94"


@pytest.mark.parametrize(("amount", "code"), [(0, "13"), (-1, "13"), (10**12 + 1, "13"), (10**400, "13")])
def test_amounts(amount, code):
    _, presented = issued()
    assert gateway().authorise(ask(amount), presented).code == code
    assert not Authorisation.objects.exists()
    assert gateway().tell(ask(0, verb="capture")).code == "13"


def test_unknown_verb():
    assert gateway().tell(ask(verb="void")).code == "12"


def test_what_was_never_heard_of():
    assert gateway().inquire(uuid.uuid4()) is None
    for verb in ("capture", "release", "refund"):
        assert gateway().tell(ask(verb=verb)).code == "25"


def test_misused_ids_of_later_questions():
    _, presented = issued()
    payment = authorised(presented, 1_000)
    of = pay.message_id(payment.id, "authorise")
    for verb in ("capture", "refund", "release"):
        question = ask(verb=verb, of=of)
        assert gateway().tell(question).code == "00"
        assert gateway().tell(question).code == "00"
        assert gateway().tell(replace(question, amount=99)).code == "94"
        assert gateway().inquire(question.id).code == "00"
    assert gateway().tell(ask(2_000, verb="capture", of=of)).code == "13"
    assert gateway().tell(ask(2_000, verb="release", of=of)).code == "13"
    assert gateway().tell(ask(2_000, verb="refund", of=of)).code == "13"
    assert gateway().tell(ask(1_000, verb="reverse", of=of)).code == "12"


def test_another_currency_is_refused_at_gateway_network_and_database():
    _, presented = issued()
    euro = ask(currency="EUR")
    assert gateway().authorise(euro, presented).code == "57"
    for verb in ("capture", "release", "refund", "reverse"):
        assert gateway().tell(replace(euro, verb=verb)).code == "57"
    assert verbs.authorise(euro, presented).code == "57"
    assert not Authorisation.objects.exists()
    with pytest.raises(IntegrityError, match="account_won_only"), transaction.atomic():
        Account.objects.create(kind="card", owner="euro", currency="EUR")


def test_three_wrong_pins_lock_and_a_replay_is_no_try():
    card, presented = issued()
    wrong = replace(presented, pin="1111")
    question = ask()
    codes = [gateway().authorise(question, wrong).code for _ in range(5)]
    assert codes == ["55"] * 5
    assert Card.objects.get(pk=card.pk).pin_tries == 1
    assert gateway().verify(wrong).code == "55"
    assert gateway().verify(presented).code == "00"
    assert Card.objects.get(pk=card.pk).pin_tries == 0
    assert [gateway().verify(wrong).code for _ in range(4)] == ["55", "55", "55", "75"]
    assert gateway().authorise(ask(), presented).code == "75"


def test_the_clock_of_the_application_does_not_matter(monkeypatch):
    _, presented = issued()
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC))
    answer = gateway().authorise(ask(), presented)
    assert answer.code == "00"
    assert answer.expires_at.year > 2001


def test_limits_count_what_was_held_or_taken_today():
    _, presented = issued(10_000, per_day=1_000, count_day=3)
    first = authorised(presented, 600)
    assert gateway().authorise(ask(401), presented).code == "61"
    of = pay.message_id(first.id, "authorise")
    gateway().tell(ask(200, verb="release", of=of))
    assert gateway().authorise(ask(401), presented).code == "00"
    gateway().tell(ask(400, verb="capture", of=of))
    assert gateway().authorise(ask(199), presented).code == "00"
    assert gateway().authorise(ask(1), presented).code == "61"
    gateway().tell(ask(600, verb="reverse", of=of))
    assert Authorisation.objects.get(pk=of).state == "done"


@pytest.mark.parametrize("pin", ["0000", "1234", "123", "12345", "١٢٣٤", "12a4", ""])
def test_weak_pins_are_not_issued(pin):
    with pytest.raises(desk.WeakPin):
        desk.issue_card(number=card_number(), pin=pin, holder=HOLDER, expires_on=FAR)


def test_a_replacement_is_another_row_on_the_same_account():
    card, presented = issued(10_000)
    number = card_number()
    again = {"number": number, "pin": PIN, "holder": HOLDER, "expires_on": FAR, "account_owner": card.account.owner}
    with pytest.raises(IntegrityError):
        desk.issue_card(**again)
    Card.objects.filter(pk=card.pk).update(status="closed")
    other = desk.issue_card(**again)
    assert other.account_id == card.account_id
    assert gateway().authorise(ask(), presented).code == "62"
    assert gateway().authorise(ask(), Presented(number, PIN, HOLDER)).code == "00"


def test_a_deposit_is_loaded_once():
    card, _ = issued(0)
    other, _ = issued(0)
    deposit = uuid.uuid4()
    for _ in range(3):
        desk.load(card=card, amount=500, deposit=deposit)
    assert balance(card) == (500, 0)
    with pytest.raises(ValueError, match="used for something else"):
        desk.load(card=other, amount=500, deposit=deposit)


@pytest.mark.parametrize(
    "typed", ["94081912345678008", "9408 1912 3456 7800 8", "94081-91234567800-8", "９４０８１９１２３４５６７８００８"]
)
def test_card_numbers_as_people_type_them(typed):
    assert normalise_card_number(typed) == "94081912345678008"


@pytest.mark.parametrize(
    "typed",
    ["", "94081912345678009", "9408191234567800", "940819123456780080", "9408191234567800x", "٩٤٠٨١٩١٢٣٤٥٦٧٨٠٠٨"],
)
def test_what_is_no_card_number(typed):
    with pytest.raises(ValueError, match="not a card number"):
        normalise_card_number(typed)


def test_luhn_sees_every_wrong_digit():
    number = "94081912345678008"
    for place in range(17):
        for digit in "0123456789":
            if digit != number[place]:
                assert not luhn(number[:place] + digit + number[place + 1 :])


def test_every_code_has_words_and_only_the_unknown_says_wait():
    assert str(words.words_for(None)).startswith("We are waiting") or "기다리" in str(words.words_for(None))
    assert words.words_for("14") == words.words_for("55")
    assert not words.may_try_again("00")
    assert words.may_try_again("55")
