"""Time: days turn at midnight in Pyongyang, by the database's clock alone; a hold may run out at any moment."""

import datetime
import threading
import uuid

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from okryu.calendar import PYONGYANG, at, local_day
from payments import clock, leases, pay, tasks
from payments.gateway import Ask, NoAnswer, gateway
from payments.models import DayCut, Message, Transfer
from payments.network import claims, statement, verbs
from payments.network.expiry import expire_holds
from payments.network.models import Authorisation, Balance
from tests.payments.cast import PIN, asked, authorised, balance, captured, issued, opened, told
from tests.payments.desk_cast import claimed, every_won_is_accounted_for


def moved(authorisation, **moments):
    """Give a row other moments behind its guards: nobody can wait for midnight."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for column, moment in moments.items():
            statement = f"UPDATE network_authorisation SET {column} = %s WHERE id = %s"  # noqa: S608
            cursor.execute(statement, [moment, authorisation])
        cursor.execute("SET LOCAL session_replication_role = origin")


def capture_of(payment, goods):
    about = {"seller_id": 5, "fare": 0, "commission_bp": 300}
    return asked(pay.ask_capture, payment=payment, parcel=1, goods=goods, **about)


# ---------------------------------------------------------------- midnight in Pyongyang


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-31T14:59:59.999999Z", "2026-03-31"),
        ("2026-03-31T15:00:00Z", "2026-04-01"),
        ("2026-04-01T00:00:00Z", "2026-04-01"),
        ("2028-02-29T14:59:59Z", "2028-02-29"),
        ("2028-02-29T15:00:00Z", "2028-03-01"),
        ("2026-12-31T15:00:00Z", "2027-01-01"),
    ],
)
def test_the_database_and_the_shop_agree_when_a_day_begins(moment, day):
    with connection.cursor() as cursor:
        cursor.execute("SELECT local_day(%s::timestamptz)", [moment])
        assert str(cursor.fetchone()[0]) == day
    assert str(local_day(datetime.datetime.fromisoformat(moment))) == day


@pytest.mark.django_db
def test_the_days_limit_turns_at_midnight_in_pyongyang():
    card, presented = issued(10_000, per_day=1_000)
    payment = authorised(presented, 1_000)
    key = pay.message_id(payment.id, "authorise")
    midnight = at(clock.today(), 0)
    moved(key, created_at=midnight)
    assert told(opened(1), presented).code == "61"
    moved(key, created_at=midnight - datetime.timedelta(microseconds=1))
    assert told(opened(1_000), presented).code == "00"
    assert balance(card) == (10_000, 2_000)


@pytest.mark.django_db
def test_a_card_is_good_through_its_last_day():
    today = clock.today()
    for days, code in [(0, "00"), (-1, "54")]:
        _, presented = issued(100, expires_on=today + datetime.timedelta(days=days))
        assert told(opened(100), presented).code == code


# ---------------------------------------------------------------- a wrong clock


@pytest.mark.django_db
@pytest.mark.parametrize("year", [2001, 2099])
def test_a_wrong_clock_of_the_host_does_not_matter(monkeypatch, year):
    """Pay, ask again, capture, refund, expire, close and settle while the application believes in another year."""
    today = clock.today()
    wrong = datetime.datetime(year, 1, 1, 0, 30, tzinfo=PYONGYANG)
    monkeypatch.setattr("django.utils.timezone.now", lambda: wrong)
    card, presented = issued(10_000)
    payment = authorised(presented, 900)
    assert abs((payment.expires_at.date() - today).days - 7) <= 1
    question = capture_of(payment, 900)
    assert question.pk not in {due.pk for due in leases.claim_due(limit=100)}  # its first ten seconds are not over
    Message.objects.filter(pk=question.pk).update(next_at="2020-01-01T00:00Z")
    assert question.pk in {due.pk for due in leases.claim_due(limit=100)}
    assert told(question).payment.state == "done"
    assert expire_holds() == 0
    held = authorised(presented, 100)
    assert balance(card) == (9_100, 100)
    tasks.close_days(0)
    call_command("close_day")
    assert list(DayCut.objects.values_list("day", flat=True)) == [today - datetime.timedelta(days=1)]
    assert set(Transfer.objects.values_list("at__year", flat=True)) == {today.year}
    assert told(capture_of(held, 100)).payment.state == "done"
    assert every_won_is_accounted_for()


@pytest.mark.django_db
@pytest.mark.parametrize("year", [2001, 2099])
def test_claims_and_the_card_page_go_by_the_databases_clock_too(monkeypatch, year):
    today = clock.today()
    payer, (payee, _) = issued(1_000)[0], issued(0)
    token = payee.token
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.datetime(year, 1, 1, tzinfo=PYONGYANG))
    claim = claimed(payer, payee, 100)
    assert abs(claims.refuse(claim=claim, card=payee).decided_at.date() - today) <= datetime.timedelta(days=1)
    other = claimed(payer, payee, 100)
    assert claims.agree(key=uuid.uuid4(), claim=other, card=payee, pin=PIN) == "00"
    shown = statement.overview(token)
    assert shown is not None
    assert not shown.is_expired
    sender = statement.overview(payer.token)
    assert sender is not None
    assert sender.payments_left_today == payer.count_day - 2


# ---------------------------------------------------------------- a hold that runs out


def overdue(payment):
    key = pay.message_id(payment.id, "authorise")
    moved(key, expires_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    return key


@pytest.mark.ledger
def test_a_hold_that_runs_out_while_a_capture_waits_for_the_lock():
    """The expiry job has the card's lock; the capture gets it next and finds nothing held any more."""
    card, presented = issued(1_000)
    payment = authorised(presented, 900)
    question = capture_of(payment, 900)
    answers = []

    def capture():
        try:
            answers.append(pay.send(question).code)
        finally:
            connections.close_all()

    waiting = threading.Thread(target=capture)
    with transaction.atomic():
        Balance.objects.select_for_update(no_key=True).get(pk=card.account_id)
        waiting.start()
        wait_for_a_waiter()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "UPDATE network_authorisation SET expires_at = now() WHERE id = %s",
                [pay.message_id(payment.id, "authorise")],
            )
            cursor.execute("SET LOCAL session_replication_role = origin")
        assert verbs.expire_due(card.account_id) == 1
    waiting.join(10)
    assert answers == ["25"]
    assert balance(card) == (1_000, 0)
    assert told(question).payment.state == "authorised"  # the order desk sees the refusal; it is released or reversed
    assert told(asked(pay.ask_reverse, payment=payment)).payment.state == "cancelled"


