"""The auditor: the network and both books once more, as plain dicts, knowing nothing of the code under test.

`Network` says what the network must answer and hold; `Shop` what the shop must write down. A bad line stands between
them: `Line.call` keeps the same account of lost, repeated and late calls as the machine arranges for the real one.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from uuid import UUID

from payments.pay import message_id

SILENT = "silent"
STANDING = (None, "00")
# In which states of a hold a verb finds something: what expired is free already, and its release is written down.
_DRAWN_FROM = {
    "capture": ["open"],
    "release": ["open", "expired"],
    "refund": ["open", "done", "expired", "reversed"],
}


@dataclass
class Ask:
    id: UUID
    verb: str
    amount: int
    of: UUID
    card: str = ""
    pin_is_right: bool = True
    holder_is_right: bool = True


class Network:
    def __init__(self, met: Counter[str]) -> None:
        self.met = met  # how often each kind of thing happened
        self.cards: dict[str, dict] = {}  # number → posted, tries, lost, per_payment
        self.holds: dict[UUID, dict] = {}  # every authorisation ever heard
        self.done: dict[UUID, tuple] = {}  # every other question that was approved
        self.float = self.merchant = self.fees = 0
        self.since_cut: list[tuple[UUID, UUID, int]] = []  # question, authorisation, won that came or went
        self.sent: dict[UUID, dict] = {}  # every sending: payer, payee, amount, code, and the state of its claim

    def load(self, number: str, amount: int) -> None:
        self.cards[number]["posted"] += amount
        self.float += amount

    def available(self, number: str) -> int:
        return self.cards[number]["posted"] - self.held(number)

    def held(self, number: str) -> int:
        return sum(self.kept(hold) for hold in self.holds.values() if hold["card"] == number)

    @staticmethod
    def kept(hold: dict) -> int:
        return hold["amount"] - hold["captured"] - hold["released"] if hold["state"] == "open" else 0

    def expire(self, number: str) -> None:
        """The network sees what is overdue when it next looks at the card."""
        for hold in self.holds.values():
            if hold["card"] == number and hold["overdue"] and hold["state"] == "open":
                self.met["held money expired"] += self.kept(hold) > 0
                hold["state"] = "expired"

    def hear(self, ask: Ask) -> str:
        return {"authorise": self._authorise, "reverse": self._reverse}.get(ask.verb, self._move)(ask)

    def answer_to(self, key: UUID) -> str | None:
        return self.holds[key]["code"] if key in self.holds else "00" if key in self.done else None

    def _authorise(self, ask: Ask) -> str:
        if old := self.holds.get(ask.id):
            self.met["kept out by a tombstone" if old["amount"] == 0 else "an authorisation heard again"] += 1
            return old["code"] if old["amount"] in (0, ask.amount) else "94"
        code = self._judge(ask.card, ask.amount, ask.pin_is_right, holder_is_right=ask.holder_is_right)
        self._hold(ask.id, ask.card, ask.amount, code)
        return code

    def _judge(
        self,
        number: str,
        amount: int,
        pin_is_right: bool,
        *,
        holder_is_right: bool = True,
        fee: int = 0,
        limited: bool = True,
    ) -> str:
        self.expire(number)
        card = self.cards[number]
        if card["lost"]:
            return "41"
        if card["tries"] == 3:
            return "75"
        card["tries"] = 0 if pin_is_right else card["tries"] + 1
        if not pin_is_right:
            return "55"
        if not holder_is_right:
            return "57"
        if limited and amount > card["per_payment"]:
            return "61"
        return "00" if amount + fee <= self.available(number) else "51"

    def redeem(self, number: str, amount: int, pin_is_right: bool) -> str:
        code = self._judge(number, amount, pin_is_right, limited=False)
        if code == "00":
            self.cards[number]["posted"] -= amount
            self.float -= amount
        return code

    def send(self, key: UUID, *, payer: str, payee: str, amount: int, fee: int, pin_is_right: bool) -> str:
        code = self._judge(payer, amount, pin_is_right, fee=fee)
        if code == "00" and self.cards[payee]["lost"]:
            code = "78"
        if code == "00":
            self.cards[payer]["posted"] -= amount + fee
            self.cards[payee]["posted"] += amount
            self.fees += fee
        self.sent[key] = {
            "payer": payer, "payee": payee, "amount": amount, "code": code, "claim": None, "overdue": False,
        }  # fmt: skip
        return code

    def claim(self, key: UUID) -> bool:
        """Whether who sent it may call it a mistake; again changes nothing."""
        sent = self.sent[key]
        if sent["code"] == "00" and sent["claim"] is None:
            sent["claim"] = "open"
        return sent["claim"] is not None

    def is_open(self, key: UUID) -> bool:
        return self.sent[key]["claim"] == "open" and not self.sent[key]["overdue"]

    def agree(self, key: UUID, pin_is_right: bool) -> str:
        """The code for who received it and sends it back, all of it, without a fee and outside the limits."""
        sent = self.sent[key]
        if sent["claim"] == "agreed":
            return "00"
        code = self._judge(sent["payee"], sent["amount"], pin_is_right, limited=False)
        if code == "00":
            self.cards[sent["payee"]]["posted"] -= sent["amount"]
            self.cards[sent["payer"]]["posted"] += sent["amount"]
            sent["claim"] = "agreed"
        return code

    def end_claims(self) -> int:
        due = [sent for sent in self.sent.values() if sent["claim"] == "open" and sent["overdue"]]
        for sent in due:
            sent["claim"] = "expired"
        return len(due)

    def _hold(self, key: UUID, card: str, amount: int, code: str) -> None:
        state = "open" if code == "00" else "declined"
        self.holds[key] = {
            "card": card, "amount": amount, "code": code, "state": state,
            "captured": 0, "released": 0, "refunded": 0, "overdue": False,
        }  # fmt: skip

    def _reverse(self, ask: Ask) -> str:
        hold = self._original(ask)
        if hold is None:
            self.met["tombstone"] += 1
            self._hold(ask.of, "", 0, "68")
        elif hold["captured"]:
            return "12"
        elif hold["state"] == "open":
            hold["state"] = "reversed"
        return "00"

    def _original(self, ask: Ask) -> dict | None:
        hold = self.holds.get(ask.of)
        if hold and hold["overdue"] and hold["state"] == "open":
            self.expire(hold["card"])
        return hold

    def _move(self, ask: Ask) -> str:
        hold = self._original(ask)
        if ask.id in self.done:
            return "00" if self.done[ask.id] == (ask.verb, ask.amount, ask.of) else "94"
        if hold is None or hold["state"] not in _DRAWN_FROM[ask.verb]:
            return "25"
        left = hold["amount"] - hold["captured"] - hold["released"]
        if ask.amount > (hold["captured"] - hold["refunded"] if ask.verb == "refund" else left):
            return "13"
        self.done[ask.id] = (ask.verb, ask.amount, ask.of)
        hold[{"capture": "captured", "release": "released", "refund": "refunded"}[ask.verb]] += ask.amount
        if hold["state"] == "open" and hold["captured"] + hold["released"] == hold["amount"]:
            hold["state"] = "done"
        moved = {"capture": ask.amount, "release": 0, "refund": -ask.amount}[ask.verb]
        self.cards[hold["card"]]["posted"] -= moved
        self.merchant += moved
        if moved:
            self.since_cut.append((ask.id, ask.of, moved))
        return "00"


class Line:
    """What the shop hears of the network."""

    def __init__(self, network: Network) -> None:
        self.network, self.met = network, network.met
        self.faults: deque[str] = deque()
        self.late: list[tuple[int, Ask | None]] = []

    def arrive(self) -> None:
        waiting = [(calls - 1, ask) for calls, ask in self.late]
        self.late = [(calls, ask) for calls, ask in waiting if calls > 0]
        for calls, ask in waiting:
            if calls <= 0 and ask:
                self.network.hear(ask)

    def tell(self, ask: Ask) -> str:
        fault = self._next(ask)
        if fault in ("lost_request", "late"):
            return SILENT
        code = self.network.hear(ask)
        return code if fault in ("ok", "duplicate") else SILENT

    def inquire(self, key: UUID) -> str | None:
        return self.network.answer_to(key) if self._next(None) in ("ok", "duplicate") else SILENT

    def _next(self, ask: Ask | None) -> str:
        self.arrive()
        kind, _, calls = (self.faults.popleft() if self.faults else "ok").partition(":")
        self.met[f"fault {kind}"] += 1
        if kind == "late":
            self.late.append((int(calls), ask))
        return kind


@dataclass
class Payment:
    id: UUID
    order: str
    amount: int
    state: str = "pending"
    code: str | None = None
    card: str = ""
    captured: int = 0
    released: int = 0
    refunded: int = 0
    questions: dict[UUID, dict] = field(default_factory=dict)

    @property
    def authorisation(self) -> UUID:
        return message_id(self.id, "authorise")

    def standing(self, verb: str) -> list[dict]:
        return [each for each in self.questions.values() if each["verb"] == verb and each["code"] in STANDING]

    def about(self, verb: str, parcel: int) -> list[dict]:
        return [each for each in self.questions.values() if (each["verb"], each.get("parcel")) == (verb, parcel)]

    def asked(self, verb: str) -> int:
        return sum(each["amount"] for each in self.standing(verb))

    def left(self) -> int:
        """What could still be captured or released."""
        return self.amount - self.asked("capture") - self.asked("release") if self.state == "authorised" else 0


class Shop:
    def __init__(self) -> None:
        self.payments: dict[UUID, Payment] = {}
        self.accounts: Counter[str] = Counter()  # credits minus debits of the shop book
        self.goods: Counter[tuple] = Counter()  # by payment and seller: goods and vouchers kept
        self.commission: Counter[tuple] = Counter()
        self.codes: defaultdict[UUID, set] = defaultdict(set)  # every answer ever given to an authorisation

    def answered(self, key: UUID) -> bool:
        return any(p.questions[key]["code"] is not None for p in self.payments.values() if key in p.questions)

    def live(self, order: str) -> bool:
        return any(p.order == order and p.state in ("pending", "authorised", "done") for p in self.payments.values())

    def record(self, payment: Payment, question: dict, code: str) -> None:
        if question["code"] is not None:
            return
        question["code"] = code
        verb = question["verb"]
        if verb == "authorise":
            if code != "00":
                payment.state, payment.code = "declined", code
            elif not payment.standing("reverse"):
                payment.state, payment.code = "authorised", "00"
        elif code == "00":
            getattr(self, f"_{verb}d" if verb.endswith("e") else f"_{verb}ed")(payment, question)

    def _reversed(self, payment: Payment, question: dict) -> None:
        if payment.state == "pending":
            payment.state, payment.code = "declined", "68"
            authorise = payment.questions[payment.authorisation]
            authorise["code"] = authorise["code"] or "68"
        elif payment.state == "authorised":
            payment.state = "cancelled"

    def _released(self, payment: Payment, question: dict) -> None:
        payment.released += question["amount"]
        self._done_when_used_up(payment)

    def _captured(self, payment: Payment, question: dict) -> None:
        payment.captured += question["amount"]
        self._done_when_used_up(payment)
        self._book(payment, question, 1)

    def _refunded(self, payment: Payment, question: dict) -> None:
        payment.refunded += question["amount"]
        self._book(payment, question, -1)

    def _done_when_used_up(self, payment: Payment) -> None:
        if payment.captured + payment.released == payment.amount:
            payment.state = "done"

    def _book(self, payment: Payment, question: dict, sign: int) -> None:
        seller = f"seller {question['seller_id']}"
        about = (payment.id, seller)
        self.goods[about] += sign * (question["goods"] + question["subsidy"])
        fee = self.goods[about] * question["commission_bp"] // 10_000
        self.accounts[seller] += sign * (question["goods"] + question["subsidy"]) - (fee - self.commission[about])
        self.accounts["commission"] += fee - self.commission[about]
        self.accounts["promotion"] -= sign * question["subsidy"]
        self.accounts["delivery"] += sign * question["fare"]
        self.accounts["network"] -= sign * question["amount"]
        self.commission[about] = fee
