"""A history of sales, returns, disputes, days and mornings, and an account of it kept with pencil and paper.

`Lived` does to the shop what a history says and notes, apart from all tables of the ledger, what must come of it: who
is owed what at which cut, what commission is due, and what each morning may pay out.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from payments import audit, pay
from payments.gateway import Answer, NoAnswer
from payments.models import DayCut, Message, Payment, Transfer
from payments.network import settlement_file
from payments.network.desk import SETTLEMENTS
from payments.network.verbs import charge_back
from payments.reconciliation import keep_file
from payments.settlement import (
    close_day,
    payouts_of,
    settle,
    settle_waiting_days,
    settle_with_file,
    waiting_days,
)
from payments.settlement_models import Settlement, SettlementFile, SettlementLine
from tests.payments.cast import asked, authorised, issued, next_day, recorded

COMMISSION = (300, 0, 1_234)  # basis points, by seller
STEPS = ("close", "file", "settle", "morning", "all mornings", "network")
FARES = "fares"
Who = int | str  # a seller, or FARES: the couriers


@dataclass
class Sale:
    payment: Payment
    question: uuid.UUID
    seller: int
    goods: int
    fare: int
    subsidy: int
    heard: bool
    back: Counter[str] = field(default_factory=Counter)  # gone back at the network, or asked to
    known: Counter[str] = field(default_factory=Counter)  # the same as our books know it: disputes by their files
    booked: Counter[str] = field(default_factory=Counter)  # what our books know: sold less returned
    commission: int = 0

    def left(self, what: str) -> int:
        return int(getattr(self, what)) - max(self.back[what], self.known[what])

    def disputed(self, amount: int, known: Counter[str]) -> Counter[str]:
        """The part of a dispute that is goods, fare and the voucher's share, by what is `known` to have gone back."""
        goods = min(amount, self.goods - known["goods"])
        due = self.subsidy * (known["goods"] + goods) // self.goods
        return Counter(goods=goods, fare=amount - goods, subsidy=max(due - known["subsidy"], 0))


@dataclass
class Day:
    """A closed day on paper."""

    cut: DayCut
    fault: str  # of its file: "late", "cut short" or none
    owed: Counter[Who]  # at the cut, less what was paid out since
    disputes: list[tuple[Sale, int]]
    moves: list[tuple[uuid.UUID, uuid.UUID, int]]
    is_kept: bool = False
    is_finished: bool = False
    paid: Counter[Who] = field(default_factory=Counter)
    received: Counter[uuid.UUID] = field(default_factory=Counter)

    def receive(self, unheard: set[uuid.UUID]) -> None:
        """What the file brings: each line once it is answered here."""
        self.received = Counter({key: won for key, _payment, won in self.moves if key not in unheard})


