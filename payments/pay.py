"""The shop's verbs about money: ask the network, record its answers, post the shop book.

Every function that writes (`open_payment`, `ask_…`, `record`) needs an open transaction of the caller, who
has locked the order; it locks payment, then message, in this order, and opens none. `send` and `inquire`
call the network and refuse to run inside a transaction. All may be repeated: ids are made from what they
are about, so the same request is the same row.

How a payment goes:
    open_payment → commit → send → record(authorise)          held on the card, or declined
    ask_capture / ask_release → commit → send → record          per parcel, until nothing is held
    ask_refund → commit → send → record                         after capture
    ask_reverse → commit → send → record                        the whole authorisation, nothing captured
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import connection, transaction

from payments.gateway import APPROVED, Answer, Ask, Presented, gateway, understood
from payments.models import Message, Payment
from payments.rows import insert, read, read_one
from payments.shop_book import post_capture, post_refund

FIRST_TRY_SECONDS = 10
TOO_LATE = "68"
Verb = Message.Verb
State = Payment.State
LIVE = (State.PENDING, State.AUTHORISED, State.DONE)


class LivePayment(Exception):
    """The order has another payment that is pending, authorised or done: show that one."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(f"order {payment.order_code} has a live payment")
        self.payment = payment


class StaleKey(Exception):
    """This key or question was used for something else: the page is out of date."""


class PartAsked(Exception):
    """A capture of this payment is asked or done, or a release is unanswered: it cannot be reversed as a whole."""


class ReversalAsked(Exception):
    """The payment is being reversed: nothing can be captured or released from it."""


class TooMuch(Exception):
    """More than is left of this payment."""


# ---------------------------------------------------------------- questions, written before they are asked


def open_payment(*, key: UUID, order_code: str, amount: int) -> Message:
    """The authorisation question of the payment `key`: new, or the one already written for it.

    Send it while `message.code` is None: the network answers the same question once, so a repeat with the
    card in hand is safe. Raises LivePayment when another payment of the order is live, StaleKey when the key
    belongs to another order or amount.
    """
    _require_transaction()
    if payment := _insert_new(Payment(id=key, order_code=order_code, amount=amount)):
        return _Questions(payment, messages=[]).ask(Verb.AUTHORISE, amount=amount)
    payment = Payment.objects.select_for_update(no_key=True).filter(pk=key).first()
    if payment is None:
        raise LivePayment(Payment.objects.get(order_code=order_code, state__in=LIVE))
    if (payment.order_code, payment.amount) != (order_code, amount):
        raise StaleKey
    return _Questions(payment).ask(Verb.AUTHORISE, amount=amount)


def _insert_new(payment: Payment) -> Payment | None:
    """The payment, written; None when its key, or a live payment of its order, was there before.

    Of two firsts at once one waits here for the other's commit, whichever unique index it would break.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_payment (id, order_code, amount) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [payment.id, payment.order_code, payment.amount],
        )
        return payment if cursor.rowcount else None


def ask_capture(
    *, payment: Payment, parcel: int, seller_id: int, goods: int, fare: int, commission_bp: int, subsidy: int = 0
) -> Message:
    """Ask for `goods` + `fare` won of what is held, for one parcel, once; after a refusal, once more.

    A refused question keeps its answer for ever, so asking again is a question of its own: an approval can be recorded.
    `subsidy` is what a voucher paid of the goods beside that: the bureau makes the seller whole.
    Raises ReversalAsked, or TooMuch when less is left of the payment.
    """
    questions = _Questions(_lock(payment))
    part = questions.part_after_refusals(Verb.CAPTURE, parcel=parcel)
    if old := questions.asked(Verb.CAPTURE, parcel=parcel, part=part, amount=goods + fare):
        return old
    if questions.standing(Verb.REVERSE):
        raise ReversalAsked
    questions.require_left(goods + fare)
    return questions.ask(
        Verb.CAPTURE,
        amount=goods + fare,
        parcel=parcel,
        part=part,
        seller_id=seller_id,
        goods=goods,
        fare=fare,
        subsidy=subsidy,
        commission_bp=commission_bp,
    )


def ask_release(*, payment: Payment, parcel: int, part: str | int, amount: int) -> Message:
    """Ask to give `amount` won back to the card before capture: `part` names the line, or "" the whole parcel.

    Raises ReversalAsked, or TooMuch when less is left of the payment.
    """
    questions = _Questions(_lock(payment))
    if old := questions.asked(Verb.RELEASE, parcel=parcel, part=part, amount=amount):
        return old
    if questions.standing(Verb.REVERSE):
        raise ReversalAsked
    questions.require_left(amount)
    return questions.ask(Verb.RELEASE, amount=amount, parcel=parcel, part=part)


def ask_refund(
    *,
    payment: Payment,
    parcel: int,
    part: str | int,
    seller_id: int,
    goods: int,
    fare: int,
    commission_bp: int,
    subsidy: int = 0,
) -> Message:
    """Ask to return captured money to the same card: `part` is the return's number.

    Raises TooMuch when less of the parcel's goods or of its fare has been captured and not returned. Of what a voucher
    paid no more goes back than is left: a chargeback may have taken its part before.
    """
    questions = _Questions(_lock(payment))
    if old := questions.asked(Verb.REFUND, parcel=parcel, part=part, amount=goods + fare):
        return old
    if goods > questions.taken("goods", parcel) or fare > questions.taken("fare", parcel):
        raise TooMuch
    subsidy = min(subsidy, questions.taken("subsidy", parcel))
    return questions.ask(
        Verb.REFUND,
        amount=goods + fare,
        parcel=parcel,
        part=part,
        seller_id=seller_id,
        goods=goods,
        fare=fare,
        subsidy=subsidy,
        commission_bp=commission_bp,
    )


def fare_left(*, payment: Payment, parcel: int) -> int:
    """Won of a parcel's delivery fee captured and not returned, nor asked to be."""
    return _Questions(_lock(payment)).taken("fare", parcel)


