"""Authorisations past their time: freed by the job, and released in both books afterwards."""

import uuid

import pytest

from payments import pay
from payments.gateway import Ask
from payments.network import tasks, verbs
from payments.network.expiry import expire_holds
from payments.network.models import Authorisation
from tests.payments.cast import asked, authorised, balance, issued, told
from tests.payments.desk_cast import days_pass, every_won_is_accounted_for

pytestmark = pytest.mark.django_db


def week_passes(payment):
    """As if it had been asked eight days ago."""
    key = pay.message_id(payment.id, "authorise")
    days_pass("network_authorisation", key, 8, "created_at", "expires_at")
    return Authorisation.objects.get(pk=key)


def test_the_job_frees_the_money_of_cards_nobody_uses():
    card, presented = issued(10_000)
    other, other_presented = issued(10_000)
    due = week_passes(authorised(presented, 3_000))
    authorised(other_presented, 4_000)
    tasks.expire(0)
    assert balance(card) == (10_000, 0)
    assert balance(other) == (10_000, 4_000)
    due.refresh_from_db()
    assert due.state == "expired"
    assert expire_holds() == 0
    assert every_won_is_accounted_for()


def test_what_expired_cannot_be_captured_but_both_books_end_alike():
    card, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    first = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=1_000, fare=0, commission_bp=0)
    assert told(first).code == "00"
    due = week_passes(payment)
    late = asked(pay.ask_capture, payment=payment, parcel=2, seller_id=5, goods=1_500, fare=0, commission_bp=0)
    assert told(late).code == "25"
    for parcel, amount in [(2, 1_500), (3, 500)]:
        release = asked(pay.ask_release, payment=payment, parcel=parcel, part="", amount=amount)
        assert told(release).code == "00"
    payment.refresh_from_db()
    due.refresh_from_db()
    assert (payment.state, payment.captured, payment.released) == ("done", 1_000, 2_000)
    assert (due.state, due.captured, due.released) == ("expired", 1_000, 2_000)
    assert balance(card) == (9_000, 0)
    assert every_won_is_accounted_for()


def test_no_more_than_was_left_is_released_from_what_expired():

    _, presented = issued(10_000)
    due = week_passes(authorised(presented, 3_000))
    asks = [Ask(id=uuid.uuid4(), verb="release", amount=amount, of=due.pk) for amount in (2_000, 1_001, 1_000)]
    answers = [verbs.release(ask).code for ask in asks]
    assert answers == ["00", "13", "00"]
