"""Make one order of the demo's shopper in every state a parcel can be in, for looking at the pages.

    python docs/make_states.py            on a database that holds the demo; prints state and order code
    python docs/take_screenshots.py …     photographs what it made

Everything is done by the shop's own verbs. Only the late ones are given a promise of yesterday by hand.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import django
from django.utils import timezone

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")
django.setup()

from accounts.models import User  # noqa: E402
from okryu.demo.people import PIN, Shopper, load_shoppers  # noqa: E402
from okryu.demo.today import ADDRESS, fill, place  # noqa: E402
from orders.cancelling import cancel_parcel  # noqa: E402
from orders.carrying import miss_parcel, new_try_places  # noqa: E402
from orders.models import Order, Parcel  # noqa: E402
from orders.parcels import (  # noqa: E402
    Reason,
    confirm_parcel,
    decline_parcel,
    deliver_parcel,
    dispatch_parcel,
    make_ready,
)
from orders.paying import Outcome, pay  # noqa: E402
from orders.refunds import Goods, refund_lines, refund_undelivered  # noqa: E402
from payments.gateway import Presented  # noqa: E402

GOODS = {"OKR-001-1": 2, "OKR-007": 3}
COURIER = "1919000003"
Step = Callable[[Parcel], object]


def where(parcel: Parcel) -> dict[str, object]:
    return {"order_code": parcel.order.code, "number": parcel.number}


def confirm(parcel: Parcel) -> None:
    confirm_parcel(**where(parcel))


def confirm_a_part(parcel: Parcel) -> None:
    line = parcel.lines.first()
    confirm_parcel(**where(parcel), quantities={line.public_id: line.quantity - 1})


def ready(parcel: Parcel) -> None:
    make_ready(**where(parcel))


def dispatch(parcel: Parcel) -> None:
    courier = User.objects.get(phone=COURIER)
    dispatch_parcel(**where(parcel), by=courier, courier=courier)


def deliver(parcel: Parcel) -> None:
    deliver_parcel(**where(parcel), code=parcel.handover_code)


def decline(parcel: Parcel) -> None:
    decline_parcel(**where(parcel), reason=Reason.NOT_IN_STOCK)


def cancel(parcel: Parcel) -> None:
    cancel_parcel(**where(parcel))


def miss(parcel: Parcel) -> None:
    places = new_try_places(parcel, timezone.now())
    miss_parcel(**where(parcel), attempt=1, window=places[0].window if places else None)


def give_up(parcel: Parcel) -> None:
    refund_undelivered(**where(parcel), key=uuid4(), goods=Goods.WRITE_OFF, with_fee=False)


def give_back(parcel: Parcel) -> None:
    all_of_it = {line.public_id: line.confirmed_quantity for line in parcel.lines.all()}
    refund_lines(**where(parcel), key=uuid4(), quantities=all_of_it, goods=Goods.WRITE_OFF)


def be_late(parcel: Parcel) -> None:
    day = timedelta(days=1, hours=20)
    times = {"promised_from": parcel.promised_from - day, "promised_until": parcel.promised_until - day}
    Parcel.objects.filter(pk=parcel.pk).update(**times)


ON_THE_WAY: list[Step] = [confirm, ready, dispatch]
STATES: dict[str, list[Step]] = {
    "awaiting": [],
    "confirmed": [confirm],
    "part-confirmed": [confirm_a_part],
    "ready": [confirm, ready],
    "dispatched": ON_THE_WAY,
    "late": [*ON_THE_WAY, be_late],
    "late-packed": [confirm, ready, be_late],
    "delivered": [*ON_THE_WAY, deliver],
    "returned": [*ON_THE_WAY, deliver, give_back],
    "declined": [decline],
    "cancelled": [cancel],
    "missed-once": [*ON_THE_WAY, miss],
    "undeliverable": [*ON_THE_WAY, give_up],
}
COLLECTED: dict[str, list[Step]] = {
    "to-collect": [confirm, ready],
    "collected": [confirm, ready, deliver],
}


def make(shopper: Shopper, steps: list[Step], *, method: str) -> Order:
    """Place and pay one order, then carry its parcel as far as `steps` say."""
    order = place(shopper, GOODS, method=method)
    card = Presented(number=shopper.number, pin=PIN, holder=shopper.user.name)
    paid = pay(order_code=order.code, key=order.payment_key, card=card, user=shopper.user, address=ADDRESS)
    if paid.outcome != Outcome.HELD:
        sys.exit(f"Not paid ({paid.code}): a card pays twenty times a day. Try again tomorrow.")
    for step in steps:
        step(order.parcels.select_related("order").get())
    return order


def main() -> None:
    shopper = load_shoppers()[0]
    fill(shopper, f"states {uuid4()}", at_least=200_000)
    for method, states in ((Parcel.Method.DELIVERY, STATES), (Parcel.Method.COLLECTION, COLLECTED)):
        for name, steps in states.items():
            print(f"{name:16} {make(shopper, steps, method=method).code}")


if __name__ == "__main__":
    main()
