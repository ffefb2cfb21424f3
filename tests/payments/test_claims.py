"""Mistaken sendings: claimed, agreed to with the PIN, refused, forgotten."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from payments.models import Transfer
from payments.network import claims
from payments.network.acts import Refused
from payments.network.models import Act, Card, Claim
from tests.payments.cast import PIN, authorised, balance, issued
from tests.payments.desk_cast import FEE, claimed, days_pass, every_won_is_accounted_for, fees, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def two():
    return issued(10_000)[0], issued(500)


def agree(claim, card, *, pin=PIN, key=None):
    return claims.agree(key=key or uuid.uuid4(), claim=claim, card=card, pin=pin)


def test_agreed_is_the_whole_sum_back_without_a_fee(two):
    payer, (payee, _) = two
    before = fees()
    claim = claimed(payer, payee, 3_000)
    assert agree(claim, payee) == "00"
    assert agree(claim, payee) == "00", "again: nothing more"
    claim.refresh_from_db()
    assert claim.state == "agreed"
    assert balance(payer) == (10_000 - FEE, 0)
    assert balance(payee) == (500, 0)
    assert fees() - before == FEE
    back = Transfer.objects.get(uuid=claim.pk)
    assert (back.kind, back.amount) == ("send", 3_000)
    with pytest.raises(Refused, match="claim over"):
        claims.refuse(claim=claim, card=payee)
    assert every_won_is_accounted_for()


def test_never_more_than_is_there(two):
    payer, (payee, presented) = two
    claim = claimed(payer, payee, 3_000)
    authorised(presented, 501)
    assert agree(claim, payee) == "51"
    claim.refresh_from_db()
    assert claim.state == "open", "it can still be agreed to once the money is there"
    assert balance(payee) == (3_500, 501)


def test_the_pin_of_the_card_the_money_leaves(two):
    payer, (payee, _) = two
    claim = claimed(payer, payee, 3_000)
    key = uuid.uuid4()
    assert [agree(claim, payee, pin="1357", key=key) for _ in range(2)] == ["55", "55"]
    assert Card.objects.get(pk=payee.pk).pin_tries == 1, "the same form counts once"
    assert balance(payee) == (3_500, 0)


def test_only_who_received_it_answers(two):
    payer, (payee, _) = two
    claim = claimed(payer, payee, 3_000)
    stranger, _ = issued(9_000)
    for card in (payer, stranger):
        with pytest.raises(Refused, match="claim over"):
            agree(claim, card)
        with pytest.raises(Refused, match="claim over"):
            claims.refuse(claim=claim, card=card)
    claim.refresh_from_db()
    assert claim.state == "open"


def test_refused_stays_refused(two):
    payer, (payee, _) = two
    claim = claimed(payer, payee, 3_000)
    for _ in range(2):
        assert claims.refuse(claim=claim, card=payee).state == "refused"
    with pytest.raises(Refused, match="claim over"):
        agree(claim, payee)
    assert balance(payee) == (3_500, 0)
    assert Act.objects.filter(card=payee, kind="answered").count() == 1


def test_one_claim_a_sending_and_only_by_who_sent_it(two):
    payer, (payee, _) = two
    told = sent(payer, payee, 100)
    made = {claims.make_claim(card=payer, sent=told, reason="a wrong number").pk for _ in range(3)}
    assert len(made) == 1
    other = sent(payer, payee, 100)
    with pytest.raises(Refused, match="no claim"):
        claims.make_claim(card=payee, sent=other, reason="mine now")
    refused = sent(payer, payee, 1_000_000)
    with pytest.raises(Refused, match="no claim"):
        claims.make_claim(card=payer, sent=refused, reason="never sent")


def test_a_claim_comes_within_a_week(two, settings):
    payer, (payee, _) = two
    told = sent(payer, payee, 100)
    assert claims.can_be_claimed(told)
    days_pass("network_instruction", told.pk, settings.CARD_CLAIM_DAYS + 1, "created_at")
    told.refresh_from_db()
    assert not claims.can_be_claimed(told)
    with pytest.raises(Refused, match="no claim"):
        claims.make_claim(card=payer, sent=told, reason="late")


def test_unanswered_claims_end(two):
    payer, (payee, _) = two
    late, fresh = claimed(payer, payee, 100), claimed(payer, payee, 200)
    days_pass("network_claim", late.pk, 15, "expires_at")
    late.refresh_from_db()
    with pytest.raises(Refused, match="claim over"):
        agree(late, payee)
    assert claims.expire_claims() == 1
    assert claims.expire_claims() == 0
    states = dict(Claim.objects.filter(pk__in=[late.pk, fresh.pk]).values_list("pk", "state"))
    assert states == {late.pk: "expired", fresh.pk: "open"}
    assert Claim.objects.filter(pk=fresh.pk, expires_at__gt=Now() + timedelta(days=13)).exists()
