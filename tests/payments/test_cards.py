"""The plastic: issued, lost, replaced, blocked, a new PIN, other limits."""

import datetime
import uuid

import pytest

from payments import pay
from payments.gateway import Presented
from payments.network import cards, verbs
from payments.network.acts import Refused
from payments.network.cards import Limits
from payments.network.desk import WeakPin
from payments.network.models import Act, Card
from tests.payments.cast import HOLDER, PIN, asked, authorised, balance, captured, card_number, issued, told
from tests.payments.desk_cast import CLERK, LATER, NEW_PIN, every_won_is_accounted_for, replaced, sent

pytestmark = pytest.mark.django_db


def code_of(presented):
    return verbs.verify(presented).code


def test_issuing_leaves_a_line_and_happens_once():
    number, key = card_number(), uuid.uuid4()
    facts = {"number": number, "pin": NEW_PIN, "holder": HOLDER, "expires_on": LATER, "resident": True, "by": CLERK}
    made = {cards.issue(key=key, **facts).pk for _ in range(3)}
    assert len(made) == 1
    act = Act.objects.get(card_id=made.pop())
    assert (act.kind, act.staff_id, act.staff_phone) == ("issued", CLERK.id, CLERK.phone)
    assert code_of(Presented(number, NEW_PIN, HOLDER)) == "00"
    with pytest.raises(Refused, match="number in use"):
        cards.issue(key=uuid.uuid4(), **facts)
    with pytest.raises(WeakPin):
        cards.issue(key=uuid.uuid4(), **facts | {"pin": "1234", "number": card_number()})


def test_a_lost_card_pays_nothing_but_what_is_held_is_delivered():
    card, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    for _ in range(2):
        cards.report_lost(key=uuid.uuid4(), card=card)
    assert Act.objects.filter(card=card).count() == 1
    assert code_of(presented) == "41"
    capture = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=3_000, fare=0, commission_bp=0)
    assert told(capture).code == "00"
    cards.report_stolen(key=uuid.uuid4(), card=card, by=CLERK)
    assert code_of(presented) == "43"
    with pytest.raises(Refused, match="not in use"):
        cards.unblock(key=uuid.uuid4(), card=card, by=CLERK)


def test_another_card_on_the_same_account():
    card, presented = issued(10_000, per_payment=4_000)
    kept = authorised(presented, 3_000)
    paid = captured(presented, 1_000)
    cards.report_lost(key=uuid.uuid4(), card=card)
    number, key = card_number(), uuid.uuid4()
    new = replaced(card, number=number, key=key)
    assert replaced(card, number=number, key=key).pk == new.pk, "again: the same new card"
    assert (new.account_id, new.per_payment, new.expires_on) == (card.account_id, 4_000, LATER)
    assert code_of(presented) == "62"
    assert code_of(Presented(number, NEW_PIN, HOLDER)) == "00"
    assert balance(new) == (9_000, 3_000)

    refund = asked(
        pay.ask_refund, payment=paid, parcel=1, part=1, seller_id=5, goods=1_000, fare=0, commission_bp=300
    )  # fmt: skip
    assert told(refund).code == "00"
    capture = asked(pay.ask_capture, payment=kept, parcel=1, seller_id=5, goods=3_000, fare=0, commission_bp=0)
    assert told(capture).code == "00"
    assert balance(new) == (7_000, 0)
    assert cards.successor_of(card.token) == new
    assert cards.successor_of(new.token) == new
    assert cards.successor_of(uuid.uuid4()) is None
    with pytest.raises(Refused, match="replaced before"):
        replaced(card)
    assert every_won_is_accounted_for()


def test_an_expired_card_is_renewed():
    card, _ = issued(1_000)
    Card.objects.filter(pk=card.pk).update(expires_on=datetime.date(2020, 1, 1))
    number = card_number()
    new = replaced(card, number=number)
    assert code_of(Presented(number, NEW_PIN, HOLDER)) == "00"
    assert balance(new) == (1_000, 0)


def test_a_card_is_replaced_for_its_holder_only():
    card, presented = issued(1_000)
    with pytest.raises(Refused, match="other holder"):
        replaced(card, holder="김철수")
    with pytest.raises(Refused, match="number in use"):
        replaced(card, number=presented.number)
    assert Card.objects.get(pk=card.pk).status == "active"


