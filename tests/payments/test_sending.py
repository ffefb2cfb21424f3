"""From card to card, and out in cash: what moves, what is refused, and that a repetition does nothing."""

import datetime
import uuid

import pytest

from payments.models import Transfer
from payments.network import cards, sending
from payments.network.acts import Refused
from payments.network.models import Act, Card, Instruction
from payments.network.statement import overview
from tests.payments.cast import PIN, authorised, balance, issued
from tests.payments.desk_cast import CLERK, FEE, every_won_is_accounted_for, fees, sent

pytestmark = pytest.mark.django_db


def test_sending_moves_the_amount_and_the_fee():
    payer, _ = issued(10_000)
    payee, _ = issued(500)
    before = fees()
    told = sent(payer, payee, 3_000)
    assert (told.code, told.last4, told.payee_last4) == ("00", payer.last4, payee.last4)
    assert balance(payer) == (6_990, 0)
    assert balance(payee) == (3_500, 0)
    assert fees() - before == FEE
    assert every_won_is_accounted_for()


def test_the_same_instruction_again_is_one_sending():
    payer, _ = issued(10_000)
    payee, _ = issued(0)
    key = uuid.uuid4()
    assert [sent(payer, payee, 3_000, key=key).code for _ in range(3)] == ["00"] * 3
    assert balance(payee) == (3_000, 0)
    assert Transfer.objects.filter(reference=key).count() == 2
    with pytest.raises(Refused, match="out of date"):
        sent(payer, payee, 2_000, key=key)


def test_a_wrong_pin_counts_once_for_one_form_and_locks_after_three():
    payer, _ = issued(10_000)
    payee, _ = issued(0)
    key = uuid.uuid4()
    assert [sent(payer, payee, 100, key=key, pin="1357").code for _ in range(4)] == ["55"] * 4
    assert Card.objects.get(pk=payer.pk).pin_tries == 1
    assert [sent(payer, payee, 100, pin="1357").code for _ in range(3)] == ["55", "55", "75"]
    assert sent(payer, payee, 100).code == "75"
    assert balance(payer) == (10_000, 0)


def test_what_is_held_cannot_be_sent_and_the_fee_must_be_there():
    payer, presented = issued(1_000)
    payee, _ = issued(0)
    authorised(presented, 600)
    assert sent(payer, payee, 391).code == "51"
    assert sent(payer, payee, 390).code == "00"
    assert balance(payer) == (600, 600)


@pytest.mark.parametrize(
    ("facts", "amounts", "codes"),
    [
        ({"per_payment": 500}, [501, 500], ["61", "00"]),
        ({"per_day": 700}, [500, 201, 200], ["00", "61", "00"]),
        ({"count_day": 2}, [10, 10, 10], ["00", "00", "65"]),
    ],
)
def test_sending_counts_in_the_limits(facts, amounts, codes):
    payer, _ = issued(10_000, **facts)
    payee, _ = issued(0)
    assert [sent(payer, payee, amount).code for amount in amounts] == codes


def test_payments_and_sendings_share_the_days_limit():
    payer, presented = issued(10_000, per_day=1_000, count_day=2)
    payee, _ = issued(0)
    authorised(presented, 600)
    assert sent(payer, payee, 401).code == "61"
    assert sent(payer, payee, 400).code == "00"
    assert sent(payer, payee, 1).code == "61"
    seen = overview(payer.token)
    assert (seen.left_today, seen.payments_left_today) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "lost"}, "41"),
        ({"status": "stolen"}, "43"),
        ({"status": "blocked"}, "62"),
        ({"status": "closed"}, "62"),
        ({"expires_on": datetime.date(2020, 1, 1)}, "54"),
    ],
)
def test_a_card_out_of_use_neither_sends_nor_receives(change, code):
    card, _ = issued(1_000)
    other, _ = issued(1_000)
    Card.objects.filter(pk=card.pk).update(**change)
    assert sent(card, other, 100).code == code
    assert sent(other, card, 100).code == "78"
    assert balance(card) == balance(other) == (1_000, 0)


@pytest.mark.parametrize("facts", [{"currency": "EUR"}, {"resident": False}])
def test_a_foreign_card_neither_sends_nor_receives(facts):
    card, _ = issued(1_000, **facts)
    other, _ = issued(1_000)
    assert sent(card, other, 100).code == "57"
    assert sent(other, card, 100).code == "78"


def test_a_locked_card_still_receives():
    payer, _ = issued(1_000)
    payee, _ = issued(0)
    Card.objects.filter(pk=payee.pk).update(pin_tries=3)
    assert sent(payer, payee, 100).code == "00"


def test_nothing_is_sent_to_oneself_or_for_another_fee_than_was_told():
    payer, _ = issued(1_000)
    payee, _ = issued(0)
    with pytest.raises(Refused, match="own card"):
        sent(payer, payer, 100)
    with pytest.raises(Refused, match="out of date"):
        sending.send(key=uuid.uuid4(), payer=payer, payee=payee, amount=100, fee=FEE - 1, pin=PIN)
    assert not Instruction.objects.filter(account=payer.account_id).exists()


def test_sending_without_a_fee(settings):
    settings.CARD_SEND_FEE = 0
    payer, _ = issued(100)
    payee, _ = issued(0)
    told = sending.send(key=uuid.uuid4(), payer=payer, payee=payee, amount=100, fee=0, pin=PIN)
    assert told.code == "00"
    assert balance(payer) == (0, 0)


def test_a_payout_at_the_desk():
    card, presented = issued(10_000, per_payment=1_000)
    authorised(presented, 900)
    key = uuid.uuid4()

    def pay_out(amount, *, key=None, pin=PIN):
        return sending.redeem(key=key or uuid.uuid4(), card=card, amount=amount, pin=pin, by=CLERK).code

    assert pay_out(9_101) == "51"
    assert [pay_out(9_000, key=key, pin="1357") for _ in range(2)] == ["55", "55"]
    assert Card.objects.get(pk=card.pk).pin_tries == 1
    key = uuid.uuid4()
    assert [pay_out(9_000, key=key) for _ in range(2)] == ["00", "00"], "the limits against thieves do not count here"
    assert balance(card) == (1_000, 900)
    lines = Act.objects.filter(card=card, kind="redeemed").values_list("code", "detail", "staff_phone")
    assert sorted(lines) == [("00", "9000", CLERK.phone), ("51", "9101", CLERK.phone), ("55", "9000", CLERK.phone)]
    assert every_won_is_accounted_for()


def test_a_lost_cards_money_is_paid_out_with_the_next_card_only():
    card, _ = issued(1_000)
    cards.report_lost(key=uuid.uuid4(), card=card, by=None)
    assert sending.redeem(key=uuid.uuid4(), card=card, amount=100, pin=PIN, by=CLERK).code == "41"
