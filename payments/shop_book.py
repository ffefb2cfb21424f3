"""The shop book: what an answered question moves between the network, the sellers, delivery and the bureau.

Called by `pay.record` with the message's payment locked. Ids are made from the message: posted once.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid5

from django.db.models import Q, Sum

from payments.models import Account, Message, Transfer
from payments.rows import read


def post_capture(message: Message) -> None:
    """The seller has sold, the couriers have earned their fee, the bureau its commission."""
    account = _accounts(message)
    due = _commission_due(message, account, message.goods + message.subsidy)
    _post(
        message,
        ("sale", account["network"], account["seller"], message.goods),
        ("fare", account["network"], account["delivery"], message.fare),
        ("subsidy", account["promotion"], account["seller"], message.subsidy),
        ("commission", account["seller"], account["commission"], due),
    )


def post_refund(message: Message, *, at: datetime | None = None) -> None:
    """All of it back, as far as it was returned. `at` is kept only while history is written."""
    account = _accounts(message)
    due = _commission_due(message, account, -message.goods - message.subsidy)
    _post(
        message,
        ("sale_back", account["seller"], account["network"], message.goods),
        ("fare_back", account["delivery"], account["network"], message.fare),
        ("subsidy_back", account["seller"], account["promotion"], message.subsidy),
        ("commission_back", account["commission"], account["seller"], -due),
        at=at,
    )


def _commission_due(message: Message, account: dict[str, int], change: int) -> int:
    """What is due of this payment's sales of the seller after `change`, less what was posted.

    The difference, not a part of the part: several returns do not drift, a full one gives all back.
    """
    if message.payment.captured == 0:
        return commission_on(change, message.commission_bp)  # nothing was posted of it before
    seller = account["seller"]
    sums = Transfer.objects.filter(reference=message.payment_id).aggregate(
        goods_in=Sum("amount", filter=Q(credit_account=seller, kind__in=["sale", "subsidy"])),
        goods_out=Sum("amount", filter=Q(debit_account=seller, kind__in=["sale_back", "subsidy_back"])),
        taken=Sum("amount", filter=Q(debit_account=seller, kind="commission")),
        given=Sum("amount", filter=Q(credit_account=seller, kind="commission_back")),
    )
    total = {name: amount or 0 for name, amount in sums.items()}
    base = total["goods_in"] - total["goods_out"] + change
    return commission_on(base, message.commission_bp) - (total["taken"] - total["given"])


def commission_on(base: int, basis_points: int) -> int:
    """The bureau's part of `base` won of sales, rounded down."""
    return base * basis_points // 10_000


def _post(message: Message, *moves: tuple[str, int, int, int], at: datetime | None = None) -> None:
    """Write the shop book's transfers (kind, debit, credit, amount) of one answered question."""
    Transfer.objects.bulk_create(
        Transfer(
            uuid=uuid5(message.id, kind),
            kind=kind,
            debit_account_id=debit,
            credit_account_id=credit,
            amount=amount,
            reference=message.payment_id,
            **({"at": at} if at else {}),
        )
        for kind, debit, credit, amount in moves
        if amount > 0
    )
    message.payment.refresh_from_db()  # the transfers moved its totals


def seller_account(seller_id: int) -> Account:
    """The account that says what is owed to a seller; opened at the first need."""
    Account.objects.bulk_create([Account(kind=Account.Kind.SELLER, owner=str(seller_id))], ignore_conflicts=True)
    return Account.objects.get(kind=Account.Kind.SELLER, owner=str(seller_id))


def _accounts(message: Message) -> dict[str, int]:
    """Ids of the shop book's accounts by kind, the seller's being the message's: one query once it is open."""
    found = read(
        Account,
        "WHERE (kind, owner) IN (('network', ''), ('delivery', ''), ('promotion', ''), ('commission', ''),"
        " ('seller', %s))",
        [str(message.seller_id)],
    )
    ids = {str(account.kind): account.pk for account in found}
    if Account.Kind.SELLER not in ids and message.seller_id is not None:
        ids["seller"] = seller_account(message.seller_id).pk
    return ids
