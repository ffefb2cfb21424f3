"""Any history of cards, payments, parcels and days under a bad line, compared with an independent auditor.

Hypothesis writes the histories. After every step the audits are empty, the auditor's dicts equal the database, no card
is below 0, no declined payment has a hold; at the end the faults stop, the questions are asked until none is left,
and both books agree about every payment. Its seed is printed; `HYPOTHESIS_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter, defaultdict

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import random_code
from payments import faults, pay, reconciliation, settlement
from payments.audit import AUDITS
from payments.gateway import Answer, Ask, NoAnswer, gateway
from payments.models import Message
from payments.network import cards as cards_desk
from payments.network import desk, sending, settlement_file
from payments.network.acts import Refused
from payments.network.expiry import expire_holds
from tests import databases
from tests.payments import auditor
from tests.payments.auditor import SILENT
from tests.payments.cast import PIN, asked, issued, next_day, recorded
from tests.payments.desk_cast import CLERK

RIGHT = st.sampled_from([True, True, True, False])
# What happens to a step's first call; the next step may meet a late one.
FAULT = st.sampled_from(
    ["ok"] * 7 + ["lost_request", "lost_answer", "lost_answer", "duplicate", "garbage", "late:1", "late:2", "late:3"]
)
AMOUNTS = st.integers(1, 5_000)
BALANCES = st.integers(1_000, 30_000)
PICK = st.integers(0, 47)
PARTS = st.sampled_from(["part", "all", "too much"])
SELLERS = {0: 300, 1: 0, 2: 1_234}  # commission in basis points

SHARED = ("network", "commission", "delivery", "promotion", "bank")


class Money(RuleBasedStateMachine):
    cards = Bundle("cards")
    payments = Bundle("payments")
    met: Counter[str] = Counter()  # what all histories of a run have met, to know that they were worth it

    def __init__(self) -> None:
        super().__init__()
        self.network, self.shop = auditor.Network(), auditor.Shop()
        self.line = auditor.Line(self.network)
        self.files: list[dict] = []
        self.presented: dict[str, object] = {}
        self.accounts: dict[str, int] = {}
        self.seller_base = random.SystemRandom().randrange(10**12)

    # ------------------------------------------------------------ what exists

    @initialize(target=cards, amounts=st.tuples(BALANCES, BALANCES))
    def two_cards(self, amounts):
        """The ledger is not empty: other histories came before. Close and settle what they left."""
        faults.expect()
        self._close_and_settle()
        self.base = self._balances_in_database()
        return multiple(*(self._issue(amount) for amount in amounts))

    @rule(target=cards, amount=BALANCES)
    def issue(self, amount):
        return self._issue(amount)

    def _issue(self, amount):
        card, presented = issued(0, per_payment=10**9, per_day=10**9, count_day=10_000)
        number = presented.number
        self.presented[number], self.accounts[number] = presented, card.account_id
        self.network.cards[number] = {"posted": 0, "tries": 0, "lost": False, "card": card}
        self.load(number, amount, 1)
        return number

    @rule(number=cards, amount=AMOUNTS, times=st.integers(1, 2))
    def load(self, number, amount, times):
        deposit = uuid.uuid4()
        for _ in range(times):
            desk.load(card=self.network.cards[number]["card"], amount=amount, deposit=deposit)
        self.network.load(number, amount)

    @rule(
        target=payments,
        number=cards,
        amount=AMOUNTS,
        pin_is_right=RIGHT,
        fault=FAULT,
    )
    def order_and_pay(self, number, amount, pin_is_right, fault):
        self._meets(fault)
        payment = auditor.Payment(uuid.uuid4(), random_code(8), amount)
        self._open(payment)
        self._pay(payment, number, pin_is_right)
        return payment, number

    @rule(target=payments, old=payments, number=cards)
    def pay_again(self, old, number):
        """Another payment of the same order: only after the first took nothing."""
        payment = auditor.Payment(uuid.uuid4(), old[0].order, old[0].amount)
        if self.shop.live(payment.order):
            with pytest.raises(pay.LivePayment), transaction.atomic():
                pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount)
            return multiple()
        self._open(payment)
        self._pay(payment, number, True)
        return payment, number

    @rule(number=cards, amount=AMOUNTS, pin_is_right=RIGHT, times=st.integers(1, 2))
    def redeem(self, number, amount, pin_is_right, times):
        key, card = uuid.uuid4(), self.network.cards[number]["card"]
        pin = PIN if pin_is_right else "1111"
        codes = {sending.redeem(key=key, card=card, amount=amount, pin=pin, by=CLERK).code for _ in range(times)}
        assert codes == {self.network.redeem(number, amount, pin_is_right)}

    @rule(payer=cards, payee=cards, amount=AMOUNTS, pin_is_right=RIGHT, times=st.integers(1, 2))
    def send(self, payer, payee, amount, pin_is_right, times):
        key, fee, pin = uuid.uuid4(), sending.fee_for_sending(), PIN if pin_is_right else "1111"
        form = {"key": key, "amount": amount, "fee": fee, "pin": pin}
        form |= {"payer": self.network.cards[payer]["card"], "payee": self.network.cards[payee]["card"]}
        if payer == payee:
            with pytest.raises(Refused):
                sending.send(**form)
            return
        codes = {sending.send(**form).code for _ in range(times)}
        assert codes == {self.network.send(payer, payee, amount, fee, pin_is_right)}

    @precondition(lambda self: len(self.network.cards) > 3)
    @rule(number=cards)
    def lose(self, number):
        """The plastic is lost: nothing more is paid with it, and what was paid goes on to its end."""
        cards_desk.report_lost(key=uuid.uuid4(), card=self.network.cards[number]["card"], by=CLERK)
        self.network.cards[number]["lost"] = True

    @rule()
    def the_expiry_job(self):
        expire_holds()
        for number in self.network.cards:
            self.network.expire(number)

    def _open(self, payment):
        with transaction.atomic():
            message = pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount)
        assert message.id == payment.authorisation
        self.shop.payments[payment.id] = payment
        payment.questions[message.id] = {"verb": "authorise", "amount": payment.amount, "code": None}

    # ------------------------------------------------------------ paying, honestly and not

    @rule(about=payments, pin_is_right=st.booleans(), fault=FAULT)
    def the_same_form_again(self, about, pin_is_right, fault):
        """The same key: the question is sent again as it is, whatever was typed beside it."""
        self._meets(fault)
        payment, number = about
        with transaction.atomic():
            pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount)
        self._pay(payment, number, pin_is_right)

    @rule(about=payments, other=AMOUNTS)
    def an_old_key_for_something_else(self, about, other):
        payment, _ = about
        with pytest.raises(pay.StaleKey), transaction.atomic():
            pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount + other)
        with pytest.raises(pay.StaleKey), transaction.atomic():
            pay.open_payment(key=payment.id, order_code=random_code(8), amount=payment.amount)

    @rule(about=payments, card=cards, other=AMOUNTS)
    def an_old_question_altered(self, about, card, other):
        """The network is told an old id with another amount: 94, unless it never heard it or refused it for ever."""
        payment, _ = about
        question = auditor.Ask(payment.authorisation, "authorise", payment.amount + other, payment.authorisation, card)
        if payment.authorisation not in self.network.holds:
            return  # the altered question would be the first: another machine's history
        real = Ask(id=question.id, verb="authorise", amount=question.amount, of=question.of)
        self._compare("altered", lambda: gateway().authorise(real, self.presented[card]), self.line.tell(question))

    def _pay(self, payment, number, pin_is_right):
        message = self._message(payment.authorisation)
        presented = self.presented[number]
        if not pin_is_right:
            presented = type(presented)(presented.number, "1111", presented.holder)
        expected = self.line.tell(
            auditor.Ask(message.id, "authorise", payment.amount, message.id, number, pin_is_right)
        )
        self._ask_and_record(payment, message, expected, presented)

    # ------------------------------------------------------------ parcels

    @rule(
        pick=PICK,
        parcel=st.integers(1, 3),
        part=PARTS,
        extras=st.tuples(st.integers(0, 50), st.sampled_from([0, 0, 70])),
        fault=FAULT,
    )
    def capture(self, pick, parcel, part, extras, fault):
        self._meets(fault)
        payment, (fare, subsidy) = self._pick(pick, "authorised"), extras
        if payment is None:
            return
        amount = self._share(payment.left(), part)
        mine = [
            each for each in payment.questions.values() if (each["verb"], each.get("parcel")) == ("capture", parcel)
        ]
        standing = next((each for each in mine if each["code"] in auditor.STANDING), None)
        seller = parcel - 1
        goods = max(amount - fare, 0)
        content = {
            "seller_id": self.seller_base + seller, "goods": goods, "fare": amount - goods, "subsidy": subsidy,
            "commission_bp": SELLERS[seller],
        }  # fmt: skip
        if standing:
            refusal = pay.StaleKey if standing["amount"] != amount else None
        elif payment.standing("reverse"):
            refusal = pay.ReversalAsked
        else:
            refusal = pay.TooMuch if amount > payment.left() else None
        part_name = "" if standing in mine[:1] or not mine else str(len(mine) + (standing is None))
        self._question(payment, ("capture", parcel, part_name), amount, content, refusal)

    @rule(pick=PICK, parcel=st.integers(1, 3), name=st.sampled_from(["short", "declined"]), part=PARTS, fault=FAULT)
    def release(self, pick, parcel, name, part, fault):
        self._meets(fault)
        payment = self._pick(pick, "authorised")
        if payment is None:
            return
        amount = self._share(payment.left(), part)
        old = payment.questions.get(pay.message_id(payment.id, "release", parcel, name))
        if old:
            refusal = pay.StaleKey if old["amount"] != amount else None
        elif payment.standing("reverse"):
            refusal = pay.ReversalAsked
        else:
            refusal = pay.TooMuch if amount > payment.left() else None
        self._question(payment, ("release", parcel, name), amount, {}, refusal)

    @rule(pick=PICK, parcel=st.integers(1, 3), name=st.integers(1, 3), part=PARTS, fault=FAULT)
    def refund(self, pick, parcel, name, part, fault):
        self._meets(fault)
        payment = self._pick(pick, "authorised", "done")
        if payment is None:
            return
        sold = [each for each in payment.standing("capture") if each["parcel"] == parcel and each["code"] == "00"]
        back = [each for each in payment.standing("refund") if each["parcel"] == parcel]
        if not sold:
            return
        left = {what: sold[0][what] - sum(each[what] for each in back) for what in ("goods", "fare")}
        amount = self._share(sum(left.values()), part)
        if part == "too much":
            amount += payment.captured
        goods = min(amount, left["goods"]) if part != "too much" else amount
        content = {
            "seller_id": sold[0]["seller_id"], "goods": goods, "fare": amount - goods, "subsidy": 0,
            "commission_bp": sold[0]["commission_bp"],
        }  # fmt: skip
        old = payment.questions.get(pay.message_id(payment.id, "refund", parcel, name))
        if old:
            refusal = pay.StaleKey if old["amount"] != amount else None
        else:
            refusal = pay.TooMuch if amount > payment.captured - payment.asked("refund") else None
        self._question(payment, ("refund", parcel, str(name)), amount, content, refusal)

    @rule(pick=PICK, fault=FAULT)
    def reverse(self, pick, fault):
        self._meets(fault)
        payment = self._pick(pick, "pending", "authorised")
        if payment is None:
            return
        waiting = [each for each in payment.standing("release") if each["code"] is None]
        refusal = pay.PartAsked if waiting or payment.standing("capture") else None
        self._question(payment, ("reverse", None, ""), payment.amount, {}, refusal)

    def _pick(self, number, *states):
        """A payment; three times of four one in which there is something to do."""
        every = list(self.shop.payments.values())
        fitting = [payment for payment in every if payment.state in states] if number % 4 else every
        return fitting[number % len(fitting)] if fitting else None

    def _share(self, left, part):
        return {"part": max(left // 3, 1), "all": max(left, 1), "too much": left + 1}[part]

    def _question(self, payment, name, amount, content, refusal):
        verb, parcel, part = name
        ask = getattr(pay, f"ask_{verb}")
        about = {"payment": payment.id}
        if verb != "reverse":
            about |= {"parcel": parcel}
        if verb in ("release", "refund"):
            about |= {"part": part}
        about |= content if content else {"amount": amount} if verb == "release" else {}
        if refusal:
            with pytest.raises(refusal):
                asked(ask, **about)
            return
        message = asked(ask, **about)
        assert message.id == pay.message_id(payment.id, verb, parcel, part)
        payment.questions.setdefault(
            message.id, {"verb": verb, "parcel": parcel, "amount": amount, "code": None, **content}
        )
        self._send(payment, message)

    def _send(self, payment, message):
        expected = self.line.tell(auditor.Ask(message.id, message.verb, message.amount, payment.authorisation))
        self._ask_and_record(payment, message, expected)

    # ------------------------------------------------------------ the world

    def _meets(self, fault):
        faults.weather().script.append(fault)
        self.line.faults.append(fault)

    @rule(about=payments)
    def time_passes(self, about):
        """The hold is overdue. Nobody may move its clock: for this one statement the guards are off."""
        payment, _ = about
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "UPDATE network_authorisation SET expires_at = now() - interval '1 s' WHERE id = %s",
                [payment.authorisation],
            )
        if payment.authorisation in self.network.holds:
            self.network.holds[payment.authorisation]["overdue"] = True

    @rule(fault=FAULT)
    def tick(self, fault):
        self._meets(fault)
        self._tick()

    def _tick(self):
        for payment in self.shop.payments.values():
            for key in [key for key, question in payment.questions.items() if question["code"] is None]:
                if payment.questions[key]["code"] is None:
                    self._heal(payment, self._message(key))

    def _heal(self, payment, message):
        """As orders/healing.py does, without an order."""
        if message.verb != "authorise":
            self._send(payment, message)
            return
        expected = self.line.inquire(message.id)
        answer = self._compare("inquiry", lambda: pay.inquire(message), expected)
        if answer is SILENT:
            return
        if answer is not None:
            self._record(payment, message, answer)
        elif payment.state == "pending":
            undo = asked(pay.ask_reverse, payment=payment.id)
            payment.questions.setdefault(undo.id, {"verb": "reverse", "amount": payment.amount, "code": None})
            self._send(payment, undo)

    @rule()
    def close_the_day(self):
        self._close_and_settle()

    def _close_and_settle(self):
        settlement.close_day(next_day())
        for _ in range(2):  # the second run changes nothing
            for cut in settlement.waiting_days():
                desk.pay_shop(cut)
                reconciliation.keep_file(cut, settlement_file.write(cut))  # past the bad line, which has its own tests
                settlement.settle(cut)
        accounts = self.shop.accounts
        received = self._received()
        accounts["network"] += received
        accounts["bank"] -= received
        for name in list(accounts):
            if name.startswith(("seller", "delivery")) and accounts[name] > 0:
                accounts["bank"] += accounts[name]
                accounts[name] = 0
        if self.network.merchant > 0:
            self.network.float -= self.network.merchant
            self.network.merchant = 0

    def _received(self):
        """What the files bring: each payment's lines of one day together, once all of them are answered here."""
        day = defaultdict(list)
        for key, authorisation, moved in self.network.since_cut:
            day[authorisation].append((key, moved))
        self.files.append(day)
        self.network.since_cut.clear()
        received = 0
        for lines_of in self.files:
            for authorisation, lines in list(lines_of.items()):
                if all(self.shop.answered(key) for key, _ in lines):
                    received += sum(moved for _, moved in lines)
                    del lines_of[authorisation]
        return received

    # ------------------------------------------------------------ ask, compare, record

    def _message(self, key):
        return Message.objects.select_related("payment").get(pk=key)

    def _compare(self, what, call, expected):
        """What the shop heard, which must be what the auditor expects: a code, nothing known, or silence."""
        try:
            answer = call()
        except NoAnswer:
            answer = SILENT
        told = answer.code if isinstance(answer, Answer) else answer
        assert told == expected
        self.met[f"{what} {told}"] += 1
        return answer

    def _ask_and_record(self, payment, message, expected, presented=None):
        answer = self._compare(message.verb, lambda: pay.send(message, presented), expected)
        if answer is not SILENT:
            self._record(payment, message, answer)

    def _record(self, payment, message, answer):
        recorded(message, answer)
        self.shop.record(payment, payment.questions[message.id], answer.code)

    # ------------------------------------------------------------ after every step

    @invariant()
    def the_audits_are_empty(self):
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(f"SELECT '{view}', count(*) FROM {view}" for view in AUDITS))  # noqa: S608
            assert {view: rows for view, rows in cursor.fetchall() if rows} == {}

    @invariant()
    def the_cards_are_as_the_auditor_has_them(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT b.account_id, b.posted, b.held, c.pin_tries FROM network_balance b"
                " JOIN network_card c USING (account_id) WHERE b.account_id = ANY(%s)",
                [list(self.accounts.values())],
            )
            found = {account: values for account, *values in cursor.fetchall()}
        for number, account in self.accounts.items():
            card = self.network.cards[number]
            assert found[account] == [card["posted"], self.network.held(number), card["tries"]]
            assert 0 <= self.network.held(number) <= card["posted"]

    @invariant()
    def the_payments_are_as_the_auditor_has_them(self):
        keys = list(self.shop.payments)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT p.id, p.state, p.code, p.captured, p.released, p.refunded, a.code, a.state, a.captured,"
                " a.released, a.refunded FROM payments_payment p LEFT JOIN network_authorisation a"
                " ON a.id = (SELECT m.id FROM payments_message m WHERE m.payment_id = p.id AND m.verb = 'authorise')"
                " WHERE p.id = ANY(%s)",
                [keys],
            )
            rows = cursor.fetchall()
            cursor.execute("SELECT id, code FROM payments_message WHERE payment_id = ANY(%s)", [keys])
            codes = dict(cursor.fetchall())
        for key, state, code, captured, released, refunded, *theirs in rows:
            mine = self.shop.payments[key]
            assert (state, code, captured, released, refunded) == (
                mine.state, mine.code, mine.captured, mine.released, mine.refunded,
            )  # fmt: skip
            assert {id: question["code"] for id, question in mine.questions.items()} == {
                id: code for id, code in codes.items() if id in mine.questions
            }
            hold = self.network.holds.get(mine.authorisation)
            assert theirs == (
                [None] * 5 if hold is None else [hold[k] for k in ("code", "state", "captured", "released", "refunded")]
            )
            assert captured + released <= mine.amount
            # Nobody is told "nothing has been taken" while something is held, and a refusal is for ever.
            assert not (state in ("declined", "cancelled") and theirs[1] == "open"), (mine, theirs)
            if theirs[0] is not None:
                self.shop.codes[mine.authorisation].add(theirs[0])
            assert len(self.shop.codes[mine.authorisation]) <= 1
        assert len(rows) == len(keys)

    @invariant()
    def both_books_are_as_the_auditor_has_them(self):
        now = self._balances_in_database()
        mine = self.shop.accounts
        expected = {
            name: self.base.get(name, 0) + mine[name]
            for name in ("network", "commission", "delivery", "promotion", "bank")
        }
        expected |= {name: amount for name, amount in mine.items() if name.startswith("seller")}
        expected |= {
            "float": self.base["float"] - self.network.float,
            "merchant": self.base["merchant"] + self.network.merchant,
        }
        assert {name: now.get(name, 0) for name in expected} == expected
        # Money in = what is on cards + what the shop is owed + fees.
        on_cards = sum(card["posted"] for card in self.network.cards.values())
        assert self.network.float == on_cards + self.network.merchant + self.network.fees

    def _balances_in_database(self):
        sellers = [str(self.seller_base + seller) for seller in SELLERS]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT trim(kind || ' ' || owner), balance_of(id) FROM payments_account"
                " WHERE owner = '' OR (kind = 'seller' AND owner = ANY(%s))",
                [sellers],
            )
            return dict(cursor.fetchall())

    # ------------------------------------------------------------ at the end

    def teardown(self):
        if not self.network.cards:
            return
        faults.weather().script.clear()
        self.line.faults.clear()
        for _ in range(4):
            self._tick()
        for _ in range(3):  # what is still on its way arrives, too late
            faults.weather().arrive()
            self.line.arrive()
        self._tick()
        for check in (
            self.the_audits_are_empty,
            self.the_cards_are_as_the_auditor_has_them,
            self.the_payments_are_as_the_auditor_has_them,
            self.both_books_are_as_the_auditor_has_them,
        ):
            check()
        for payment in self.shop.payments.values():
            assert payment.state != "pending"
            assert None not in [question["code"] for question in payment.questions.values()]
            hold = self.network.holds[payment.authorisation]
            assert (hold["captured"], hold["released"], hold["refunded"]) == (
                payment.captured, payment.released, payment.refunded,
            )  # fmt: skip


def histories(*, examples, steps):
    """Run the machine in a ledger of its own: the auditor knows of everything that moves there."""
    number = int(os.environ.get("HYPOTHESIS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"HYPOTHESIS_SEED={number}")
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    Money.met.clear()
    run_state_machine_as_test(with_seed(number)(Money), settings=profile)
    print(dict(sorted(Money.met.items())))
    return set(Money.met)


@pytest.fixture(autouse=True)
def _a_ledger_of_its_own(ledger_db, settings):
    settings.PAYMENT_FAULTS = "seed=7"
    with databases.copied("model") as name, databases.using(name):
        yield


@pytest.mark.ledger
def test_short_histories():
    histories(examples=8, steps=25)


@pytest.mark.ledger
@pytest.mark.long
def test_two_hundred_histories_of_fifty_steps():
    histories(examples=200, steps=50)