class Lived:
    def __init__(self) -> None:
        _finish_what_others_left()
        self.base = random.SystemRandom().randrange(10**12)
        limits = {"per_payment": 10**6, "per_day": 10**9, "count_day": 10**6}
        self.card = issued(900_000, **limits)[1]
        self.before = self.balances()
        self.sales: list[Sale] = []
        self.unheard: list[tuple[Message, Answer, Sale, Counter[str]]] = []
        # Since the last cut, at the network:
        self.disputes: list[tuple[Sale, int]] = []
        self.moves: list[tuple[uuid.UUID, uuid.UUID, int]] = []  # question, payment, won
        # What stands on the paper.
        self.owed: Counter[Who] = Counter({FARES: self.before["delivery"]})
        self.captured = self.refunded = self.vouchers = 0
        self.days: dict[date, Day] = {}

    # ------------------------------------------------------------ what happens

    def sale(self, seller: int, goods: int, fare: int, subsidy: int, heard: bool) -> None:
        payment = authorised(self.card, goods + fare)
        won = Counter(goods=goods, fare=fare, subsidy=subsidy)
        question = asked(
            pay.ask_capture, payment=payment, parcel=1, seller_id=self.base + seller,
            commission_bp=COMMISSION[seller], **won,
        )  # fmt: skip
        sale = Sale(payment, question.id, seller, goods, fare, subsidy, heard)
        self.sales.append(sale)
        self._answer(question, sale, won, heard)

    def refund(self, pick: int, goods: int, fare: int, heard: bool) -> None:
        """`goods` and `fare` in hundredths of what is left of them."""
        if (sale := self._pick(pick)) is None:
            return
        parts = {"goods": goods, "fare": fare, "subsidy": goods}
        back = Counter({what: sale.left(what) * part // 100 for what, part in parts.items()})
        if not back["goods"] + back["fare"]:
            return
        question = asked(
            pay.ask_refund, payment=sale.payment, parcel=1, part=len(list(sale.payment.messages.all())),
            seller_id=self.base + sale.seller, commission_bp=COMMISSION[sale.seller], **back,
        )  # fmt: skip
        sale.back.update(back)
        sale.known.update(back)
        self._answer(question, sale, Counter({what: -won for what, won in back.items()}), heard)

    def dispute(self, pick: int, part: int) -> None:
        """The network gives money back by itself; the shop reads of it in the file."""
        sale = self._pick(pick)
        amount = (sale.left("goods") + sale.left("fare")) * part // 100 if sale else 0
        if sale is None or not amount:
            return
        case = charge_back(case=uuid.uuid4(), capture=sale.question, amount=amount, reason="never came").pk
        self.moves.append((case, sale.payment.pk, -amount))
        sale.back.update(sale.disputed(amount, sale.back))
        self.disputes.append((sale, amount))

    def answers(self) -> None:
        """Healing: what the network did and we did not hear of is written down."""
        for question, answer, sale, change in self.unheard:
            recorded(question, answer)
            sale.heard = True
            self._book(sale, change)
        self.unheard.clear()

    def close(self, fault: str) -> None:
        cut = close_day(next_day())
        self.days[cut.day] = Day(cut, fault, Counter(self.owed), self.disputes, self.moves)
        self.disputes, self.moves = [], []
        assert self.balances(cut) == self._expected(), "closings"

    def files(self) -> None:
        """Whatever was wrong with files is right now."""
        for day in self.days.values():
            day.fault = ""

    def morning(self, order: Callable[[list[Day]], list[Day]] = list) -> None:
        """Settle every day that waits, in order or in another; then nothing moves by doing it all again."""
        for day in order([day for day in self.days.values() if not day.is_finished]):
            settled = settle_with_file(day.cut)
            self._morning_of(day)
            assert (settled.waits_for == "") == day.is_finished, (settled, day)

    def again(self, steps: list[tuple[str, int]]) -> None:
        """Any step of any day, in any order, twice: right after a morning nothing is left to be done."""
        before = rows()
        for step, pick in steps * 2:
            if self.days:
                day = list(self.days.values())[pick % len(self.days)]
                self._again(step, day)
                assert rows() == before, (step, day)

    def _again(self, step: str, day: Day) -> None:
        if step == "close":
            close_day(day.cut.day)
        elif step == "file" and day.is_kept:
            keep_file(day.cut, settlement_file.write(day.cut))
        elif step == "settle":
            settle(day.cut)
        elif step == "morning":
            settle_with_file(day.cut)
        elif step == "all mornings":
            list(settle_waiting_days())
        elif step == "network" and day.is_kept and self._network_has_paid(day):
            settlement_file.hand_out(day.cut.day)

    def _network_has_paid(self, day: Day) -> bool:
        """Where disputes had eaten up what it owed, it pays the day's remainder when it is asked again and owes it."""
        return Transfer.objects.filter(kind="settle", uuid=uuid.uuid5(SETTLEMENTS, str(day.cut.day))).exists()

    def hand_out(self, day: date) -> bytes:
        """In place of the gateway's `file`."""
        fault = self.days[day].fault if day in self.days else ""
        if fault == "late":
            raise NoAnswer
        content = settlement_file.hand_out(day)
        return content[:-1] if fault == "cut short" else content

    # ------------------------------------------------------------ on paper

    def _pick(self, number: int) -> Sale | None:
        heard = [sale for sale in self.sales if sale.heard]
        return heard[number % len(heard)] if heard else None

    def _answer(self, question: Message, sale: Sale, change: Counter[str], heard: bool) -> None:
        answer = pay.send(question)
        assert answer.code == "00", answer
        self.moves.append((question.id, sale.payment.pk, change["goods"] + change["fare"]))
        if heard:
            recorded(question, answer)
            self._book(sale, change)
        else:
            self.unheard.append((question, answer, sale, change))

    def _book(self, sale: Sale, change: Counter[str]) -> None:
        sale.booked.update(change)
        due = (sale.booked["goods"] + sale.booked["subsidy"]) * COMMISSION[sale.seller] // 10_000
        self.owed[sale.seller] += change["goods"] + change["subsidy"] - (due - sale.commission)
        self.owed[FARES] += change["fare"]
        sale.commission = due
        won = change["goods"] + change["fare"]
        self.captured += max(won, 0)
        self.refunded += max(-won, 0)
        self.vouchers += change["subsidy"]

    def _morning_of(self, day: Day) -> None:
        if not day.is_kept:
            if day.fault:
                return
            day.is_kept = True
            for sale, amount in day.disputes:  # files may come in another order than the disputes
                back = sale.disputed(amount, sale.known)
                sale.known.update(back)
                self._book(sale, Counter({what: -won for what, won in back.items()}))
        unheard = {question.id for question, *_ in self.unheard}
        day.receive(unheard)
        if any(not earlier.is_kept for earlier in self.days.values() if earlier.cut.pk < day.cut.pk):
            return
        for who in [FARES, *range(len(COMMISSION))]:
            due = min(day.owed[who], self.owed[who])
            if due > 0 and not day.paid[who]:
                day.paid[who] = due
                self.owed[who] -= due
                for closed in self.days.values():
                    closed.owed[who] -= due
        day.is_finished = not any(key in unheard for key, _, _ in day.moves)

    # ------------------------------------------------------------ compared

    def check(self, *, audited: bool = True) -> None:
        """The paper and the ledger say the same; the audits read all of it, so they are for the mornings."""
        assert not audited or [finding.view for finding in audit.audit() if finding.rows] == []
        found = self.balances()
        assert found == self._expected()
        paid = sum(sum(day.paid.values()) for day in self.days.values())
        got = {name: found[name] - self.before[name] for name in found}
        sellers = sum(won for name, won in got.items() if name.isdigit())
        # Payouts + what is still owed + commission = captures − refunds (and what vouchers put to it).
        assert paid + sellers + got["delivery"] + got["commission"] + got["promotion"] == self.captured - self.refunded
        booked = {
            day.cut.day: {self._who(row): row.amount for row in payouts_of(day.cut)} for day in self.days.values()
        }
        assert booked == {key: {who: won for who, won in day.paid.items() if won} for key, day in self.days.items()}

    def end(self) -> None:
        """Every answer and every file has come: all is received, and nobody is owed what a cut says they are."""
        self.answers()
        self.files()
        self.close("")
        for _ in range(2):
            self.morning()
        self.check()
        assert not waiting_days().exists()
        assert self.balances()["network"] == self.before["network"]
        assert all(self.owed[who] <= 0 for who in self.owed)

    def _expected(self) -> dict[str, int]:
        received = sum(sum(day.received.values()) for day in self.days.values())
        expected = {str(self.base + seller): self.owed[seller] for seller in range(len(COMMISSION))}
        expected["delivery"] = self.owed[FARES]
        expected["commission"] = self.before["commission"] + sum(sale.commission for sale in self.sales)
        expected["promotion"] = self.before["promotion"] - self.vouchers
        expected["network"] = self.before["network"] - (self.captured - self.refunded) + received
        return expected

    def balances(self, cut: DayCut | None = None) -> dict[str, int]:
        """Of the shop book, by kind or by seller: now, or as the closings say they were at `cut`."""
        mine = [str(getattr(self, "base", 0) + seller) for seller in range(len(COMMISSION))]
        of = "balance_of(a.id)"
        if cut is not None:
            of = (
                "coalesce((SELECT balance FROM payments_closing c WHERE c.account_id = a.id AND c.cut_id <= %(cut)s"
                " ORDER BY c.cut_id DESC LIMIT 1), 0)"
            )
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT coalesce(nullif(owner, ''), kind), {of} FROM payments_account a"  # noqa: S608
                " WHERE kind IN ('network', 'commission', 'delivery', 'promotion')"
                " OR (kind = 'seller' AND owner = ANY(%(mine)s))",
                {"mine": mine, "cut": cut and cut.pk},
            )
            return {**dict.fromkeys(mine, 0), **dict(cursor.fetchall())}

    def _who(self, row: Transfer) -> Who:
        return int(row.debit_account.owner) - self.base if row.kind == "payout" else FARES


def rows() -> tuple[list[Any], ...]:
    """All that a settlement writes."""
    return (
        list(Transfer.objects.order_by("seq").values_list("uuid", "kind", "amount")),
        list(DayCut.objects.order_by("id").values_list("day", "seq", "seal__digest")),
        list(SettlementFile.objects.order_by("cut").values_list("id", "cut", "lines")),
        list(SettlementLine.objects.order_by("id").values_list("id", "amount")),
        list(Settlement.objects.order_by("cut").values_list("cut", "received", "returned", "paid_out", "payouts")),
        list(Message.objects.order_by("id").values_list("id", "code", "file_id")),
    )


def _finish_what_others_left() -> None:
    """A history that failed left answers unheard and days unsettled."""
    for question in Message.objects.filter(code=None):
        recorded(question, pay.inquire(question) or Answer("25"))
    close_day(next_day())
    for _ in range(2):
        list(settle_waiting_days())