def test_blocking_and_lifting():
    card, presented = issued(100)
    for _ in range(2):
        cards.block(key=uuid.uuid4(), card=card, by=CLERK)
    assert code_of(presented) == "62"
    for _ in range(2):
        cards.unblock(key=uuid.uuid4(), card=card, by=CLERK)
    assert code_of(presented) == "00"
    assert set(Act.objects.filter(card=card).values_list("kind", flat=True)) == {"blocked", "unblocked"}


def test_a_locked_card_gets_a_new_pin():
    card, presented = issued(100)
    wrong = Presented(presented.number, "1357", HOLDER)
    assert [code_of(wrong) for _ in range(4)] == ["55", "55", "55", "75"]
    with pytest.raises(WeakPin):
        cards.new_pin(key=uuid.uuid4(), card=card, pin="1234", by=CLERK)
    cards.new_pin(key=uuid.uuid4(), card=card, pin=NEW_PIN, by=CLERK)
    assert code_of(presented) == "55"
    assert code_of(Presented(presented.number, NEW_PIN, HOLDER)) == "00"
    assert NEW_PIN not in Act.objects.get(card=card, kind="pin").detail


def test_limits_by_the_holder():
    card, _ = issued(10_000, per_payment=1_000)
    payee, _ = issued(0)
    key = uuid.uuid4()

    def change(*limits, pin=PIN, key=None):
        return cards.change_my_limits(key=key or uuid.uuid4(), card=card, limits=Limits(*limits), pin=pin)

    assert [change(5_000, 6_000, 2, pin="1357", key=key) for _ in range(3)] == ["55"] * 3
    assert Card.objects.get(pk=card.pk).pin_tries == 1
    assert change(5_000, 6_000, 2) == "00"
    assert sent(card, payee, 5_000).code == "00"
    for too_much in [(500_001, 6_000, 2), (5_000, 1_000_001, 2), (5_000, 6_000, 21)]:
        with pytest.raises(Refused, match="above maximum"):
            change(*too_much)
    assert Limits.of(Card.objects.get(pk=card.pk)) == Limits(5_000, 6_000, 2)


def test_limits_by_the_desk_become_the_holders_maximum():
    card, _ = issued(0)
    cards.change_limits(key=uuid.uuid4(), card=card, limits=Limits(2_000_000, 3_000_000, 50), by=CLERK)
    assert cards.most_for_holder(card) == Limits(2_000_000, 3_000_000, 50)
    with pytest.raises(Refused, match="above maximum"):
        cards.change_limits(key=uuid.uuid4(), card=card, limits=Limits(5_000_001, 3_000_000, 50), by=CLERK)
    assert Act.objects.get(card=card).detail == "2000000 / 3000000 / 50"


def test_a_page_gone_back_to_and_changed_is_not_done_nor_said_to_be():
    card, presented = issued(0)
    limits, pin, another, new = (uuid.uuid4() for _ in range(4))
    cards.change_my_limits(key=limits, card=card, limits=Limits(5_000, 6_000, 2), pin=PIN)
    with pytest.raises(Refused, match="out of date"):
        cards.change_my_limits(key=limits, card=card, limits=Limits(4_000, 6_000, 2), pin=PIN)
    cards.change_limits(key=another, card=card, limits=Limits(7_000, 8_000, 2), by=CLERK)
    with pytest.raises(Refused, match="out of date"):
        cards.change_limits(key=another, card=card, limits=Limits(9_000, 9_000, 2), by=CLERK)
    assert Limits.of(Card.objects.get(pk=card.pk)) == Limits(7_000, 8_000, 2)
    for _ in range(2):
        cards.new_pin(key=pin, card=card, pin=NEW_PIN, by=CLERK)
    with pytest.raises(Refused, match="out of date"):
        cards.new_pin(key=pin, card=card, pin="8264", by=CLERK)
    assert code_of(Presented(presented.number, NEW_PIN, HOLDER)) == "00"
    replaced(card, number=card_number(), key=new)
    with pytest.raises(Refused, match="out of date"):
        replaced(card, number=card_number(), key=new)
    facts = {"pin": NEW_PIN, "holder": HOLDER, "expires_on": LATER, "resident": True, "by": CLERK}
    issuing = uuid.uuid4()
    cards.issue(key=issuing, number=card_number(), **facts)
    with pytest.raises(Refused, match="out of date"):
        cards.issue(key=issuing, number=card_number(), **facts)
