"""What a card's holder may see of it: what is there, what is kept back and for what, what moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from okryu.calendar import local_day
from payments.gateway import receipt_number
from payments.models import Transfer
from payments.network.decide import PIN_TRIES
from payments.network.models import Authorisation, Balance, Card, shown_code
from payments.network.verbs import today_of

PAGE = 20
_WHAT: dict[tuple[str, bool], Promise] = {
    ("load", True): _("Topped up"),
    ("redeem", False): _("Paid out"),
    ("capture", False): _("Paid"),
    ("refund", True): _("Returned"),
    ("send", False): _("Sent"),
    ("send", True): _("Received"),
    ("send_fee", False): _("Fee"),
}
_KINDS = sorted({kind for kind, _in in _WHAT})


@dataclass(frozen=True, slots=True)
class Overview:
    """A card at this moment. Amounts in whole won."""

    card: Card
    posted: int
    held: int
    holds: list[Authorisation]
    may_pay_once: int
    left_today: int
    payments_left_today: int

    @property
    def available(self) -> int:
        return self.posted - self.held

    @property
    def is_locked(self) -> bool:
        return self.card.pin_tries >= PIN_TRIES

    @property
    def is_expired(self) -> bool:
        return self.card.expires_on < local_day(timezone.now())


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a card's history."""

    id: UUID
    seq: int
    what: Promise
    amount: int  # negative when it left the card
    at: datetime
    order_code: str
    number: str  # of the receipt

    @property
    def shown_order(self) -> str:
        return shown_code(self.order_code)


def overview(token: UUID) -> Overview | None:
    """The card this token stands for; None when the network does not know it (any more)."""
    card = Card.objects.filter(token=token).first()
    if card is None:
        return None
    open_ = Authorisation.objects.filter(account_id=card.account_id, state=Authorisation.State.OPEN)
    holds = list(open_.filter(expires_at__gt=Now()).order_by("-created_at"))
    spent, count = today_of(card.account_id, timezone.now())
    left = max(card.per_day - spent, 0)
    return Overview(
        card=card,
        posted=Balance.objects.values_list("posted", flat=True).get(pk=card.account_id),
        held=sum(hold.held for hold in holds),
        holds=holds,
        may_pay_once=min(card.per_payment, left),
        left_today=left,
        payments_left_today=max(card.count_day - count, 0),
    )


def movements(card: Card, *, after: UUID | None = None) -> list[Movement]:
    """Up to PAGE + 1 movements of the card's account, newest first, those older than `after`."""
    account = card.account_id
    # Each side by its own index; an OR over both would read everything the account ever did.
    sides = [Transfer.objects.filter(debit_account=account), Transfer.objects.filter(credit_account=account)]
    if after is not None:
        before = _of(account).filter(uuid=after).values_list("seq", flat=True).first()
        sides = [side.filter(seq__lt=before or 0) for side in sides]
    rows = [row for side in sides for row in side.filter(kind__in=_KINDS).order_by("-seq")[: PAGE + 1]]
    newest = sorted(rows, key=lambda row: -row.seq)[: PAGE + 1]
    return _lines(account, newest)


def movement(card: Card, uuid: UUID) -> Movement | None:
    """One movement of this card's account."""
    rows = list(_of(card.account_id).filter(uuid=uuid, kind__in=_KINDS))
    return _lines(card.account_id, rows)[0] if rows else None


def _of(account: int) -> QuerySet[Transfer]:
    return Transfer.objects.filter(Q(debit_account=account) | Q(credit_account=account))


def _lines(account: int, rows: list[Transfer]) -> list[Movement]:
    about = Authorisation.objects.filter(pk__in={row.reference for row in rows})
    orders = dict(about.values_list("pk", "merchant_reference"))
    return [
        Movement(
            id=row.uuid,
            seq=row.seq,
            what=_WHAT[row.kind, row.credit_account_id == account],
            amount=row.amount if row.credit_account_id == account else -row.amount,
            at=row.at,
            order_code=orders.get(row.reference, ""),
            number=receipt_number(row.uuid),
        )
        for row in rows
    ]