def ask_refund_anew(*, refused: Message) -> Message:
    """Ask for a refund the network has refused as a question of its own: for what of it is left to return by now.

    One that is asked already or was approved since is returned as it stands. Raises TooMuch when nothing is left, as
    after a chargeback of all.
    """
    questions = _Questions(_lock(refused.payment))
    root, parcel = refused.part.partition(".")[0], refused.parcel or 0
    chain = questions.of_return(parcel, root)
    if standing := [row for row in chain if row.code in (None, APPROVED)]:
        return standing[-1]
    left = {what: min(getattr(refused, what), questions.taken(what, parcel)) for what in ("goods", "fare", "subsidy")}
    if left["goods"] + left["fare"] <= 0:
        raise TooMuch
    return questions.ask(
        Verb.REFUND,
        amount=left["goods"] + left["fare"],
        parcel=parcel,
        part=f"{root}.{len(chain) + 1}",
        seller_id=refused.seller_id,
        commission_bp=refused.commission_bp,
        **left,
    )


def ask_reverse(*, payment: Payment) -> Message:
    """Ask to undo the whole authorisation, whether or not the network has heard of it.

    Until it is answered a pending payment stays pending, whatever the authorisation's own answer: nobody is
    told "nothing has been taken" before it is true. Raises PartAsked.
    """
    questions = _Questions(_lock(payment))
    # A release the network may have done could not be written down after the reversal.
    if questions.standing(Verb.CAPTURE) or any(row.code is None for row in questions.standing(Verb.RELEASE)):
        raise PartAsked
    amount = questions.payment.amount
    return questions.asked(Verb.REVERSE, amount=amount) or questions.ask(Verb.REVERSE, amount=amount)


def message_id(payment_id: UUID, verb: str, parcel: int | None = None, part: str | int = "") -> UUID:
    """The one id a question can have."""
    return uuid5(payment_id, f"{verb}:{parcel or ''}:{part}")


class _Questions:
    """All questions of one locked payment: a handful, read at once. Nobody else writes or answers one meanwhile."""

    def __init__(self, payment: Payment, *, messages: Iterable[Message] | None = None) -> None:
        self.payment = payment
        if messages is None:
            messages = read(Message, "WHERE payment_id = %s", [payment.id])
        self._all = {message.id: message for message in messages}
        for message in self._all.values():
            message.payment = payment

    def __getitem__(self, key: UUID) -> Message:
        return self._all[key]

    def asked(self, verb: str, *, amount: int, parcel: int | None = None, part: str | int = "") -> Message | None:
        """This very question, if it was asked before. Raises StaleKey when it was about another amount."""
        old = self._all.get(message_id(self.payment.id, verb, parcel, part))
        if old and old.amount != amount:
            raise StaleKey
        return old

    def ask(
        self, verb: str, *, amount: int, parcel: int | None = None, part: str | int = "", **about: int | None
    ) -> Message:
        key = message_id(self.payment.id, verb, parcel, part)
        if old := self._all.get(key):
            return old
        question = {"id": key, "payment_id": self.payment.id, "verb": verb, "parcel": parcel, "part": str(part)}
        message = insert(
            Message, {**question, "amount": amount, **about}, soon={"next_at": timedelta(seconds=FIRST_TRY_SECONDS)}
        )
        message.payment = self.payment
        return message

    def part_after_refusals(self, verb: str, *, parcel: int) -> str:
        """The part of the question to ask now: "" first, then "2", "3", … after each refusal."""
        mine = [row for row in self._all.values() if (row.verb, row.parcel) == (verb, parcel)]
        refused = sum(row.code not in (None, APPROVED) for row in mine)
        return str(refused + 1) if refused else ""

    def of_return(self, parcel: int, root: str) -> list[Message]:
        """The refund of one return, and what was asked anew for it after refusals."""
        refunds = [row for row in self._all.values() if (row.verb, row.parcel) == (Verb.REFUND, parcel)]
        return [row for row in refunds if row.part.partition(".")[0] == root]

    def standing(self, verb: str) -> list[Message]:
        """Those of one verb that were not refused."""
        return [row for row in self._all.values() if row.verb == verb and row.code in (None, APPROVED)]

    def sum(self, verb: str) -> int:
        return sum(row.amount for row in self.standing(verb))

    def taken(self, what: str, parcel: int) -> int:
        """Won of a parcel's `what` (goods, fare, subsidy) captured and not returned, nor asked to be."""
        taken = sum(
            getattr(row, what) for row in self.standing(Verb.CAPTURE) if (row.parcel, row.code) == (parcel, APPROVED)
        )
        back = sum(getattr(row, what) for row in self.standing(Verb.REFUND) if row.parcel == parcel)
        return int(taken - back)

    def require_left(self, amount: int) -> None:
        left = self.payment.amount - self.sum(Verb.CAPTURE) - self.sum(Verb.RELEASE)
        if self.payment.state != State.AUTHORISED or amount > left:
            raise TooMuch


