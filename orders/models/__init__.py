"""What a shopper asked for and how far it has come."""

from orders.models.calendars import Holiday, SellerClosing
from orders.models.carts import Cart, CartLine
from orders.models.favourites import Favourite, FavouriteList
from orders.models.orders import (
    DeliverySlot,
    Order,
    OrderEvent,
    OrderLine,
    Parcel,
    ParcelQuerySet,
    SellerStaff,
    Vehicle,
    handover_code,
    order_code,
)
from orders.models.returns import Return, ReturnLine, ReturnPhotograph
from orders.models.vouchers import Voucher, VoucherUse

__all__ = [
    "Cart",
    "CartLine",
    "DeliverySlot",
    "Favourite",
    "FavouriteList",
    "Holiday",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Parcel",
    "ParcelQuerySet",
    "Return",
    "ReturnLine",
    "ReturnPhotograph",
    "SellerClosing",
    "SellerStaff",
    "Vehicle",
    "Voucher",
    "VoucherUse",
    "handover_code",
    "order_code",
]
