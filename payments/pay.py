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

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Now

from payments.gateway import APPROVED, Answer, Ask, Presented, gateway
from payments.models import Account, Message, Payment, Transfer

FIRST_TRY_SECONDS = 10
# Seconds to the next try, by tries already made; the last one for ever.
RETRY_SECONDS = (10, 20, 40, 60, 120, 300)
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


class CaptureAsked(Exception):
    """A capture of this payment is asked or done: it can no longer be reversed as a whole."""


class ReversalAsked(Exception):
    """The payment is being reversed: nothing can be captured from it."""


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
    # Of two firsts at once one waits for the other's commit here, whatever the unique index it would break.
    Payment.objects.bulk_create([Payment(id=key, order_code=order_code, amount=amount)], ignore_conflicts=True)
    payment = Payment.objects.select_for_update(no_key=True).filter(pk=key).first()
    if payment is None:
        raise LivePayment(Payment.objects.get(order_code=order_code, state__in=LIVE))
    if (payment.order_code, payment.amount) != (order_code, amount):
        raise StaleKey
    return _ask(payment, Verb.AUTHORISE, amount=amount)


def ask_capture(
    *, payment: Payment, parcel: int, seller_id: int, goods: int, fare: int, commission_bp: int, subsidy: int = 0
) -> Message:
    """Ask for `goods` + `fare` won of what is held, for one parcel, once.

    `subsidy` is what a voucher paid of the goods: the bureau makes the seller whole.
    Raises ReversalAsked, or TooMuch when less is left of the payment.
    """
    payment = _lock(payment)
    if old := _asked(payment, Verb.CAPTURE, parcel=parcel, amount=goods + fare):
        return old
    if _standing(payment, Verb.REVERSE).exists():
        raise ReversalAsked
    _require_left(payment, goods + fare)
    return _ask(
        payment, Verb.CAPTURE, parcel=parcel, seller_id=seller_id, amount=goods + fare,
        goods=goods, fare=fare, subsidy=subsidy, commission_bp=commission_bp,
    )  # fmt: skip


def ask_release(*, payment: Payment, parcel: int, part: str | int, amount: int) -> Message:
    """Ask to give `amount` won back to the card before capture: `part` names the line, or "" the whole parcel.

    Raises TooMuch when less is left of the payment.
    """
    payment = _lock(payment)
    if old := _asked(payment, Verb.RELEASE, parcel=parcel, part=part, amount=amount):
        return old
    _require_left(payment, amount)
    return _ask(payment, Verb.RELEASE, parcel=parcel, part=part, amount=amount)


def ask_refund(
    *, payment: Payment, parcel: int, part: str | int, seller_id: int, goods: int, fare: int, commission_bp: int,
    subsidy: int = 0,
) -> Message:  # fmt: skip
    """Ask to return captured money to the same card: `part` is the return's number.

    Raises TooMuch when less has been captured and not returned.
    """
    payment = _lock(payment)
    amount = goods + fare
    if old := _asked(payment, Verb.REFUND, parcel=parcel, part=part, amount=amount):
        return old
    if amount > payment.captured - _sum(_standing(payment, Verb.REFUND)):
        raise TooMuch
    return _ask(
        payment, Verb.REFUND, parcel=parcel, part=part, seller_id=seller_id, amount=amount,
        goods=goods, fare=fare, subsidy=subsidy, commission_bp=commission_bp,
    )  # fmt: skip


def ask_reverse(*, payment: Payment) -> Message:
    """Ask to undo the whole authorisation, whether or not the network has heard of it.

    Until it is answered a pending payment stays pending, whatever the authorisation's own answer: nobody is
    told "nothing has been taken" before it is true. Raises CaptureAsked.
    """
    payment = _lock(payment)
    if _standing(payment, Verb.CAPTURE).exists():
        raise CaptureAsked
    return _asked(payment, Verb.REVERSE, amount=payment.amount) or _ask(payment, Verb.REVERSE, amount=payment.amount)


def message_id(payment_id: UUID, verb: str, parcel: int | None = None, part: str | int = "") -> UUID:
    return uuid5(payment_id, f"{verb}:{parcel or ''}:{part}")


def _asked(
    payment: Payment, verb: str, *, amount: int, parcel: int | None = None, part: str | int = ""
) -> Message | None:
    old = Message.objects.filter(pk=message_id(payment.id, verb, parcel, part)).first()
    if old and old.amount != amount:
        raise StaleKey
    return old


