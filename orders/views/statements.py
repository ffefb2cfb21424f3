"""Sellers' money: for finance of every seller, for a seller's own people of theirs alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.private import member
from accounts.staff import staff_page
from catalog.models import Seller
from okryu.calendar import PYONGYANG, local_day
from orders.models import Parcel
from payments import statements as reading
from payments.models import DayCut
from payments.statements import Move, account_of, every_move, moves, standing, standings, statement

MOVES = 50
LONGEST = 366  # days of one statement
KINDS: dict[str, Promise] = {
    "sale": gettext_lazy("Sale"),
    "sale_back": gettext_lazy("Return"),
    "commission": gettext_lazy("Commission"),
    "commission_back": gettext_lazy("Commission returned"),
    "subsidy": gettext_lazy("Voucher paid by the bureau"),
    "subsidy_back": gettext_lazy("Voucher taken back"),
    "payout": gettext_lazy("Payout"),
}


@require_safe
@staff_page("payments.view_settlement")
def sellers(request: HttpRequest) -> HttpResponse:
    """Every seller this person may see, with what is owed now."""
    mine = _sellers(request)
    money = standings()
    rows = [(seller, *money.get(seller.pk, (0, 0))) for seller in mine.order_by("name", "pk")[:1_000]]
    if len(rows) == 1 and not _sees_all(request):
        return redirect("orders:statement", seller_id=rows[0][0].pk)
    return render(request, "orders/desk/sellers.html", {"rows": rows})


@require_safe
@staff_page("payments.view_settlement")
def seller(request: HttpRequest, seller_id: int) -> HttpResponse:
    """One seller's statement of a period."""
    found = get_object_or_404(_sellers(request), pk=seller_id)
    first, last = _period(request)
    account = account_of(found.pk)
    context: dict[str, Any] = {"seller": found, "first": first, "last": last, "has_account": account is not None}
    if account is not None:
        lines = moves(account, first=first, last=_end(request, last), limit=MOVES + 1, before=_before(request))
        context |= {
            "statement": statement(account, first=first, last=last),
            "standing": standing(account),
            "next_payout": local_day(timezone.now()) + timedelta(days=1),
            "moves": _with_parcels(lines[:MOVES], found),
            "next_url": f"{_query(first, last)}&before={lines[MOVES - 1].seq}#moves" if len(lines) > MOVES else "",
            "first_url": f"{_query(first, last)}#moves" if _before(request) else "",
            "csv_url": f"movements.csv{_query(first, last)}",
        }
    return render(request, "orders/desk/statement.html", context)


@require_safe
@staff_page("payments.view_settlement")
def payout(request: HttpRequest, seller_id: int, key: UUID) -> HttpResponse:
    """One payout, the movements it covers and each one's parcel."""
    found = get_object_or_404(_sellers(request), pk=seller_id)
    account = account_of(found.pk)
    covered = reading.payout(account, key) if account is not None else None
    if account is None or covered is None:
        raise Http404
    before = _before(request)
    lines = reading.payout_moves(account, covered, limit=MOVES + 1, before=before)
    context = {
        "seller": found,
        "payout": covered,
        "moves": _with_parcels(lines[:MOVES], found),
        "next_url": f"?before={lines[MOVES - 1].seq}#moves" if len(lines) > MOVES else "",
        "first_url": f"{request.path}#moves" if before else "",
    }
    return render(request, "orders/desk/payout.html", context)


@require_safe
@staff_page("payments.view_settlement")
def download(request: HttpRequest, seller_id: int) -> HttpResponse:
    """The period's movements as CSV, written as they are read."""
    found = get_object_or_404(_sellers(request), pk=seller_id)
    first, last = _period(request)
    account = account_of(found.pk)
    if account is None:
        raise Http404
    name = f"statement-{found.slug}-{first}-{last}.csv"
    streamed = StreamingHttpResponse(
        _csv(account, first, last),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    return cast(HttpResponse, streamed)  # to every decorator a response like any other


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _csv(account: int, first: date, last: date) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # spreadsheets take the file for UTF-8 only with it
    yield writer.writerow([_("Number"), _("Moment"), _("What"), _("Order"), _("Amount")])
    for line in every_move(account, first=first, last=last):
        moment = f"{line.at.astimezone(PYONGYANG):%Y-%m-%d %H:%M:%S}"
        yield writer.writerow(
            [line.seq, moment, _harmless(str(_shown(line)["what"])), _harmless(line.order_code), line.amount]
        )


def _harmless(text: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _with_parcels(lines: list[Move], seller: Seller) -> list[dict[str, Any]]:
    """Each movement with its words and its parcel: the page that the seller's own people may open too."""
    codes = {line.order_code for line in lines if line.order_code}
    parcels = dict(Parcel.objects.filter(seller=seller, order__code__in=codes).values_list("order__code", "pk"))
    return [_shown(line) | {"parcel": parcels.get(line.order_code)} for line in lines]


def _shown(line: Move) -> dict[str, Any]:
    what = gettext_lazy("Chargeback") if line.is_chargeback else KINDS.get(line.kind, line.kind)
    return {"line": line, "what": what}


def _sees_all(request: HttpRequest) -> bool:
    return member(request).has_perm("payments.view_closing")


def _sellers(request: HttpRequest) -> QuerySet[Seller]:
    """Those this person may see: everybody else's are as if they were not there."""
    every = Seller.objects.all()
    return every if _sees_all(request) else every.filter(people__user=member(request))


def _period(request: HttpRequest) -> tuple[date, date]:
    """The days asked for; by default the last thirty closed ones. Nonsense is answered with the default."""
    latest = DayCut.objects.order_by("-id").values_list("day", flat=True).first() or local_day(timezone.now())
    last = _day(request.GET.get("to", "")) or latest
    first = _day(request.GET.get("from", ""))
    if first is None or first > last or (last - first).days >= LONGEST:
        first = last - min(timedelta(days=29), last - date.min)
    return first, last


def _end(request: HttpRequest, last: date) -> date | None:
    """Up to now unless another last day is asked for."""
    return last if request.GET.get("to") else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _query(first: date, last: date) -> str:
    return f"?from={first}&to={last}"
