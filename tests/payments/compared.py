"""The database beside the auditor's dicts: what is compared after every step of a history, and how it is asked."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from queue import SimpleQueue

from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from payments import faults, pay, reconciliation, settlement
from payments.audit import AUDITS
from payments.gateway import Answer, NoAnswer
from payments.models import Message
from payments.network import claims, desk, settlement_file
from tests.payments import auditor
from tests.payments.auditor import SILENT
from tests.payments.cast import asked, next_day, recorded

SELLERS = {0: 300, 1: 0, 2: 1_234, 3: 500}  # commission in basis points
SHARED = ("network", "commission", "delivery", "promotion", "bank")

# All that is compared, in one round trip, planned once for a connection.
PREPARE = f"""
PREPARE everything (bigint[], uuid[], text[]) AS SELECT json_build_object(
    'audits', (SELECT json_object_agg(name, rows) FROM (
        {" UNION ALL ".join(f"SELECT '{view}' AS name, count(*) AS rows FROM {view}" for view in AUDITS)}) a
         WHERE rows > 0),
    'cards', (SELECT json_object_agg(b.account_id, json_build_array(b.posted, b.held, c.pin_tries))
                FROM network_balance b JOIN network_card c USING (account_id) WHERE b.account_id = ANY($1)),
    'payments', (SELECT json_object_agg(p.id, json_build_array(
                            json_build_array(p.state, p.code, p.captured, p.released, p.refunded),
                            json_build_array(a.code, a.state, a.captured, a.released, a.refunded)))
                   FROM payments_payment p
                   JOIN payments_message m ON m.payment_id = p.id AND m.verb = 'authorise'
                   LEFT JOIN network_authorisation a ON a.id = m.id WHERE p.id = ANY($2)),
    'answers', (SELECT json_object_agg(id, code) FROM payments_message WHERE payment_id = ANY($2)),
    'claims', (SELECT json_object_agg(c.instruction_id, c.state) FROM network_claim c
                 JOIN network_instruction i ON i.id = c.instruction_id WHERE i.account_id = ANY($1)),
    'balances', (SELECT json_object_agg(trim(kind || ' ' || owner), balance_of(id)) FROM payments_account
                  WHERE owner = '' OR (kind = 'seller' AND owner = ANY($3))))
