"""What may happen to cards, payments, parcels and days, each to the database and to the auditor alike.

Histories are deep on purpose: they begin with funded cards and held money, a step goes to a payment in which there is
something to do (or makes one), and amounts are parts of what is left, or just too much.
"""

from __future__ import annotations

import uuid

import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from accounts.models import random_code
from payments import pay
from payments.gateway import Ask, Presented, gateway
from payments.network import cards as cards_desk
from payments.network import claims, desk, sending
from payments.network.acts import Refused
from payments.network.expiry import expire_holds
from payments.network.verbs import reverse
from tests.payments import auditor
from tests.payments.cast import PIN, asked, issued
from tests.payments.compared import SELLERS, Compared
from tests.payments.desk_cast import CLERK

# What happens to a step's first call; the next step may meet a late one.
FAULT = st.sampled_from(
    ["ok"] * 12 + ["lost_request", "lost_answer", "lost_answer", "duplicate", "garbage", "late:1", "late:2", "late:3"]
)
PICK = st.integers(0, 59)
BALANCES = st.integers(5_000, 30_000)
AMOUNTS = st.integers(1, 5_000)
SHARES = st.sampled_from(["eighth", "third", "eighth", "all", "too much", "above the limit"])
PARTS = st.sampled_from(["part", "part", "half", "all", "too much"])
BY_WHOM = st.sampled_from(["holder"] * 8 + ["a guesser", "another person"])
RIGHT = st.sampled_from([True, True, True, False])
SELDOM = st.sampled_from([False] * 7 + [True])
EXTRAS = st.tuples(st.integers(0, 50), st.sampled_from([0, 0, 70]))
FORWARD = st.sampled_from(["capture", "capture", "refund", "capture", "refund", "release"])
ODDITIES = st.sampled_from(
    ["reverse", "time passes", "time passes", "the same form", "another payment", "a stale key", "an altered question",
     "the network ends it", "late after its reversal"]
)  # fmt: skip
CARD_DEEDS = st.sampled_from(["send", "claim", "agree", "load", "redeem", "send", "agree", "refuse", "forget"])


