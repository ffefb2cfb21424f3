"""Do shelves, windows, money and states of all orders add up? Each view of sql/0011_audits.sql must be empty.

They hold after every commit of the shop's, not only at rest. The runs are those of payments/audit.py.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# View → what it proves when it is empty.
AUDITS: dict[str, Promise] = {
    "orders_audit_diary": _("Whatever became of an order stands in its diary, once."),
    "orders_audit_held": _("What is paid for is sold, asked to be let go, or undone as a whole."),
    "orders_audit_line": _("Every line was held once, is promised or has left; no more came back than was returned."),
    "orders_audit_parcel": _("Every parcel's state is what its times and its lines say."),
    "orders_audit_payment": _("Every payment is about an order and its sum; an order is paid for once."),
    "orders_audit_promise": _("What is promised on a shelf is what open parcels wait for."),
    "orders_audit_shelf": _("Every shelf is the sum of its movements."),
    "orders_audit_slot": _("Every window's places are the parcels that hold one."),
    "orders_audit_state": _("Every order's state is what its parcels and its times say."),
    "orders_audit_taken": _("A parcel's money was taken as it is worth, and given back as pieces were returned."),
    "orders_audit_total": _("Every order's sums are those of its parcels and lines and of its voucher."),
    "orders_audit_voucher": _("Every voucher was used as often as orders keep it."),
}

# What one offending row says. Sums are whole won.
BREAKS: dict[str, Promise] = {
    "orders_audit_diary": _('Order no. %(order_id)s, parcel %(parcel_id)s: "%(kind)s" stands %(times)s times in it.'),
    "orders_audit_held": _(
        "Order %(code)s: held %(amount)s won; sold %(sold)s, asked to be let go %(let_go)s; undone: %(undone)s."
    ),
    "orders_audit_line": _(
        "Line %(line)s: held %(held)s pieces, promised %(reserved)s, gone %(sold)s, back on the shelf %(back)s."
    ),
    "orders_audit_parcel": _(
        "Order %(code)s, parcel %(number)s is %(status)s; goods %(goods_total)s won by its lines %(goods)s,"
        " confirmed %(confirmed_total)s by its lines %(confirmed)s."
    ),
    "orders_audit_payment": _("Order %(code)s, %(status)s, %(total)s won: %(live)s payments, of %(amount)s won."),
    "orders_audit_promise": _("Variant no. %(variant_id)s: %(reserved)s pieces promised, %(waited_for)s waited for."),
    "orders_audit_shelf": _(
        "Variant no. %(variant_id)s: on hand %(on_hand)s, by its movements %(sum_on_hand)s;"
        " promised %(reserved)s, by its movements %(sum_reserved)s."
    ),
    "orders_audit_slot": _("Window no. %(id)s: %(taken)s places taken, %(parcels)s parcels hold one."),
    "orders_audit_state": _("Order %(code)s is %(status)s, its parcels are %(states)s."),
    "orders_audit_taken": _(
        "Order %(code)s, parcel %(number)s, %(status)s: worth %(worth)s won, taken %(taken)s;"
        " returned for %(returned)s, asked back %(goods_back)s, fee %(fee_back)s."
    ),
    "orders_audit_total": _(
        "Order %(code)s: goods %(goods_total)s won, by its lines %(sum_goods)s; delivery %(delivery_total)s, by its"
        " parcels %(sum_fees)s; discount %(discount_total)s, by its lines %(sum_discount)s."
    ),
    "orders_audit_voucher": _(
        "Voucher %(code)s: used %(used)s times, kept by %(orders)s orders, %(wrongly_kept)s wrongly."
    ),
}


def words(view: str, row: dict[str, Any]) -> str:
    """One offending row in a sentence."""
    said = {name: "–" if value is None else value for name, value in row.items()}
    return str(BREAKS[view]) % said
