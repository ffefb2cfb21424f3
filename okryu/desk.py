"""The staff desks: pages for daily work that the admin's lists of rows cannot do well.

A desk is a page of some app under /admin/desk/, guarded by `accounts.staff.staff_page`. One line here puts it
on the index, into the desks' own navigation and into the admin's sidebar, for those with the right to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.staff import staff_page

INDEX = "/admin/desk/"


@dataclass(frozen=True, slots=True)
class Desk:
    title: str | Promise
    text: str | Promise  # what it is for, in one sentence
    url: str
    permission: str
    icon: str  # of the admin's sidebar (Material Symbols)


# In the order of a working day. A permission names one right that also guards the page.
DESKS: list[Desk] = [
    Desk(
        title=_("Board of parcels"),
        text=_("Every parcel by state and age, the overdue first, and steps for many at once."),
        url="/admin/desk/board/",
        permission="orders.assign_courier",
        icon="view_kanban",
    ),
    Desk(
        title=_("Sellers' parcels"),
        text=_("New parcels to confirm or decline, what to pack, and what waits to be fetched."),
        url="/admin/desk/parcels/",
        permission="orders.prepare_parcel",
        icon="package_2",
    ),
    Desk(
        title=_("Couriers' runs"),
        text=_("What each courier brings today, in the order of the streets, and the route sheet."),
        url="/admin/desk/runs/",
        permission="orders.see_runs",
        icon="two_wheeler",
    ),
    Desk(
        title=_("Goods offered"),
        text=_("Goods that sellers offer by themselves and the bureau puts on sale."),
        url="/admin/desk/goods/",
        permission="catalog.offer_goods",
        icon="add_shopping_cart",
    ),
    Desk(
        title=_("Import and export"),
        text=_("Products, prices and stock from a CSV or XLSX file, with a preview, and into one."),
        url="/admin/desk/catalogue/",
        permission="catalog.import_catalogue",
        icon="upload_file",
    ),
    Desk(
        title=_("Returns"),
        text=_("Goods that members want to send back: decide, look at them, refund."),
        url="/admin/desk/returns/",
        permission="orders.handle_return",
        icon="assignment_return",
    ),
    Desk(
        title=_("Answers to reviews"),
        text=_("What buyers wrote about the goods, and what the seller says to it."),
        url="/admin/desk/reviews/",
        permission="catalog.answer_review",
        icon="reviews",
    ),
    Desk(
        title=_("Questions to the card network"),
        text=_("What the network has not answered yet, how long it waits, and money it refused."),
        url="/admin/desk/money/waiting/",
        permission="payments.ask_network",
        icon="hourglass_top",
    ),
    Desk(
        title=_("Queries without result"),
        text=_("What people looked for in vain, and the word the shop has for it."),
        url="/admin/desk/search/",
        permission="catalog.add_searchsynonym",
        icon="search_off",
    ),
    Desk(
        title=_("Closed days"),
        text=_("Each day's settlement with the card network, differences, and payouts."),
        url="/admin/desk/money/days/",
        permission="payments.view_daycut",
        icon="event_available",
    ),
    Desk(
        title=_("Sellers' money"),
        text=_("What each seller sold, was paid and is owed, day by day."),
        url="/admin/desk/money/sellers/",
        permission="payments.view_settlement",
        icon="account_balance_wallet",
    ),
    Desk(
        title=_("Audit of the ledger"),
        text=_("Whether every won is accounted for, last night and now."),
        url="/admin/desk/money/audit/",
        permission="payments.view_auditrun",
        icon="fact_check",
    ),
    Desk(
        title=_("Audit of orders"),
        text=_("Whether shelves, delivery windows, money and states of all orders add up."),
        url="/admin/desk/orders/audit/",
        permission="payments.view_auditrun",
        icon="rule",
    ),
    Desk(
        title=_("Card desk"),
        text=_("Cards of the simulated network: issue, top up, pay out, lost cards, new PINs, limits."),
        url="/admin/desk/cards/",
        permission="network.run_card_desk",
        icon="credit_card",
    ),
]


def desks_for(user: AbstractBaseUser | AnonymousUser) -> list[Desk]:
    """The desks this person may open."""
    if not isinstance(user, PermissionsMixin) or not getattr(user, "is_staff", False):
        return []
    return [desk for desk in DESKS if user.has_perm(desk.permission)]


@require_safe
@staff_page()
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/index.html")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Every desk of this visitor, and whether the page asked for belongs to it: for templates/desk/base.html."""
    return [
        {"title": desk.title, "text": desk.text, "url": desk.url, "is_here": request.path.startswith(desk.url)}
        for desk in desks_for(request.user)
    ]
