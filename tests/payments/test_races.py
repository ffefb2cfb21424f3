"""Races between real processes, each with its control: the same race with the mechanism taken away goes wrong.

Long races last RACE_SECONDS: ten among the long tests, sixty by `make chaos`. The controls run in databases of their
own, for they leave false books behind.
"""

import os
import random
import time
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import random_code
from orders.models import Order
from orders.paying import pay as pay_order
from payments import audit, leases, pay
from payments.models import Account, Message, Payment, Transfer
from payments.network import sending, verbs
from payments.network.expiry import expire_holds
from payments.network.models import Authorisation, Balance
from payments.settlement import close_day
from payments.shop_book import seller_account
from tests.orders.paid import an_address, money, placed
from tests.orders.paid import issued as issued_to_member
from tests.payments.cast import asked, authorised, balance, balance_of, captured, issued, next_day, opened, told
from tests.payments.desk_cast import sent
from tests.payments.processes import at_once
from tests.payments.test_cards_at_once import deadlocks

pytestmark = pytest.mark.ledger
SECONDS = float(os.environ.get("RACE_SECONDS", "10"))
NO_LIMIT = {"count_day": 10**6, "per_day": 10**9}


def breaks():
    return [finding.view for finding in audit.audit() if finding.rows]


def changed(function, old, new):
    """Replace a part of a function or procedure in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [function])
        (source,) = cursor.fetchone()
        assert old in source
        cursor.execute(source.replace(old, new))


# ---------------------------------------------------------------- one payment


def test_the_same_key_twenty_times_is_one_payment_and_twenty_equal_answers():
    card, presented = issued(10_000)
    key, code = uuid.uuid4(), random_code(8)

    def pay_once(_):
        message = opened(3_000, key=key, code=code)
        message = told(message, presented) if message.code is None else message
        return message.code, message.ref, message.payment.state

    answers = set(at_once(20, pay_once))
    assert len(answers) == 1, answers
    code_and_state = [(first, last) for first, _, last in answers]
    assert code_and_state == [("00", "authorised")]
    assert balance(card) == (10_000, 3_000)
    assert Payment.objects.filter(order_code=code).count() == 1


def test_two_tabs_with_two_cards_pay_once():
    """Both tabs carry the order's key: one card is asked, the other is never touched."""
    order = placed()
    hands = [issued_to_member(10_000) for _ in range(2)]

    def post(number):
        shown = Order.objects.get(pk=order.pk).payment_key
        return pay_order(
            order_code=order.code, key=shown, card=hands[number][1], user=order.user, address=an_address()
        ).outcome.value

    answers = at_once(2, post)
    assert sorted(money(card) for card, _ in hands) == [(10_000, 0), (10_000, 860)]
    assert "held" in answers
    assert set(answers) <= {"held", "waiting"}
    assert Authorisation.objects.filter(merchant_reference=order.code).count() == 1


def test_a_payment_that_waits_past_the_end_of_another_hold_is_answered(settings):
    """Its transaction began in time and got the card's lock too late: the guards see the other hold as it was then."""
    settings.AUTHORISATION_LIFE_DAYS = 1.7 / 86_400
    card, presented = issued(10_000)
    ends = authorised(presented, 500).expires_at
    settings.AUTHORISATION_LIFE_DAYS = 7
    message = opened(900)

    def race(number):
        if number:
            time.sleep(0.1)
            return told(message, presented).code
        with transaction.atomic():
            Balance.objects.select_for_update(no_key=True).get(pk=card.account_id)
            time.sleep((ends - timezone.now()).total_seconds() + 0.2)
        return "waited"

    assert at_once(2, race) == ["waited", "00"]
    assert balance(card) == (10_000, 1_400)
    expire_holds()
    assert balance(card) == (10_000, 900)


@pytest.mark.long
def test_captured_or_expired_but_never_both(settings):
    """Eight captures around the moment their holds end, and two expiry jobs all the while."""
    settings.AUTHORISATION_LIFE_DAYS = 1.5 / 86_400
    for _ in range(3):
        card, presented = issued(10_000)
        questions = []
        for _ in range(8):
            payment = authorised(presented, 500)
            questions.append(
                asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=500, fare=0, commission_bp=0)
            )
        ends = Authorisation.objects.filter(account_id=card.account_id).latest("expires_at").expires_at

        def race(number, questions=questions, ends=ends):
            if number >= 8:
                while timezone.now() < ends + timedelta(seconds=0.3):
                    expire_holds()
                return "expired"
            time.sleep(max((ends - timezone.now()).total_seconds() + (number - 6) * 0.05, 0))
            return told(questions[number]).code

        codes = at_once(10, race)[:8]
        states = Counter(Authorisation.objects.filter(account_id=card.account_id).values_list("state", flat=True))
        assert set(codes) <= {"00", "25"}
        assert states == Counter({"00": "done", "25": "expired"}[code] for code in codes)
        assert balance(card) == (10_000 - 500 * codes.count("00"), 0)