def _ask(
    payment: Payment, verb: str, *, amount: int, parcel: int | None = None, part: str | int = "",
    seller_id: int | None = None, goods: int = 0, fare: int = 0, subsidy: int = 0, commission_bp: int = 0,
) -> Message:  # fmt: skip
    message, _ = Message.objects.get_or_create(
        id=message_id(payment.id, verb, parcel, part),
        defaults={
            "payment": payment, "verb": verb, "parcel": parcel, "part": str(part), "seller_id": seller_id,
            "amount": amount, "goods": goods, "fare": fare, "subsidy": subsidy, "commission_bp": commission_bp,
            "next_at": Now() + timedelta(seconds=FIRST_TRY_SECONDS),
        },
    )  # fmt: skip
    return message


def _standing(payment: Payment, verb: str) -> QuerySet[Message]:
    """Questions asked of a payment that were not refused."""
    return payment.messages.filter(Q(code=None) | Q(code=APPROVED), verb=verb)


def _require_left(payment: Payment, amount: int) -> None:
    asked = _sum(_standing(payment, Verb.CAPTURE)) + _sum(_standing(payment, Verb.RELEASE))
    if payment.state != State.AUTHORISED or amount > payment.amount - asked:
        raise TooMuch


def _sum(messages: QuerySet[Message]) -> int:
    return messages.aggregate(total=Sum("amount"))["total"] or 0


# ---------------------------------------------------------------- calls, outside any transaction


def send(message: Message, card: Presented | None = None) -> Answer:
    """Put the question to the network. An authorisation needs the card. Raises NoAnswer: the outcome is unknown."""
    _refuse_transaction()
    ask = Ask(
        id=message.id,
        verb=message.verb,
        amount=message.amount,
        of=message_id(message.payment_id, Verb.AUTHORISE),
        reference=message.payment.order_code,
    )
    if message.verb != Verb.AUTHORISE:
        return gateway().tell(ask)
    if card is None:
        raise ValueError("an authorisation is never sent again without the card: inquire, then reverse")
    return gateway().authorise(ask, card)


def inquire(message: Message) -> Answer | None:
    """What the network answered to this question; None when it never heard of it. Raises NoAnswer."""
    _refuse_transaction()
    return gateway().inquire(message.id)


def claim_due(*, limit: int = 20) -> list[Message]:
    """Unanswered questions whose time has come, leased to the caller until their next try. Commits by itself.

    Several callers may run: none gets another's. When questions wait and none is due, the oldest that was
    tried in vain is claimed as a probe.
    """
    _refuse_transaction()
    waiting = Message.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(code=None)
    waiting = waiting.select_related("payment")
    with transaction.atomic(durable=True):
        due = list(waiting.filter(next_at__lte=Now()).order_by("next_at")[:limit])
        if not due:
            # Not one that another worker may be asking this very moment.
            in_vain = Now() - timedelta(seconds=settings.NETWORK_TIMEOUT_SECONDS)
            due = list(waiting.filter(tried_at__lt=in_vain).order_by("created_at")[:1])
        for message in due:
            delay = RETRY_SECONDS[min(message.tries, len(RETRY_SECONDS) - 1)]
            Message.objects.filter(pk=message.pk).update(
                tries=F("tries") + 1, tried_at=Now(), next_at=Now() + timedelta(seconds=delay)
            )
    return due


def make_all_due() -> None:
    """The network answers again: ask everything that was tried in vain now. Commits by itself."""
    _refuse_transaction()
    with transaction.atomic(durable=True):
        tried = Message.objects.select_for_update(no_key=True, skip_locked=True).filter(code=None, tries__gte=1)
        Message.objects.filter(pk__in=[message.pk for message in tried]).update(next_at=Now())


# ---------------------------------------------------------------- answers


def record(*, message_id: UUID, answer: Answer) -> Message:
    """Write the network's answer, once, with all that follows from it: the payment's state and the shop book.

    Returns the message as it stands: an earlier answer wins. Read `message.payment` for what is true now, not
    the answer: an approval whose reversal has been asked leaves the payment pending until that is answered.
    If an approval comes for an order that can no longer be paid, call `ask_reverse` first, then this.
    """
    _require_transaction()
    payment = _lock(Message.objects.values_list("payment_id", flat=True).get(pk=message_id))
    message = Message.objects.select_for_update(no_key=True).get(pk=message_id)
    if message.code is None:
        _write_answer(message, answer)
        approved = answer.code == APPROVED
        if message.verb == Verb.AUTHORISE:
            _record_authorisation(payment, answer)
        elif message.verb == Verb.CAPTURE and approved:
            _post_capture(message)
        elif message.verb == Verb.REFUND and approved:
            _post_refund(message)
        elif message.verb == Verb.REVERSE and approved:
            _record_reversal(payment)
        payment.refresh_from_db()
    message.payment = payment
    return message


def _write_answer(message: Message, answer: Answer) -> None:
    message.code, message.ref = answer.code, answer.ref
    message.save(update_fields=["code", "ref"])
    message.refresh_from_db(fields=["answered_at"])  # the database's clock


