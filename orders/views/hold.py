"""Holding the order's goods and time a little longer."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.private import member, private_page
from orders import stock_holds
from orders.models import Order


@require_POST
@private_page
def hold(request: HttpRequest, code: str) -> HttpResponse:
    try:
        stock_holds.extend_hold(user=member(request), code=code)
    except Order.DoesNotExist:
        raise Http404 from None
    except stock_holds.HoldEnded:
        # The order's own page tells what became of it.
        return redirect("orders:order", code)
    except stock_holds.HoldTooOften:
        messages.warning(request, _("The goods cannot be held longer. Pay before the time is over, or order again."))
    else:
        messages.success(request, _("The goods and times are held for you a little longer."))
    return redirect("orders:payment", code)