"""  # noqa: S608 - the views' names are the audit's own


class Compared(RuleBasedStateMachine):
    met: Counter[str] = Counter()  # what all histories of a run have met, to know that they were worth it

    def __init__(self) -> None:
        super().__init__()
        self.network, self.shop = auditor.Network(self.met), auditor.Shop()
        self.line = auditor.Line(self.network)
        self.filed: list[tuple] = []
        self.presented: dict[str, object] = {}
        self.accounts: dict[str, int] = {}
        self.seller_base = random.SystemRandom().randrange(10**12)
        self.by_two = False  # whether the next answer is recorded by two workers at once

    def begin_beside_other_histories(self):
        """The ledger is not empty: close and settle what others left, and count from there.

        Where they left the shop or the couriers owing something, the next payment to them is that much smaller.
        """
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
            cursor.execute(PREPARE)
        faults.expect()
        claims.expire_claims()
        self.close_and_settle()
        self.base = self._found()["balances"]
        self.shop.accounts.clear()
        self.shop.accounts["delivery"], self.base["delivery"] = self.base["delivery"], 0
        owed, self.base["merchant"] = self.base["merchant"], 0
        self.network.merchant = self.network.float = owed
        self.base["float"] += owed

    # ------------------------------------------------------------ ask, compare, record

    def meets(self, fault):
        faults.weather().script.append(fault)
        self.line.faults.append(fault)

    def message(self, key):
        return Message.objects.select_related("payment").get(pk=key)

    def compare(self, what, call, expected):
        """What the shop heard, which must be what the auditor expects: a code, nothing known, or silence."""
        try:
            answer = call()
        except NoAnswer:
            answer = SILENT
        told = answer.code if isinstance(answer, Answer) else answer
        assert told == expected, (what, told, expected)
        self.met[f"{what} {told}"] += 1
        return answer

    def ask_and_record(self, payment, message, expected, presented=None):
        answer = self.compare(message.verb, lambda: pay.send(message, presented), expected)
        if answer is not SILENT:
            self.record(payment, message, answer)

    def record(self, payment, message, answer):
        is_new = payment.questions[message.id]["code"] is None
        if self.by_two and is_new:
            self.by_two = False
            recorded_by_two(message, answer)
            self.met["an answer recorded by two at once"] += 1
        else:
            recorded(message, answer)
        self.shop.record(payment, payment.questions[message.id], answer.code)
        if is_new and answer.code == "00":
            self._count(payment, message.verb)

    def _count(self, payment, verb):
        self.met[f"{verb} recorded"] += 1
        if verb == "capture":
            self.met["a part captured, more held"] += payment.state == "authorised"
            self.met["another capture of the same payment"] += len(payment.standing("capture")) > 1
        if verb == "refund":
            self.met["another refund of the same payment"] += len(payment.standing("refund")) > 1
            self.met["everything refunded"] += payment.refunded == payment.captured

    def send(self, payment, message):
        expected = self.line.tell(auditor.Ask(message.id, message.verb, message.amount, payment.authorisation))
        self.ask_and_record(payment, message, expected)

    def tick(self):
        for payment in self.shop.payments.values():
            for key in [key for key, question in payment.questions.items() if question["code"] is None]:
                if payment.questions[key]["code"] is None:
                    self._heal(payment, self.message(key))

    def _heal(self, payment, message):
        """As orders/healing.py does, without an order."""
        if message.verb != "authorise":
            self.send(payment, message)
            return
        expected = self.line.inquire(message.id)
        answer = self.compare("inquiry", lambda: pay.inquire(message), expected)
        if answer is SILENT:
            return
        if answer is not None:
            self.record(payment, message, answer)
        elif payment.state == "pending":
            undo = asked(pay.ask_reverse, payment=payment.id)
            payment.questions.setdefault(undo.id, {"verb": "reverse", "amount": payment.amount, "code": None})
            self.send(payment, undo)

    # ------------------------------------------------------------ days

    def close_and_settle(self):
        settlement.close_day(next_day())
        waiting = list(settlement.waiting_days())
        for _ in range(2):  # the second run changes nothing
            for cut in waiting:
                desk.pay_shop(cut)
                reconciliation.keep_file(cut, settlement_file.write(cut))  # past the bad line, which has its own tests
                settlement.settle(cut)
        self.met["a day with money in its file"] += bool(self.network.since_cut)
        accounts = self.shop.accounts
        received = self._received()
        self.met["a receipt"] += received != 0
        accounts["network"] += received
        accounts["bank"] -= received
        for name in list(accounts):
            if name.startswith(("seller", "delivery")) and accounts[name] > 0:
                self.met["a payout"] += name.startswith("seller")
                accounts["bank"] += accounts[name]
                accounts[name] = 0
            self.met["a seller owes"] += name.startswith("seller") and accounts[name] < 0
        if self.network.merchant > 0:
            self.network.float -= self.network.merchant
            self.network.merchant = 0

    def _received(self):
        """What the files bring: each line once it is answered here."""
        self.filed += self.network.since_cut
        self.network.since_cut.clear()
        answered = [line for line in self.filed if self.shop.answered(line[0])]
        self.filed = [line for line in self.filed if line not in answered]
        return sum(moved for _key, _authorisation, moved in answered)

    # ------------------------------------------------------------ after every step

    def _found(self):
        sellers = [str(self.seller_base + seller) for seller in SELLERS]
        with connection.cursor() as cursor:
            cursor.execute(
                "EXECUTE everything (%s::bigint[], %s::uuid[], %s::text[])",
                [list(self.accounts.values()), list(self.shop.payments), sellers],
            )
            found = cursor.fetchone()[0]
        return found if isinstance(found, dict) else json.loads(found)

    @invariant()
    def the_database_is_as_the_auditor_has_it(self):
        found = self._found()
        assert not found["audits"], found["audits"]
        self._compare_cards(found["cards"] or {})
        self._compare_payments(found["payments"] or {}, found["answers"] or {})
        self._compare_books(found["balances"])
        claims = {str(key): sent["claim"] for key, sent in self.network.sent.items() if sent["claim"]}
        assert (found["claims"] or {}) == claims

    def _compare_cards(self, found):
        assert len(found) == len(self.accounts)
        for number, account in self.accounts.items():
            card, held = self.network.cards[number], self.network.held(number)
            assert found[str(account)] == [card["posted"], held, card["tries"]]
            assert 0 <= held <= card["posted"]

    def _compare_payments(self, found, codes):
        assert len(found) == len(self.shop.payments)
        asked_here = {}
        for key, mine in self.shop.payments.items():
            ours, theirs = found[str(key)]
            assert ours == [mine.state, mine.code, mine.captured, mine.released, mine.refunded]
            asked_here |= {str(id): question["code"] for id, question in mine.questions.items()}
            hold = self.network.holds.get(mine.authorisation)
            assert theirs == (
                [None] * 5 if hold is None else [hold[k] for k in ("code", "state", "captured", "released", "refunded")]
            )
            assert mine.captured + mine.released <= mine.amount
            # Nobody is told "nothing has been taken" while something is held, and a refusal is for ever.
            assert not (mine.state in ("declined", "cancelled") and theirs[1] == "open"), (mine, theirs)
            if theirs[0] is not None:
                self.shop.codes[mine.authorisation].add(theirs[0])
            assert len(self.shop.codes[mine.authorisation]) <= 1
        assert codes == asked_here

    def _compare_books(self, now):
        mine = self.shop.accounts
        expected = {name: self.base.get(name, 0) + mine[name] for name in SHARED}
        expected |= {name: amount for name, amount in mine.items() if name.startswith("seller")}
        expected |= {
            "float": self.base["float"] - self.network.float,
            "merchant": self.base["merchant"] + self.network.merchant,
            "fees": self.base["fees"] + self.network.fees,
        }
        differing = {
            name: (now.get(name, 0), amount) for name, amount in expected.items() if now.get(name, 0) != amount
        }
        assert differing == {}, differing
        # Money in = what is on cards + what the shop is owed + fees.
        on_cards = sum(card["posted"] for card in self.network.cards.values())
        assert self.network.float == on_cards + self.network.merchant + self.network.fees

    # ------------------------------------------------------------ at the end

    def teardown(self):
        if not self.network.cards:
            return
        faults.weather().script.clear()
        self.line.faults.clear()
        for _ in range(4):
            self.tick()
        for _ in range(3):  # what is still on its way arrives, too late
            faults.weather().arrive()
            self.line.arrive()
        self.tick()
        self.the_database_is_as_the_auditor_has_it()
        for payment in self.shop.payments.values():
            assert payment.state != "pending"
            assert None not in [question["code"] for question in payment.questions.values()]
            hold = self.network.holds[payment.authorisation]
            assert (hold["captured"], hold["released"], hold["refunded"]) == (
                payment.captured, payment.released, payment.refunded,
            )  # fmt: skip
        self.met["histories"] += 1


def recorded_by_two(message, answer):
    """Two workers heard the same answer: the second must wait for the first and find it written."""
    pids, failures = SimpleQueue(), []

    def second():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.put(cursor.fetchone()[0])
            recorded(message, answer)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        pay.record(message_id=message.id, answer=answer)
        other.start()
        _wait_until_blocked(pids.get(timeout=10), other)
    other.join(10)
    assert not other.is_alive()
    assert failures == []


def _wait_until_blocked(pid, thread):
    for _ in range(2_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_blocking_pids(%s) <> '{}', pg_sleep(0.002)", [pid])
            if cursor.fetchone()[0] or not thread.is_alive():
                return
    raise AssertionError("the second worker neither waits nor ends")