def _record_authorisation(payment: Payment, answer: Answer) -> None:
    if answer.code != APPROVED:
        _move(payment, State.DECLINED, code=answer.code)
    elif not _standing(payment, Verb.REVERSE).exists():
        payment.last4, payment.expires_at = answer.last4, answer.expires_at
        _move(payment, State.AUTHORISED, code=APPROVED)


def _record_reversal(payment: Payment) -> None:
    """Nothing is held any more, and the tombstone keeps it so."""
    if payment.state == State.PENDING:
        unanswered = payment.messages.filter(verb=Verb.AUTHORISE, code=None)
        for message in unanswered.select_for_update(no_key=True):
            _write_answer(message, Answer(TOO_LATE))
        _move(payment, State.DECLINED, code=TOO_LATE)
    elif payment.state == State.AUTHORISED:
        _move(payment, State.CANCELLED, code=payment.code)


def _move(payment: Payment, state: str, *, code: str | None) -> None:
    payment.state, payment.code = state, code
    payment.save(update_fields=["state", "code", "last4", "expires_at"])


def _post_capture(message: Message) -> None:
    network, delivery, seller, promotion = _accounts(message, "network", "delivery", "seller", "promotion")
    _post(message, [
        ("sale", network, seller, message.goods),
        ("fare", network, delivery, message.fare),
        ("subsidy", promotion, seller, message.subsidy),
    ])  # fmt: skip
    _post_commission(message)


def _post_refund(message: Message) -> None:
    network, delivery, seller, promotion = _accounts(message, "network", "delivery", "seller", "promotion")
    _post(message, [
        ("sale_back", seller, network, message.goods),
        ("fare_back", delivery, network, message.fare),
        ("subsidy_back", seller, promotion, message.subsidy),
    ])  # fmt: skip
    _post_commission(message)


def _post_commission(message: Message) -> None:
    """Post the difference between what is due by now and what was posted: no drift over several returns."""
    seller, commission = _accounts(message, "seller", "commission")
    # Everything this payment moved in and out of the seller's account, commission apart.
    about = Transfer.objects.filter(reference=message.payment_id)
    goods = {"in": about.filter(credit_account=seller, kind__in=["sale", "subsidy"]),
             "out": about.filter(debit_account=seller, kind__in=["sale_back", "subsidy_back"]),
             "taken": about.filter(debit_account=seller, kind="commission"),
             "given": about.filter(credit_account=seller, kind="commission_back")}  # fmt: skip
    total = {name: rows.aggregate(total=Sum("amount"))["total"] or 0 for name, rows in goods.items()}
    due = commission_on(total["in"] - total["out"], message.commission_bp) - (total["taken"] - total["given"])
    _post(message, [("commission", seller, commission, due), ("commission_back", commission, seller, -due)])


def commission_on(base: int, basis_points: int) -> int:
    """The bureau's part of `base` won of sales, rounded down."""
    return base * basis_points // 10_000


def _post(message: Message, moves: Iterable[tuple[str, Account, Account, int]]) -> None:
    Transfer.objects.bulk_create(
        Transfer(
            uuid=uuid5(message.id, kind), kind=kind, debit_account=debit, credit_account=credit,
            amount=amount, reference=message.payment_id,
        )
        for kind, debit, credit, amount in moves
        if amount > 0
    )  # fmt: skip


# ---------------------------------------------------------------- accounts and locks


def seller_account(seller_id: int) -> Account:
    """The account that says what is owed to a seller; opened at the first need."""
    Account.objects.bulk_create([Account(kind=Account.Kind.SELLER, owner=str(seller_id))], ignore_conflicts=True)
    return Account.objects.get(kind=Account.Kind.SELLER, owner=str(seller_id))


def _accounts(message: Message, *kinds: str) -> list[Account]:
    """The accounts of these kinds, the seller's being the message's, in one query where they all exist."""
    owner = str(message.seller_id)
    wanted = Account.objects.filter(Q(kind__in=kinds, owner="") | Q(kind=Account.Kind.SELLER, owner=owner))
    found = {account.kind: account for account in wanted}
    if Account.Kind.SELLER not in found and message.seller_id is not None:
        found[Account.Kind.SELLER] = seller_account(message.seller_id)
    return [found[kind] for kind in kinds]


def _lock(payment: Payment | UUID) -> Payment:
    _require_transaction()
    key = payment.pk if isinstance(payment, Payment) else payment
    return Payment.objects.select_for_update(no_key=True).get(pk=key)


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("money is written inside the caller's transaction")


def _refuse_transaction() -> None:
    # A test case wraps each test in a transaction of its own: Django marks it, and so do its durable blocks.
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
        raise transaction.TransactionManagementError("the network is never called inside a transaction")
