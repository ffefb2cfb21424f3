"""What the tests of parcels ask of an order on its way."""

from orders.models import OrderLine
from orders.parcels import (
    confirm_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
)
from payments.models import Account, Transfer
from tests.orders.paid import paid, payment_of

TWO = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "method": "collection"}]


def line_of(order, number=1):
    return OrderLine.objects.get(parcel__order=order, parcel__number=number)


def totals(order):
    payment = payment_of(order)
    return payment.state, payment.captured, payment.released, payment.refunded


def earned(seller_id):
    account = Account.objects.get(kind="seller", owner=str(seller_id))
    inflow = sum(Transfer.objects.filter(credit_account=account).values_list("amount", flat=True))
    return inflow - sum(Transfer.objects.filter(debit_account=account).values_list("amount", flat=True))


def delivered(**about):
    order, card = paid(**about)
    where = {"order_code": order.code, "number": 1}
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(**where)
    order.refresh_from_db()
    return order, card, where
