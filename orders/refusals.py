"""Why an order was not placed, in plain words for the top of the checkout page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.guesses import TooManyGuesses
from okryu.calendar import PYONGYANG
from okryu.money import format_won
from orders import placing, vouchers
from orders.positions import Position


@dataclass(frozen=True)
class Notice:
    """What stands on top of the page when the order was not placed."""

    kind: str  # wrong, wait
    title: str
    sentences: tuple[str, ...]


def notice(refused: placing.Refused) -> Notice:
    """One refusal; the page below it already shows how things stand now."""
    if isinstance(refused, placing.StaleForm | placing.NothingToOrder):
        return Notice("wrong", _("This page was out of date"), (_("Please check your order and place it again."),))
    return Notice("wrong", _("Nothing was ordered yet. Please look at it once more"), _reasons(refused))


def busy_notice() -> Notice:
    """Somebody else works on the same goods or places, and it took too long."""
    return Notice(
        "wait",
        _("Many people are ordering at this moment"),
        (_("What you filled in is kept and no money moved. Please try again in a moment."),),
    )


def _reasons(refused: placing.Refused) -> tuple[str, ...]:
    reasons: list[str] = []
    match refused:
        case placing.LinesChanged(positions=positions):
            reasons = [_line(position) for position in positions] or [_("Your cart was changed on another page.")]
        case placing.TotalChanged(shown=shown, total=total):
            reasons = [_total(shown, total)]
        case placing.WindowGone():
            reasons = [_("A delivery time you chose has just been taken. Choose another.")]
        case placing.OrderTooLarge():
            reasons = [_("One order can come to %s at most.") % _won(settings.ORDER_LIMIT_WON)]
        case placing.TooYoung(position=position, is_known=is_known):
            reasons = [_age(position, is_known)]
        case placing.TooMuchMedicine(left=left):
            values = {"limit": settings.MEDICINE_BOXES_PER_WEEK, "left": left}
            sentence = _("A member can buy %(limit)d boxes of medicine a week. You can still buy %(left)d.")
            reasons = [sentence % values]
        case placing.VoucherUnusable(refused=unusable):
            reasons = [voucher_words(unusable)]
    return tuple(reasons)


def too_many_codes(refused: TooManyGuesses) -> Notice:
    """Codes were tried one after the other."""
    words = _("You can try another voucher code from %s. Without one you can order now.")
    return Notice("wait", _("Too many codes were tried"), (words % f"{refused.retry_at.astimezone(PYONGYANG):%H:%M}",))


def voucher_words(refused: vouchers.VoucherRefused) -> str:
    """Why a voucher takes nothing off, for its field."""
    voucher, reason = refused.voucher, refused.reason
    if voucher is None:
        return _("There is no such voucher code. Look at its letters once more, or leave the field empty.")
    words = {
        vouchers.Reason.NOT_YET: _("This voucher is valid from %(from)s."),
        vouchers.Reason.OVER: _("This voucher was valid until %(until)s."),
        vouchers.Reason.USED_UP: _("This voucher has been used as often as it may be."),
        vouchers.Reason.USED_BY_YOU: _("You have used this voucher already."),
        vouchers.Reason.TOO_LITTLE: _("This voucher is for goods from %(minimum)s."),
        vouchers.Reason.NOTHING: _("This voucher lowers nothing in this order."),
    }
    return words[reason] % {
        "from": _day(voucher.valid_from),
        "until": _day(voucher.valid_until),
        "minimum": _won(voucher.minimum_goods),
    }


def _day(moment: datetime) -> str:
    return date_format(moment.astimezone(PYONGYANG), "DATE_FORMAT")


def _line(position: Position) -> str:
    values = {"name": position.name, "left": position.quantity, "wanted": position.line.quantity}
    if position.is_withdrawn:
        return _("%(name)s is no longer sold.") % values
    if position.is_sold_out:
        return _("%(name)s is sold out.") % values
    sentence = ngettext(
        "%(name)s: only %(left)d of the %(wanted)d you wanted is left.",
        "%(name)s: only %(left)d of the %(wanted)d you wanted are left.",
        position.quantity,
    )
    return sentence % values


def _total(shown: int, total: int) -> str:
    if shown < 0:
        return _("The total is %s.") % _won(total)
    return _("The total is now %(total)s; the page showed %(shown)s.") % {"total": _won(total), "shown": _won(shown)}


def _age(position: Position, is_known: bool) -> str:
    values = {"name": position.name, "age": position.product.minimum_age}
    if is_known:
        return _("%(name)s is sold from %(age)d years of age. Take it out of the cart to order the rest.") % values
    return _("%(name)s is sold from %(age)d years of age; we do not know your year of birth.") % values


def _won(amount: int) -> str:
    return format_won(amount, get_language() or settings.LANGUAGE_CODE)