# ---------------------------------------------------------------- closing a day


def late_committer(day):
    """One writes and does not commit; another writes after it and commits; meanwhile the day is closed."""

    def race(number):
        if number == 0:
            with transaction.atomic():
                row = loaded(cards[0])
                time.sleep(1)
            return row.seq
        time.sleep(0.3)
        if number == 1:
            return loaded(cards[1]).seq
        time.sleep(0.3)
        return close_day(day).seq

    cards = [issued(0)[0] for _ in range(2)]
    return at_once(3, race)


def loaded(card):
    key = uuid.uuid4()
    return Transfer.objects.create(
        uuid=key, kind="load", debit_account=Account.objects.get(kind="float"), credit_account_id=card.account_id,
        amount=100, reference=key,
    )  # fmt: skip


def test_a_late_committer_never_falls_behind_the_cut():
    late, early, cut = late_committer(next_day())
    assert late < early <= cut
    assert breaks() == []


def test_without_the_lock_of_the_table_a_late_committer_falls_behind_the_cut(own_ledger):
    """The control: the cut is made over the open transaction, and the closed day is not what was sealed."""
    changed("close_day", "LOCK TABLE payments_transfer IN SHARE ROW EXCLUSIVE MODE;", "")
    late, early, cut = late_committer(next_day())
    assert late < early == cut
    assert {"audit_closing", "audit_seal"} <= set(breaks())


@pytest.mark.long
def test_every_cut_beside_eight_writers_is_an_exact_prefix():
    """Writers of different speeds; each cut's closing and seal are recomputed afterwards from the numbers alone."""
    cards = [issued(10_000, **NO_LIMIT)[0] for _ in range(8)]
    until = time.time() + SECONDS / 2

    def race(number):
        count = 0
        if number == 8:
            while time.time() < until:
                close_day(next_day())
                count += 1
                time.sleep(0.1)
            return count
        dice = random.Random(number)
        while time.time() < until:
            with transaction.atomic():
                loaded(cards[number])
                time.sleep(dice.random() / 50)
            count += 1
        return count

    *written, cuts = at_once(9, race)
    assert min(written) > 0
    assert cuts > 3
    assert breaks() == []
    assert [balance(card) for card in cards] == [(10_000 + 100 * count, 0) for count in written]


# ---------------------------------------------------------------- paying out


def two_payouts():
    """A seller is owed 970 won, and two runs pay them out, each before the other has committed."""
    seller = seller_account(uuid.uuid4().int % 10**12)
    captured(issued(10_000)[1], 1_000, seller_id=int(seller.owner))

    def pay_out(_):
        key = uuid.uuid4()
        try:
            with transaction.atomic():
                Transfer.objects.create(
                    uuid=key, kind="payout", debit_account=seller, credit_account=Account.objects.get(kind="bank"),
                    amount=970, reference=key,
                )  # fmt: skip
                time.sleep(0.5)
        except DatabaseError:
            return "refused"
        return "paid"

    return sorted(at_once(2, pay_out)), balance_of(seller)


def test_two_payouts_at_once_see_each_other():
    assert two_payouts() == (["paid", "refused"], 0)


def test_without_the_lock_of_payouts_a_seller_is_paid_twice(own_ledger):
    changed("transfer_check", "PERFORM pg_advisory_xact_lock(NEW.debit_account_id);", "")
    assert two_payouts() == (["paid", "paid"], -970)


# ---------------------------------------------------------------- healing


