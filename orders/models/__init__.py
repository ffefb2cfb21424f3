"""What a shopper asked for and how far it has come."""

from orders.models.carts import Cart, CartLine
from orders.models.orders import (
    DeliverySlot,
    Order,
    OrderEvent,
    OrderLine,
    Parcel,
    SellerStaff,
    Vehicle,
    handover_code,
    order_code,
)
from orders.models.vouchers import Voucher, VoucherUse

__all__ = [
    "Cart",
    "CartLine",
    "DeliverySlot",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Parcel",
    "SellerStaff",
    "Vehicle",
    "Voucher",
    "VoucherUse",
    "handover_code",
    "order_code",
]