class Money(Compared):
    # ------------------------------------------------------------ what exists

    @initialize(balances=st.tuples(BALANCES, BALANCES, BALANCES), shares=st.tuples(PARTS, PARTS, PARTS), late=RIGHT)
    def three_cards_and_three_payments(self, balances, shares, late):
        self.begin_beside_other_histories()
        for balance, per_payment in zip(balances, (10**9, 10**9, 4_000), strict=True):
            self._issue(balance, per_payment)
        for number, share in zip(list(self.accounts), shares, strict=True):
            self._new_payment(number, min(self._share(self.network.available(number) // 2, share), 4_000))
        if late:  # whatever rules hypothesis leaves out of this history
            self._arrives_after_its_reversal(self._card(0))

    @precondition(lambda self: len(self.accounts) < 7)
    @rule(amount=BALANCES, what=st.sampled_from(["issue", "a thief", "lost"]), pick=PICK)
    def a_card(self, amount, what, pick):
        """The plastic is lost: nothing more is paid with it, and what was paid goes on to its end."""
        number = self._issue(amount)
        if what == "lost":
            lost = self._card(pick)
            cards_desk.report_lost(key=uuid.uuid4(), card=self.network.cards[lost]["card"], by=CLERK)
            self.network.cards[lost]["lost"] = True
            self._new_payment(lost, 100)
        elif what == "issue":
            self._new_payment(number, 100, by="another person")
        else:
            for _ in range(4):
                self._new_payment(number, 100, by="a guesser")

    def _issue(self, amount, per_payment=10**9):
        card, presented = issued(0, per_payment=per_payment, per_day=10**9, count_day=10_000)
        number = presented.number
        self.presented[number], self.accounts[number] = presented, card.account_id
        self.network.cards[number] = {
            "posted": 0, "tries": 0, "lost": False, "per_payment": per_payment, "card": card,
        }  # fmt: skip
        self._load(number, amount, 1)
        return number

    def _load(self, number, amount, times):
        deposit = uuid.uuid4()
        for _ in range(times):
            desk.load(card=self.network.cards[number]["card"], amount=amount, deposit=deposit)
        self.network.load(number, amount)
        self.met["load"] += 1

    # ------------------------------------------------------------ paying, honestly and not

    @rule(pick=PICK, share=SHARES, by=BY_WHOM, fault=FAULT)
    def pay(self, pick, share, by, fault):
        self.meets(fault)
        there = self.network.available(number := self._card(pick))
        amount = {
            "eighth": there // 8, "third": there // 3, "all": there, "too much": there + 1,
            "above the limit": 4_001,
        }[share]  # fmt: skip
        self._new_payment(number, max(amount, 1), by=by)

    def _new_payment(self, number, amount, *, by="holder", order=None):
        payment = auditor.Payment(uuid.uuid4(), order or random_code(8), amount, card=number)
        with transaction.atomic():
            message = pay.open_payment(key=payment.id, order_code=payment.order, amount=amount)
        assert message.id == payment.authorisation
        self.shop.payments[payment.id] = payment
        payment.questions[message.id] = {"verb": "authorise", "amount": amount, "code": None}
        self._present(payment, by)
        return payment

    def _present(self, payment, by):
        message, right = self.message(payment.authorisation), self.presented[payment.card]
        shown = {
            "holder": right,
            "a guesser": Presented(right.number, "1111", right.holder),
            "another person": Presented(right.number, right.pin, "김은주"),
        }[by]
        question = auditor.Ask(
            message.id, "authorise", payment.amount, message.id, payment.card,
            pin_is_right=by != "a guesser", holder_is_right=by != "another person",
        )  # fmt: skip
        self.ask_and_record(payment, message, self.line.tell(question), shown)

    @rule(pick=PICK, what=ODDITIES, other=AMOUNTS, by=BY_WHOM, fault=FAULT)
    def something_odd(self, pick, what, other, by, fault):
        payment = self._pick(pick, lambda one: one.state in ("pending", "authorised"))
        if what == "reverse":
            self._reverse(payment, fault)
        elif what == "late after its reversal":
            self._arrives_after_its_reversal(self._card(pick))
        elif what == "time passes":
            self._time_passes(payment)
        elif what == "the same form":
            self._the_same_form(payment, by, fault)
        elif what == "another payment":
            old = payment if pick % 2 else self._pick(pick, lambda one: one.state == "declined")
            self._another_payment_of_the_order(old)
        elif what == "a stale key":
            self._a_stale_key(payment, other)
        elif what == "an altered question":
            self._an_altered_question(payment, other)
        else:
            self._the_network_ends_it(payment)

    def _arrives_after_its_reversal(self, number):
        """It is on its way when the shop gives up: the reversal overtakes it, and the tombstone must keep it out."""
        self.meets("late:2")
        payment = self._new_payment(number, max(self.network.available(number) // 8, 1))
        self._reverse(payment, "ok")
        expected = self.line.inquire(payment.authorisation)  # the late one comes just before this
        self.compare("inquiry", lambda: pay.inquire(self.message(payment.authorisation)), expected)

    def _the_same_form(self, payment, by, fault):
        """The same key: the question is sent again as it is, whatever was typed beside it."""
        self.meets(fault)
        with transaction.atomic():
            pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount)
        self._present(payment, by)
        self.met["resent whole"] += 1

    def _another_payment_of_the_order(self, old):
        """Only after the first took nothing."""
        if not self.shop.live(old.order):
            self._new_payment(old.card, old.amount, order=old.order)
            self.met["paid again after a refusal"] += 1
            return
        with pytest.raises(pay.LivePayment), transaction.atomic():
            pay.open_payment(key=uuid.uuid4(), order_code=old.order, amount=old.amount)
        self.met["a second live payment refused"] += 1

    def _a_stale_key(self, payment, other):
        with pytest.raises(pay.StaleKey), transaction.atomic():
            pay.open_payment(key=payment.id, order_code=payment.order, amount=payment.amount + other)
        with pytest.raises(pay.StaleKey), transaction.atomic():
            pay.open_payment(key=payment.id, order_code=random_code(8), amount=payment.amount)
        self.met["a stale key"] += 1

    def _an_altered_question(self, payment, other):
        """The network is told an old id with another amount: 94, unless it never heard it or refused it for ever."""
        if payment.authorisation not in self.network.holds:
            return  # the altered question would be the first: another machine's history
        question = auditor.Ask(
            payment.authorisation, "authorise", payment.amount + other, payment.authorisation, payment.card
        )
        real = Ask(id=question.id, verb="authorise", amount=question.amount, of=question.of)
        self.compare(
            "altered", lambda: gateway().authorise(real, self.presented[payment.card]), self.line.tell(question)
        )

    def _time_passes(self, payment):
        """The hold is overdue. Nobody may move its clock: for this one statement the guards are off."""
        self._behind_the_guards(
            "UPDATE network_authorisation SET expires_at = now() - interval '1 s' WHERE id = %s", payment.authorisation
        )
        if payment.authorisation in self.network.holds:
            self.network.holds[payment.authorisation]["overdue"] = True

    def _the_network_ends_it(self, payment):
        """The issuer lets go of a hold by itself: what the shop asks of it afterwards is refused."""
        if payment.authorisation in self.network.holds:
            question = {"verb": "reverse", "amount": payment.amount, "of": payment.authorisation}
            code = self.network.hear(auditor.Ask(uuid.uuid4(), **question))
            assert reverse(Ask(id=uuid.uuid4(), **question)).code == code
            self.met[f"ended by the network {code}"] += 1
        if payment.left():
            self._release_part(payment, 1, "ended", payment.left())

    @staticmethod
    def _behind_the_guards(statement, key):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, [key])

    # ------------------------------------------------------------ parcels

    @rule(pick=PICK, what=FORWARD, part=PARTS, extras=EXTRAS, by_two=SELDOM, fault=FAULT)
    def a_parcel_moves(self, pick, what, part, extras, fault, *, by_two):
        self.by_two = by_two
        getattr(self, f"_{what}")(pick, part, extras, fault)
        self.by_two = False

    @rule(pick=PICK, what=FORWARD, part=PARTS, extras=EXTRAS, fault=FAULT)
    def another_parcel_moves(self, pick, what, part, extras, fault):
        """Twice as often as anything else."""
        getattr(self, f"_{what}")(pick, part, extras, fault)

    def _capture(self, pick, part, extras, fault):
        payment, (fare, subsidy) = self._pick(pick, lambda one: one.left() > 0), extras
        self.meets(fault)
        number = self._free_parcel(payment, pick)
        amount = self._share(payment.left(), part)
        mine = payment.about("capture", number)
        standing = next((each for each in mine if each["code"] in auditor.STANDING), None)
        goods = max(amount - fare, 0)
        content = {
            "seller_id": self.seller_base + number - 1, "goods": goods, "fare": amount - goods, "subsidy": subsidy,
            "commission_bp": SELLERS[number - 1],
        }  # fmt: skip
        if standing:
            refusal = pay.StaleKey if standing["amount"] != amount else None
        elif payment.standing("reverse"):
            refusal = pay.ReversalAsked
        else:
            refusal = pay.TooMuch if amount > payment.left() else None
        name = "" if standing in mine[:1] or not mine else str(len(mine) + (standing is None))
        self._question(payment, ("capture", number, name), amount, content, refusal)

    @staticmethod
    def _free_parcel(payment, pick):
        """Mostly a parcel whose money was not asked for yet."""
        free = [number + 1 for number in SELLERS if not payment.about("capture", number + 1)]
        return free[pick % len(free)] if free and pick % 5 else pick % len(SELLERS) + 1

    def _release(self, pick, part, extras, fault):
        payment = self._pick(pick, lambda one: one.left() > 0)
        self.meets(fault)
        self._release_part(payment, pick % 3 + 1, f"piece {pick % 7}", self._share(payment.left(), part))

    def _release_part(self, payment, number, name, amount):
        old = payment.questions.get(pay.message_id(payment.id, "release", number, name))
        if old:
            refusal = pay.StaleKey if old["amount"] != amount else None
        elif payment.standing("reverse"):
            refusal = pay.ReversalAsked
        else:
            refusal = pay.TooMuch if amount > payment.left() else None
        self._question(payment, ("release", number, name), amount, {}, refusal)

    def _refund(self, pick, part, extras, fault):
        payment = self._pick(pick, lambda one: one.captured > one.asked("refund"))
        sold = [each for each in payment.standing("capture") if each["code"] == "00"]
        if not sold:
            self._capture(pick, part, extras, fault)
            return
        self.meets(fault)
        of = sold[pick % len(sold)]
        back = [each for each in payment.standing("refund") if each["parcel"] == of["parcel"]]
        left = {what: of[what] - sum(each[what] for each in back) for what in ("goods", "fare", "subsidy")}
        amount = self._share(left["goods"] + left["fare"], part)
        goods = min(amount, left["goods"]) if part != "too much" else amount
        content = {
            "seller_id": of["seller_id"], "goods": goods, "fare": amount - goods,
            "subsidy": left["subsidy"] if part == "all" else 0, "commission_bp": of["commission_bp"],
        }  # fmt: skip
        name = str(pick % 11)
        old = payment.questions.get(pay.message_id(payment.id, "refund", of["parcel"], name))
        if old:
            refusal = pay.StaleKey if old["amount"] != amount else None
        else:
            # Each parcel gives back its own goods and its own fare, never another parcel's money.
            refusal = pay.TooMuch if goods > left["goods"] or amount - goods > left["fare"] else None
        self._question(payment, ("refund", of["parcel"], name), amount, content, refusal)

    def _reverse(self, payment, fault):
        self.meets(fault)
        waiting = [each for each in payment.standing("release") if each["code"] is None]
        refusal = pay.PartAsked if waiting or payment.standing("capture") else None
        self._question(payment, ("reverse", None, ""), payment.amount, {}, refusal)

    def _pick(self, number, is_fit):
        """A payment in which there is something to do; one made for it where there is none."""
        fitting = [payment for payment in self.shop.payments.values() if is_fit(payment)]
        if fitting:
            return fitting[number % len(fitting)]
        return self._new_payment(self._card(number), 1_500)

    def _card(self, pick):
        return list(self.accounts)[pick % len(self.accounts)]

    @staticmethod
    def _share(left, part):
        return {"part": max(left // 3, 1), "half": max(left // 2, 1), "all": max(left, 1), "too much": left + 1}[part]

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
            self.met[f"{verb} refused here: {refusal.__name__}"] += 1
            return
        message = asked(ask, **about)
        assert message.id == pay.message_id(payment.id, verb, parcel, part)
        payment.questions.setdefault(
            message.id, {"verb": verb, "parcel": parcel, "amount": amount, "code": None, **content}
        )
        self.send(payment, message)

    # ------------------------------------------------------------ cards among themselves

    @rule(pick=PICK, other=PICK, what=CARD_DEEDS, amount=AMOUNTS, pin_is_right=RIGHT, times=st.integers(1, 2))
    def a_card_deed(self, pick, other, what, amount, *, pin_is_right, times):
        number = self._card(pick)
        if what == "load":
            self._load(number, amount, times)
        elif what == "redeem":
            key, card = uuid.uuid4(), self.network.cards[number]["card"]
            pin = PIN if pin_is_right else "1111"
            codes = {sending.redeem(key=key, card=card, amount=amount, pin=pin, by=CLERK).code for _ in range(times)}
            assert codes == {self.network.redeem(number, amount, pin_is_right)}
            self.met.update(f"redeem {code}" for code in codes)
        elif what == "send":
            self._send_money(number, self._card(other), amount, pin_is_right, times)
        else:
            self._about_a_claim(what, pick, pin_is_right, times)

    def _send_money(self, payer, payee, amount, pin_is_right, times):
        key, fee, pin = uuid.uuid4(), sending.fee_for_sending(), PIN if pin_is_right else "1111"
        form = {"key": key, "amount": amount, "fee": fee, "pin": pin}
        form |= {"payer": self.network.cards[payer]["card"], "payee": self.network.cards[payee]["card"]}
        if payer == payee:
            with pytest.raises(Refused):
                sending.send(**form)
            return
        told = [sending.send(**form) for _ in range(times)]
        code = self.network.send(key, payer=payer, payee=payee, amount=amount, fee=fee, pin_is_right=pin_is_right)
        assert {each.code for each in told} == {code}
        self.network.sent[key]["row"] = told[0]
        self.met[f"send {code}"] += 1

    def _about_a_claim(self, what, pick, pin_is_right, times):
        """A sending is called a mistake; who received it agrees or refuses, or nobody answers in time."""
        if not self.network.sent:
            self._send_money(self._card(pick), self._card(pick + 1), 100, True, times)
        elif what != "claim" and not any(map(self.network.is_open, self.network.sent)):
            self._about_a_claim("claim", pick, True, times)
        every = [key for key, sent in self.network.sent.items() if what == "claim" or sent["claim"]]
        fitting = [key for key in every if what == "claim" or self.network.is_open(key)]
        if pick % 3:
            every = fitting or every
        if not every:
            return
        key = every[pick % len(every)]
        sent = self.network.sent[key]
        payer, payee = (self.network.cards[sent[who]]["card"] for who in ("payer", "payee"))
        if what == "claim":
            self._claim(key, sent["row"], payer, payee)
            return
        claim = claims.Claim.objects.select_related("instruction").get(instruction_id=key)
        if what == "agree":
            self._agree(key, claim, payee, pin_is_right, times)
        elif what == "refuse":
            self._refuse(key, claim, payee)
        else:
            self._behind_the_guards(
                "UPDATE network_claim SET expires_at = now() - interval '1 s' WHERE instruction_id = %s", key
            )
            sent["overdue"] = True

    def _claim(self, key, row, payer, payee):
        with pytest.raises(Refused):  # only who sent it
            claims.make_claim(card=payee, sent=row, reason="mine now")
        if not self.network.claim(key):
            with pytest.raises(Refused):
                claims.make_claim(card=payer, sent=row, reason="a wrong number")
            return
        assert len({claims.make_claim(card=payer, sent=row, reason="a wrong number").pk for _ in range(2)}) == 1
        self.met["a claim"] += 1

    def _agree(self, key, claim, payee, pin_is_right, times):
        form = {"key": uuid.uuid4(), "claim": claim, "card": payee, "pin": PIN if pin_is_right else "1111"}
        if not self.network.is_open(key) and self.network.sent[key]["claim"] != "agreed":
            with pytest.raises(Refused):
                claims.agree(**form)
            self.met["agreed too late"] += 1
            return
        code = self.network.agree(key, pin_is_right)
        assert {claims.agree(**form) for _ in range(times)} == {code}
        self.met[f"agree {code}"] += 1

    def _refuse(self, key, claim, payee):
        sent = self.network.sent[key]
        if self.network.is_open(key):
            sent["claim"] = "refused"
            self.met["a claim refused"] += 1
        elif sent["claim"] != "refused":
            with pytest.raises(Refused):
                claims.refuse(claim=claim, card=payee)
            return
        claims.refuse(claim=claim, card=payee)

    # ------------------------------------------------------------ the world

    @rule(what=st.sampled_from(["tick", "a day", "tick", "jobs"]), fault=FAULT)
    def the_world(self, what, fault):
        if what == "tick":
            self.meets(fault)
            self.tick()
        elif what == "a day":
            self.close_and_settle()
        else:
            expire_holds()
            for number in self.accounts:
                self.network.expire(number)
            ended = self.network.end_claims()
            assert claims.expire_claims() == ended
            self.met["a claim expired"] += ended