def claimed_by_both(monkeypatch, *, locked):
    _, presented = issued(10_000)
    payment = authorised(presented, 900)
    message = asked(pay.ask_capture, payment=payment, parcel=1, seller_id=5, goods=900, fare=0, commission_bp=0)
    Message.objects.filter(pk=message.pk).update(next_at="2020-01-01T00:00Z")
    lease = leases._lease

    def slowly(message):
        time.sleep(0.3)  # the other has looked by now
        lease(message)

    monkeypatch.setattr(leases, "_lease", slowly)
    if not locked:
        monkeypatch.setattr(type(Message.objects.all()), "select_for_update", lambda self, **how: self.all())
    return sum(at_once(2, lambda _: message.pk in {due.pk for due in leases.claim_due(limit=1_000)}))


def test_a_question_is_claimed_by_one(monkeypatch):
    assert claimed_by_both(monkeypatch, locked=True) == 1


def test_without_the_lock_a_question_is_claimed_by_both(monkeypatch, own_ledger):
    assert claimed_by_both(monkeypatch, locked=False) == 2


# ---------------------------------------------------------------- opposite orders, and the bank


def test_without_the_order_of_locks_two_sendings_deadlock(monkeypatch, own_ledger):
    """The control of every race that says: no deadlock."""

    def in_the_order_given(*accounts):
        found = {}
        for account in accounts:
            found[account] = verbs.lock_balances(account)[account]
            time.sleep(0.3)
        return found

    monkeypatch.setattr(sending, "lock_balances", in_the_order_given)
    pair = [issued(10_000)[0] for _ in range(2)]
    before = deadlocks()
    at_once(2, lambda number: sent(*(pair if number else pair[::-1]), 50).code)
    assert deadlocks() > before


BOOKS = """
WITH moved AS (SELECT a.kind, sum(x) AS won FROM payments_account a JOIN (
        SELECT credit_account_id AS account, amount AS x FROM payments_transfer
        UNION ALL SELECT debit_account_id, -amount FROM payments_transfer) m ON m.account = a.id GROUP BY a.kind)
SELECT coalesce((SELECT sum(posted) FROM network_balance), 0)
       + coalesce((SELECT sum(won) FROM moved WHERE kind IN ('merchant', 'fees', 'float')), 0) AS card_book,
       coalesce((SELECT sum(won) FROM moved WHERE kind IN
           ('network', 'seller', 'commission', 'delivery', 'promotion', 'bank')), 0) AS shop_book,
       (SELECT sum(captured - refunded) FROM payments_payment)
       - (SELECT coalesce(sum(CASE WHEN kind IN ('sale', 'fare') THEN amount ELSE -amount END), 0)
            FROM payments_transfer WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back')) AS payments
"""


@pytest.mark.long
def test_the_bank_is_whole_in_every_snapshot_and_nothing_deadlocks(ledger_db):
    """Cards and sellers in every order, six processes long; a reader adds up both books all the while."""
    cards = [issued(100_000, **NO_LIMIT) for _ in range(4)]
    sellers = [seller_account(uuid.uuid4().int % 10**12) for _ in range(2)]
    before, until = deadlocks(), time.time() + SECONDS

    def race(number):
        if number == 6:
            return read_books(until)
        dice, did = random.Random(number), Counter()
        while time.time() < until:
            did[shop_or_send(dice, cards, sellers)] += 1
        return did

    *workers, seen = at_once(7, race)
    did = sum(workers, Counter())
    assert set(did) == {"00", "51"} or set(did) == {"00"}, did
    assert did["00"] > 20
    assert seen["read"] > 5
    assert seen["wrong"] == []
    assert deadlocks() == before
    assert breaks() == []


def read_books(until):
    seen = {"read": 0, "wrong": []}
    while time.time() < until:
        with connection.cursor() as cursor:
            cursor.execute(BOOKS)
            row = cursor.fetchone()
        seen["read"] += 1
        if any(row):
            seen["wrong"].append(row)
    return seen


def shop_or_send(dice, cards, sellers):
    """One card pays two sellers and takes some back, or sends to another card; the code of what went last."""
    (payer, presented), (payee, _) = dice.sample(cards, 2)
    if dice.random() < 0.4:
        return sent(payer, payee, dice.randrange(1, 300)).code
    message = told(opened(600), presented)
    if message.code != "00":
        return message.code
    both = dice.sample(sellers, 2)
    for parcel, seller in enumerate(both, start=1):
        about = {"payment": message.payment, "parcel": parcel, "seller_id": int(seller.owner), "commission_bp": 300}
        told(asked(pay.ask_capture, goods=300, fare=0, **about))
        if dice.random() < 0.5:
            told(asked(pay.ask_refund, part=1, goods=100, fare=0, **about))
    return message.code