def wait_for_a_waiter():
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(1_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
            cursor.execute(waits)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the lock")


@pytest.mark.ledger
def test_a_hold_that_runs_out_between_the_look_and_the_capture(monkeypatch):
    """However late the clock strikes, the database does not let an overdue hold be captured."""
    card, presented = issued(1_000)
    payment = authorised(presented, 900)
    question = capture_of(payment, 900)
    move = verbs._move

    def strike_first(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE network_authorisation SET expires_at = now() WHERE id = %s", [args[0].of])
            cursor.execute("SET LOCAL session_replication_role = origin")
        return move(*args, **kwargs)

    monkeypatch.setattr(verbs, "_move", strike_first)
    with pytest.raises(NoAnswer):
        pay.send(question)
    assert balance(card) == (1_000, 900)
    monkeypatch.undo()
    overdue(payment)
    assert told(question).code == "25"
    assert balance(card) == (1_000, 0)


@pytest.mark.ledger
def test_what_was_captured_before_the_hold_ran_out_stays_and_can_be_refunded():
    card, presented = issued(1_000)
    payment = authorised(presented, 900)
    assert told(capture_of(payment, 400)).code == "00"
    key = overdue(payment)
    assert expire_holds() >= 1
    assert Authorisation.objects.get(pk=key).state == "expired"
    assert balance(card) == (600, 0)
    # The same capture sent again after it: the same answer, nothing moves.
    first = Message.objects.get(payment=payment, verb="capture")
    again = Ask(id=first.id, verb="capture", amount=400, of=key, reference=payment.order_code)
    assert gateway().tell(again).code == "00"
    refund = asked(pay.ask_refund, payment=payment, parcel=1, part=1, seller_id=5, goods=400, fare=0, commission_bp=300)
    assert told(refund).code == "00"
    assert balance(card) == (1_000, 0)
    rest = asked(pay.ask_release, payment=payment, parcel=2, part="", amount=500)
    assert told(rest).payment.state == "done"


@pytest.mark.django_db
def test_an_old_capture_cannot_reach_a_new_hold():
    """The order is paid anew after the first hold ran out: a capture of the first finds nothing."""
    card, presented = issued(1_000)
    payment = authorised(presented, 900)
    key = overdue(payment)
    later = authorised(presented, 900)  # the money is free again
    late = Ask(id=uuid.uuid4(), verb="capture", amount=900, of=key, reference=payment.order_code)
    assert gateway().tell(late).code == "25"
    assert balance(card) == (1_000, 900)
    assert captured(issued(500)[1], 500).state == "done"
    assert later.held == 900
