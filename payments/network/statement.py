"""What a card's holder may see of it: what is there, what is kept back and for what, what moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from okryu.calendar import local_day
from payments.gateway import receipt_number
from payments.models import Transfer
from payments.network.cards import successor_of
from payments.network.claims import claims_about
from payments.network.decide import PIN_TRIES
from payments.network.models import Authorisation, Balance, Card, Claim, Instruction, shown_code
from payments.network.verbs import today_of

PAGE = 20
_WHAT: dict[tuple[str, bool], Promise] = {
    ("load", True): _("Topped up"),
    ("redeem", False): _("Paid out"),
    ("capture", False): _("Paid"),
    ("refund", True): _("Returned"),
    ("send", False): _("Sent"),
    ("send", True): _("Received"),
    ("back", False): _("Sent back"),
    ("back", True): _("Came back"),
    ("send_fee", False): _("Fee"),
}
_KINDS = sorted({kind for kind, _in in _WHAT} - {"back"})
# How long a hold that ended by itself is still shown.
_SHOW_ENDED = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Overview:
    """A card at this moment. Amounts in whole won."""

    card: Card
    posted: int
    held: int
    holds: list[Authorisation]
    ended: list[Authorisation]  # gone by time of late: what they kept back is free again
    claims: list[Claim]
    may_pay_once: int
    left_today: int
    payments_left_today: int
    is_expired: bool

    @property
    def available(self) -> int:
        return self.posted - self.held

    @property
    def is_locked(self) -> bool:
        return self.card.pin_tries >= PIN_TRIES


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
    other_last4: str = ""  # the other card of a sending
    balance_after: int = 0
    claim: Claim | None = None

    @property
    def shown_order(self) -> str:
        return shown_code(self.order_code)


def overview(token: UUID) -> Overview | None:
    """The card this token stands for, or the one in its place since; None when the network knows neither."""
    card = successor_of(token)
    if card is None:
        return None
    open_ = Authorisation.objects.filter(account_id=card.account_id, state=Authorisation.State.OPEN)
    holds = list(open_.filter(expires_at__gt=Now()).order_by("-created_at"))
    # The database's clock, as the one that judges.
    posted, now = Balance.objects.annotate(moment=Now()).values_list("posted", "moment").get(pk=card.account_id)
    spent, count = today_of(card.account_id, now)
    left = max(card.per_day - spent, 0)
    return Overview(
        card=card,
        posted=posted,
        held=sum(hold.held for hold in holds),
        holds=holds,
        ended=_ended(card.account_id, now),
        claims=list(claims_about(card)[:PAGE]),
        may_pay_once=min(card.per_payment, left),
        left_today=left,
        payments_left_today=max(card.count_day - count, 0),
        is_expired=card.expires_on < local_day(now),
    )


def _ended(account: int, now: datetime) -> list[Authorisation]:
    """Holds that ended by themselves of late, whether or not the job has written it down yet."""
    since = now - _SHOW_ENDED
    over = Q(state=Authorisation.State.OPEN, expires_at__lte=now) | Q(state=Authorisation.State.EXPIRED)
    ended = Authorisation.objects.filter(over, account_id=account, expires_at__gte=since)
    return [hold for hold in ended.order_by("-expires_at")[:PAGE] if hold.amount > hold.captured + hold.released]


def movements(card: Card, *, after: UUID | None = None) -> list[Movement]:
    """Up to PAGE + 1 movements of the card's account, newest first, those older than `after`."""
    account = card.account_id
    # Each side by its own index; an OR over both would read everything the account ever did.
    sides = [Transfer.objects.filter(credit_account=account), Transfer.objects.filter(debit_account=account)]
    later = [0, 0]
    if after is not None:
        before = _of(account).filter(uuid=after).values_list("seq", flat=True).first() or 0
        later = [side.filter(seq__gte=before).aggregate(sum=Sum("amount"))["sum"] or 0 for side in sides]
        sides = [side.filter(seq__lt=before) for side in sides]
    rows = [row for side in sides for row in side.filter(kind__in=_KINDS).order_by("-seq")[: PAGE + 1]]
    newest = sorted(rows, key=lambda row: -row.seq)[: PAGE + 1]
    posted = Balance.objects.values_list("posted", flat=True).get(pk=account)
    return _lines(account, newest, posted - later[0] + later[1])


def movement(card: Card, uuid: UUID) -> Movement | None:
    """One movement of this card's account."""
    rows = list(_of(card.account_id).filter(uuid=uuid, kind__in=_KINDS))
    return _lines(card.account_id, rows, 0)[0] if rows else None


def _of(account: int) -> QuerySet[Transfer]:
    return Transfer.objects.filter(Q(debit_account=account) | Q(credit_account=account))


def _lines(account: int, rows: list[Transfer], balance: int) -> list[Movement]:
    """`balance` is the card's after the newest of `rows`."""
    about = {row.reference for row in rows}
    orders = dict(Authorisation.objects.filter(pk__in=about).values_list("pk", "merchant_reference"))
    sendings = Instruction.objects.filter(Q(pk__in=about) | Q(claim__pk__in=about)).select_related("claim")
    told = {one.pk: one for one in sendings} | {one.claim.pk: one for one in sendings if hasattr(one, "claim")}
    lines = []
    for row in rows:
        is_in = row.credit_account_id == account
        one = told.get(row.reference)
        is_back = one is not None and one.pk != row.reference
        signed = row.amount if is_in else -row.amount
        lines.append(
            Movement(
                id=row.uuid,
                seq=row.seq,
                what=_WHAT["back" if is_back else row.kind, is_in],
                amount=signed,
                at=row.at,
                order_code=orders.get(row.reference, ""),
                number=receipt_number(row.uuid),
                other_last4=_other(one, account) if row.kind == "send" else "",
                balance_after=balance,
                claim=getattr(one, "claim", None) if row.kind == "send" else None,
            )
        )
        balance -= signed
    return lines


def _other(sent: Instruction | None, account: int) -> str:
    if sent is None:
        return ""
    return sent.payee_last4 if sent.account_id == account else sent.last4
