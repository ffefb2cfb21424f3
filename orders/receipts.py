"""The receipt in other shapes than its page: one short message."""

from __future__ import annotations

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from okryu.money import format_won
from orders.models import Order
from payments.models import Payment


def short_text(order: Order, payment: Payment, number: str) -> str:
    """The receipt of a paid order in one short message, in the current language; `number` is the network's."""
    moment = localtime(order.paid_at or order.placed_at)
    return _("Okryu receipt %(number)s: order %(order)s, %(won)s held on card %(last4)s, %(time)s") % {
        "number": number,
        "order": order.shown_code,
        "won": format_won(payment.amount, get_language() or order.language),
        "last4": payment.last4,
        "time": date_format(moment, "SHORT_DATETIME_FORMAT"),
    }