# ---------------------------------------------------------------- calls, outside any transaction


def send(message: Message, card: Presented | None = None) -> Answer:
    """Put the question to the network. An authorisation needs the card. Raises NoAnswer: the outcome is unknown."""
    refuse_transaction()
    ask = _ask_of(message)
    if message.verb != Verb.AUTHORISE:
        return gateway().tell(ask)
    if card is None:
        raise ValueError("an authorisation is never sent again without the card: inquire, then reverse")
    return gateway().authorise(ask, card)


def inquire(message: Message) -> Answer | None:
    """What the network answered to this question; None when it never heard of it. Raises NoAnswer."""
    refuse_transaction()
    answer = gateway().inquire(message.id)
    return None if answer is None else understood(answer, _ask_of(message))


def _ask_of(message: Message) -> Ask:
    return Ask(
        id=message.id,
        verb=message.verb,
        amount=message.amount,
        of=message_id(message.payment_id, Verb.AUTHORISE),
        reference=message.payment.order_code,
    )


# ---------------------------------------------------------------- answers


def record(*, message_id: UUID, answer: Answer) -> Message:
    """Write the network's answer, once, with all that follows from it: the payment's state and the shop book.

    Returns the message as it stands: an earlier answer wins. Read `message.payment` for what is true now, not
    the answer: an approval whose reversal has been asked leaves the payment pending until that is answered.
    If an approval comes for an order that can no longer be paid, call `ask_reverse` first, then this.
    """
    _require_transaction()
    payment = _locked("id = (SELECT payment_id FROM payments_message WHERE id = %s)", message_id)
    questions = _Questions(payment)  # read after the lock: as answered as they will ever be before this
    message = questions[message_id]
    if message.code is None:
        _write_answer(message, answer)
        if message.verb == Verb.AUTHORISE:
            _record_authorisation(questions, answer)
        elif answer.code == APPROVED:
            _APPROVED[message.verb](message)
    return message


def _write_answer(message: Message, answer: Answer) -> None:
    message.code, message.ref = answer.code, answer.ref
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_message SET code = %s, ref = %s WHERE id = %s", [answer.code, answer.ref, message.id]
        )
    del message.answered_at  # the database's clock: read again if anybody asks


def _record_authorisation(questions: _Questions, answer: Answer) -> None:
    payment = questions.payment
    if answer.code != APPROVED:
        _move(payment, State.DECLINED, code=answer.code)
    elif not questions.standing(Verb.REVERSE):
        payment.last4, payment.expires_at = answer.last4, answer.expires_at
        _move(payment, State.AUTHORISED, code=APPROVED)


def _record_reversal(message: Message) -> None:
    """Nothing is held any more, and the tombstone keeps it so."""
    payment = message.payment
    if payment.state == State.PENDING:
        for unanswered in payment.messages.select_for_update(no_key=True).filter(verb=Verb.AUTHORISE, code=None):
            _write_answer(unanswered, Answer(TOO_LATE))
        _move(payment, State.DECLINED, code=TOO_LATE)
    elif payment.state == State.AUTHORISED:
        _move(payment, State.CANCELLED, code=payment.code)


def _move(payment: Payment, state: str, *, code: str | None) -> None:
    payment.state, payment.code = state, code
    payment.save(update_fields=["state", "code", "last4", "expires_at"])


def _record_release(message: Message) -> None:
    message.payment.refresh_from_db()  # the answer itself moved the payment's total


_APPROVED: dict[str, Callable[[Message], None]] = {
    Verb.CAPTURE: post_capture,
    Verb.RELEASE: _record_release,
    Verb.REFUND: post_refund,
    Verb.REVERSE: _record_reversal,
}


# ---------------------------------------------------------------- locks


def _lock(payment: Payment | UUID) -> Payment:
    _require_transaction()
    return _locked("id = %s", payment.pk if isinstance(payment, Payment) else payment)


def _locked(condition: str, key: UUID) -> Payment:
    payment = read_one(Payment, f"WHERE {condition} FOR NO KEY UPDATE", [key])
    if payment is None:
        raise Payment.DoesNotExist
    return payment


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("money is written inside the caller's transaction")


def refuse_transaction() -> None:
    # A test case wraps each test in a transaction of its own: Django marks it, and so do its durable blocks.
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
        raise transaction.TransactionManagementError("the network is never called inside a transaction")
