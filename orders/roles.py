"""The bureau's roles and what each may do: Django groups, written by `ensure_roles`."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

ORDER_DESK = "order desk"
COURIER = "courier"
SELLER = "seller"
FINANCE = "finance"
BANK_DESK = "bank desk"

_READ_ORDERS = ["orders.view_order", "orders.view_parcel", "orders.view_orderline", "orders.view_orderevent"]
_READ_GOODS = [
    "catalog.view_product",
    "catalog.view_productvariant",
    "catalog.view_stock",
    "catalog.view_stockmovement",
    "catalog.view_seller",
    "catalog.view_category",
]

_KEEP_CALENDARS = [
    f"orders.{verb}_{row}" for row in ("holiday", "sellerclosing") for verb in ("view", "add", "change", "delete")
] + [f"orders.{verb}_deliveryslot" for verb in ("view", "add", "change")]

# A seller's person sees only the parcels of the seller they answer for (SellerStaff): no `see_every_parcel`.
ROLES: dict[str, list[str]] = {
    ORDER_DESK: [
        *_READ_ORDERS,
        *_READ_GOODS,
        "orders.see_every_parcel",
        "orders.answer_parcel",
        "orders.prepare_parcel",
        "orders.carry_parcel",
        "orders.see_runs",
        "orders.assign_courier",
        "orders.cancel_parcel",
        "orders.refund_parcel",
        "orders.handle_return",
        "catalog.offer_goods",
        "catalog.decide_goods",
        "catalog.view_review",
        "catalog.change_review",
        "catalog.answer_review",
        "accounts.view_user",
        "payments.ask_network",
        *_KEEP_CALENDARS,
        "catalog.view_searchsynonym",
        "catalog.add_searchsynonym",
        "catalog.change_searchsynonym",
    ],
    COURIER: ["orders.view_parcel", "orders.see_every_parcel", "orders.carry_parcel", "orders.see_runs"],
    SELLER: [
        "orders.view_parcel",
        "orders.answer_parcel",
        "orders.prepare_parcel",
        "orders.carry_parcel",
        "payments.view_settlement",  # of their own seller alone
        "orders.handle_return",
        "catalog.offer_goods",  # of their own seller
        "catalog.answer_review",  # of their own seller's goods
    ],
    FINANCE: [
        *_READ_ORDERS,
        "orders.see_every_parcel",
        "orders.refund_parcel",
        "orders.view_voucher",
        "orders.add_voucher",
        "orders.change_voucher",
        "orders.view_voucheruse",
        "payments.view_account",
        "payments.view_transfer",
        "payments.view_payment",
        "payments.view_message",
        "payments.view_daycut",
        "payments.view_closing",
        "payments.view_settlement",
        "payments.add_explanation",
        "payments.ask_network",
        "payments.view_auditrun",
    ],
    # The card network's own people. They see no order, and nobody of the shop sees a card.
    BANK_DESK: [
        "network.view_card",
        "network.view_balance",
        "network.view_authorisation",
        "network.view_act",
        "network.run_card_desk",
    ],
}


def ensure_roles() -> dict[str, Group]:
    """Make every role's group exist with exactly its permissions. Safe to repeat; run after migrations."""
    return {name: _ensure(name, wanted) for name, wanted in ROLES.items()}


def _ensure(name: str, wanted: list[str]) -> Group:
    group, _ = Group.objects.get_or_create(name=name)
    match = Q(pk__in=[])
    for label in wanted:
        app_label, codename = label.split(".")
        match |= Q(content_type__app_label=app_label, codename=codename)
    found = list(Permission.objects.filter(match))
    if len(found) != len(wanted):
        known = {permission.codename for permission in found}
        raise LookupError(f"unknown permissions of {name}: {[w for w in wanted if w.split('.')[1] not in known]}")
    group.permissions.set(found)
    return group
