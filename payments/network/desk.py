"""The card desk of the network: issue a card, load it from a deposit. Used by staff, the demo and tests."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Sum
from django.views.decorators.debug import sensitive_variables

from payments.gateway import PIN_DIGITS, WON, normalise_card_number
from payments.models import Account, Closing, DayCut, Transfer
from payments.network import digests
from payments.network.acting import as_bank_desk, as_network
from payments.network.models import Card
from payments.network.verbs import retrying

# The network's ids of what it pays the shop: uuid5(SETTLEMENTS, day).
SETTLEMENTS = UUID("6f6b7279-7520-4e65-7477-6f726b206461")
# Refused when a PIN is set: the first ones anybody tries.
WEAK_PINS = {f"{digit}" * PIN_DIGITS for digit in range(10)} | {"1234", "4321", "0123", "9876"}


class WeakPin(ValueError):
    """Not four digits, or among the first ones anybody tries."""


@sensitive_variables("number", "pin", "holder")
@retrying
def issue_card(
    *,
    number: str,
    pin: str,
    holder: str,
    expires_on: date,
    account_owner: str | None = None,
    resident: bool = True,
    currency: str = WON,
    per_payment: int = 500_000,
    per_day: int = 1_000_000,
    count_day: int = 20,
) -> Card:
    """A new card on a new account, or on the account `account_owner` (15 digits) of a card since closed.

    `holder` is the name on the card. Raises ValueError for a number that cannot be one, WeakPin.
    """
    number = normalise_card_number(number)
    check_pin(pin)
    with as_bank_desk():
        account = None
        if account_owner is not None:
            account, _ = Account.objects.get_or_create(kind=Account.Kind.CARD, owner=account_owner)
        return create_card(
            number=number, pin=pin, holder=holder, expires_on=expires_on, resident=resident, currency=currency,
            per_payment=per_payment, per_day=per_day, count_day=count_day, account=account,
        )  # fmt: skip


@sensitive_variables("number", "pin", "holder")
def create_card(
    *, number: str, pin: str, holder: str, expires_on: date, account: Account | None = None, **facts: object
) -> Card:
    """The card's row within the caller's transaction, on `account` or a new one. `facts` are fields of Card."""
    if account is None:
        owner = digests.number_mac(number).hex()[:32]
        account, _ = Account.objects.get_or_create(kind=Account.Kind.CARD, owner=owner)
    return Card.objects.create(
        account=account,
        number_mac=digests.number_mac(number),
        holder_mac=digests.holder_mac(account.id, holder),
        pin_mac=digests.pin_mac(account.id, pin),
        key_version=digests.KEY_VERSION,
        last4=number[-4:],
        expires_on=expires_on,
        **facts,
    )


@retrying
def load(*, card: Card, amount: int, deposit: UUID) -> Transfer:
    """Add `amount` won to the card's account for the bank's deposit line `deposit`, once.

    The one door by which e-money enters: the float is compared with the bank's statement every day. Above the
    desk's limit the database refuses it without a proposal that two persons have made (loads.py).
    """
    with as_bank_desk():
        if old := Transfer.objects.filter(uuid=deposit).first():
            if (old.kind, old.credit_account_id, old.amount) != ("load", card.account_id, amount):
                raise ValueError("this deposit was used for something else")
            return old
        return book_load(deposit, card, amount)


def book_load(deposit: UUID, card: Card, amount: int) -> Transfer:
    """The transfer of a load, within the caller's transaction as the bank's desk."""
    return Transfer.objects.create(
        uuid=deposit,
        kind="load",
        debit_account=Account.objects.get(kind=Account.Kind.FLOAT, owner=""),
        credit_account_id=card.account_id,
        amount=amount,
        reference=deposit,
    )


@retrying
def pay_shop(cut: DayCut) -> Transfer | None:
    """Pay the shop for a closed day, the network's side: what it was owed at the cut and not paid since, once."""
    with as_network():
        return book_settlement(cut)


def book_settlement(cut: DayCut, *, at: datetime | None = None) -> Transfer | None:
    """`pay_shop` within the caller's transaction. `at` is kept only while history is written."""
    merchant = Account.objects.get(kind=Account.Kind.MERCHANT, owner="")
    key = uuid5(SETTLEMENTS, str(cut.day))
    closing = Closing.objects.filter(account=merchant, cut_id__lte=cut.pk).order_by("-cut_id").first()
    with connection.cursor() as cursor:
        # The guard's own lock, taken before looking: of two who fetch the file at once the second finds it paid.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [merchant.pk])
        cursor.execute("SELECT balance_of(%s)", [merchant.pk])
        now = cursor.fetchone()[0]
    since = Transfer.objects.filter(debit_account=merchant, kind="settle", seq__gt=cut.seq).aggregate(sum=Sum("amount"))
    due = min((closing.balance if closing else 0) - (since["sum"] or 0), now)
    if due <= 0 or Transfer.objects.filter(uuid=key).exists():
        return None
    row = Transfer(
        uuid=key,
        kind="settle",
        debit_account=merchant,
        credit_account=Account.objects.get(kind=Account.Kind.FLOAT, owner=""),
        amount=due,
        reference=key,
    )
    if at is not None:
        row.at = at
    row.save(force_insert=True)
    return row


def check_pin(pin: str) -> None:
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()) or pin in WEAK_PINS:
        raise WeakPin("choose four digits that are not the first ones anybody tries")
