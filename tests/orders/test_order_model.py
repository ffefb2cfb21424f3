"""Any history of orders under a bad line: order, parcel, payment, card, shelf and slot agree each time it is healed.

Hypothesis places, pays, confirms, cancels, comes late, finds nobody home, hands over and refunds through the shop's
own verbs, and dies between two commits of one. The orders' audits hold after every step. What must be true besides is
worked out from the order's lines alone: what each parcel is worth, what is promised, what has left the shelf.
`HYPOTHESIS_SEED` repeats a run.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import uuid
from collections import Counter

import pytest
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from catalog.models import Stock, StockMovement
from okryu.calendar import local_day
from orders import parcels, placing, returns, vouchers
from orders.audit import AUDITS as ORDERS
from orders.cancelling import cancel_order, cancel_parcel
from orders.carrying import miss_parcel, new_try_places
from orders.cart import put
from orders.choices import Choice, Method, fees_of
from orders.healing import heal
from orders.lateness import move_late
from orders.models import Cart, DeliverySlot, Order, OrderLine, Parcel, Return, Voucher
from orders.parcels import Missing, Reason, Refused, Status
from orders.paying import NotPayable, Outcome, OutOfDate, pay
from orders.positions import buyable, read
from orders.promises import Window
from orders.refunds import Goods, refund_lines, refund_undelivered
from orders.rescheduling import change_window, places_for
from orders.stock_holds import expire_due_orders
from orders.workdays import read_workdays
from payments import faults
from payments.audit import AUDITS as LEDGER
from payments.audit import audit
from payments.models import Message, Payment
from payments.network.models import Authorisation
from tests import databases
from tests.factories import NeighbourhoodFactory, ProductFactory, SellerFactory, UserFactory
from tests.orders.paid import NAME, SELLERS, an_address, issued, money
from tests.payments.boundaries import dies_at

# What happens to a step's calls to the network, one each.
FAULTS = st.sampled_from(
    [
        [], [], [], [], ["lost_request"], ["lost_answer"], ["lost_answer", "lost_request"], ["garbage", "garbage"],
        ["late:1", "lost_request"], ["late:2", "lost_answer", "lost_request"], ["duplicate"], ["ok", "lost_answer"],
    ]
)  # fmt: skip
PICK = st.integers(0, 59)
STEPS = st.sampled_from(
    ["go on"] * 9 + ["pay", "place", "heal", "pay", "heal", "refund", "short", "decline", "cancel", "undelivered",
     "take", "cancel it", "run out", "late", "another time", "not home", "not home", "crash", "crash", "send back"]
)  # fmt: skip
# What comes next for a parcel in this state.
NEXT = {
    Status.AWAITING: "confirm", Status.CONFIRMED: "ready", Status.READY: "dispatch", Status.DISPATCHED: "deliver",
}  # fmt: skip
BALANCE = 100_000
GONE = (Status.DECLINED, Status.CANCELLED, Status.UNDELIVERABLE)
PROMISED = (Status.AWAITING, Status.CONFIRMED, Status.READY, Status.DISPATCHED)
HANDED_OVER = (Status.DELIVERED, Status.RETURNED)
# What a long run must have met, and how often.
MET = {
    "placed": 30, "held": 12, "waiting": 1, "declined": 6, "confirm": 6, "ready": 4, "healed": 12, "answers healed": 5,
    "captured": 4, "released": 3, "voucher": 6, "late": 1, "another time": 1, "not home": 1, "crashed": 2,
    "send back": 1,
}  # fmt: skip


class Shop(RuleBasedStateMachine):
    met: Counter[str] = Counter()

    @initialize()
    def open(self):
        faults.expect()
        self.user, self.place = UserFactory(name=NAME), NeighbourhoodFactory()
        self.variants = [
            ProductFactory(
                seller=SellerFactory(**seller), slug=f"thing-{uuid.uuid4().hex[:12]}",
                variant__price=price, variant__on_hand=40, variant__sku=uuid.uuid4().hex[:12],
            ).variants.get()
            for seller, price in zip(SELLERS, (380, 95, 1_210), strict=True)
        ]  # fmt: skip
        self.voucher = Voucher.objects.create(
            code=f"V{uuid.uuid4().hex[:12].upper()}", percent=15, limit=1_000, limit_per_member=100,
            valid_from=timezone.now(), valid_until=timezone.now() + datetime.timedelta(days=1),
        )  # fmt: skip
        self.card, self.presented = issued(BALANCE)
        _, self.poor = issued(1)
        self.orders: list[str] = []
        for pick in range(3):
            self.place_an_order(pick, 2)
            self.pay_for_it(1, rich=pick < 2)

    # ------------------------------------------------------------ what shoppers and sellers do

    @rule(pick=PICK, what=STEPS, line=FAULTS)
    def a_step(self, pick, what, line):
        faults.weather().script.extend(line)
        if what == "place":
            self.place_an_order(pick, pick % 4 + 1)
        elif what == "pay":
            self.pay_for_it(pick, rich=pick % 4 > 0)
        elif what == "cancel it":
            self.cancel_it(pick)
        elif what == "run out":
            self.a_hold_runs_out(pick)
        elif what == "heal":
            self.heal_and_compare()
        else:
            self.a_deed(pick, what)
        self._compare_audits(ORDERS)

    def place_an_order(self, pick, pieces):
        cart, _ = Cart.objects.get_or_create(user=self.user)
        for variant in self.variants[: pick % 3 + 1]:
            put(cart, variant=variant, quantity=pieces)
        cart.refresh_from_db()
        day = local_day(timezone.now()) + datetime.timedelta(days=8 if pick % 6 == 5 else 2)
        plans = buyable(read(cart))
        choices = {
            plan.seller.pk: Choice(Method.COLLECTION)
            if (pick + number) % 4 == 3
            else Choice(
                Method.DELIVERY, Window(day, 18, 20),
                Parcel.Shortage.CANCEL if pick % 5 == 4 else Parcel.Shortage.SEND_REST,
            )
            for number, plan in enumerate(plans)
        }  # fmt: skip
        fares = fees_of(plans, choices, district=self.place.district)
        code, discount = "", 0
        if pick % 3 and plans:
            quoted = vouchers.quote(code=self.voucher.code, user=self.user, plans=plans, now=timezone.now())
            code, discount = self.voucher.code, quoted.total
        wish = placing.Wish(
            checkout_token=cart.checkout_token,
            shown_total=sum(plan.goods_total for plan in plans) + sum(fares) - discount,
            voucher=code,
            shown_lines={each.variant.pk: each.quantity for plan in plans for each in plan.positions},
            recipient_name=NAME,
            recipient_phone="1912345678",
            choices=choices,
            destination=placing.Destination(self.place, "12"),
        )
        with contextlib.suppress(placing.LinesChanged, placing.NothingToOrder):  # the shelf is empty
            orders = {placing.place_order(user=self.user, wish=wish).code for _ in range(2)}
            assert len(orders) == 1, "the same form is the same order"
            self.orders += orders
            self.met["placed"] += 1
            self.met["voucher"] += bool(code)

    def pay_for_it(self, pick, *, rich):
        order = self._an_order(pick, Order.Status.PLACED)
        before = Payment.objects.filter(order_code=order.code).count()
        form = {"order_code": order.code, "key": order.payment_key, "user": self.user, "address": an_address()}
        try:
            attempt = pay(card=self.presented if rich else self.poor, **form)
        except (NotPayable, OutOfDate):
            return
        self.met[attempt.outcome.value] += 1
        is_new = Payment.objects.filter(order_code=order.code).count() > before > 0
        self.met["paid again"] += is_new and attempt.outcome == Outcome.HELD
        again = pay(card=self.presented, **form)  # the form is posted again: it asks nothing
        assert (again.outcome, again.code) == (attempt.outcome, attempt.code)

    def a_deed(self, pick, what):
        fitting = {
            "short": [Status.AWAITING], "decline": [Status.AWAITING, Status.CONFIRMED],
            "take": [Status.CONFIRMED], "refund": [Status.DELIVERED],
            "undelivered": [Status.DISPATCHED, Status.READY], "cancel": [Status.AWAITING, Status.READY],
            "go on": [*NEXT, Status.DELIVERED], "crash": [*NEXT, Status.DELIVERED],
            "another time": [Status.AWAITING, Status.CONFIRMED],
            "late": list(PROMISED), "send back": [Status.DELIVERED], "not home": [Status.DISPATCHED, Status.READY],
        }[what]  # fmt: skip
        every = Parcel.objects.filter(order__code__in=self.orders, order__paid_at__isnull=False).order_by("pk")
        rows = list(every.filter(status__in=fitting) if pick % 6 else every) or list(every)
        if not rows:
            return
        parcel = rows[pick % len(rows)]
        dies = what == "crash"
        if what in ("go on", "crash"):
            what = NEXT.get(parcel.status) or ("refund" if pick % 2 else "send back")
        if what == "dispatch" and parcel.method == Method.COLLECTION:
            what = "deliver"
        if dies:
            self.met["crashed"] += dies_at(lambda: self._try(what, parcel, pick), pick % 4 + 1)
        else:
            self.met[what] += self._try(what, parcel, pick)

    def _try(self, what, parcel, pick):
        with contextlib.suppress(Refused):
            self._do(what, parcel, pick)
            return True
        return False

    def _do(self, what, parcel, pick):
        where = {"order_code": parcel.order.code, "number": parcel.number}
        line = parcel.lines.get()
        goods = list(Goods)[pick % 2]
        {
            "confirm": lambda: parcels.confirm_parcel(**where),
            "ready": lambda: parcels.make_ready(**where),
            "dispatch": lambda: parcels.dispatch_parcel(**where),
            "take": lambda: parcels.take_payment(**where),
            "short": lambda: parcels.confirm_parcel(
                **where, quantities={line.public_id: line.quantity - 1}, missing=list(Missing)[pick % len(Missing)]
            ),
            "decline": lambda: parcels.decline_parcel(
                **where, reason=Reason.NOT_IN_STOCK if pick % 2 else Reason.CLOSED
            ),
            "deliver": lambda: parcels.deliver_parcel(**where, code=parcel.handover_code),
            "cancel": lambda: cancel_parcel(**where),
            "undelivered": lambda: refund_undelivered(**where, key=uuid.uuid4(), goods=goods),
            "refund": lambda: self._refund(line, where, goods),
            "late": lambda: self._comes_late(parcel, where),
            "another time": lambda: self._another_time(parcel, where, pick),
            "not home": lambda: self._nobody_is_home(parcel, where, pick, goods),
            "send back": lambda: self._send_back(line, where, pick, goods),
        }[what]()

    @staticmethod
    def _refund(line, where, goods):
        key = uuid.uuid4()
        for _ in range(2):  # the form posted again refunds nothing more
            refund_lines(**where, key=key, quantities={line.public_id: 1}, goods=goods)

    @staticmethod
    def _comes_late(parcel, where):
        past = timezone.now() - datetime.timedelta(hours=3)
        times = {"promised_from": past, "promised_until": past + datetime.timedelta(hours=1)}
        Parcel.objects.filter(pk=parcel.pk).update(**times, expected_from=None, expected_until=None)
        for _ in range(2):  # whoever looks first
            move_late(**where)

    @staticmethod
    def _another_time(parcel, where, pick):
        places = places_for(parcel, timezone.now(), read_workdays(first=local_day(timezone.now())))
        if not places:
            raise Refused("collected")
        for _ in range(2):
            change_window(**where, window=places[pick % len(places)].window)

    def _send_back(self, line, where, pick, goods):
        """Asked, accepted, inspected; each step twice. Or refused, before or after the goods came."""
        wish = returns.Wish(
            key=uuid.uuid4(), reason=Return.Reason.WRONG, quantities={line.public_id: 1}, photograph=b"of the dish"
        )
        asked = {returns.ask_return(**where, by=self.user, wish=wish).number for _ in range(2)}
        about = {**where, "turn": asked.pop()}
        ends = {
            0: [lambda: returns.refuse_return(**about, answer="not ours")],
            1: [lambda: returns.accept_return(**about), lambda: returns.refuse_return(**about, answer="opened")],
        }.get(pick % 4, [
            lambda: returns.accept_return(**about),
            lambda: returns.inspect_return(**about, goods=goods, with_fee=pick % 3 == 0),
        ])  # fmt: skip
        for step in ends:
            for _ in range(2):
                step()

    @staticmethod
    def _nobody_is_home(parcel, where, pick, goods):
        if parcel.status == Status.READY:
            parcels.dispatch_parcel(**where)
        if parcel.slot is None:
            raise Refused("collected")
        places = new_try_places(parcel, timezone.now())
        window = places[pick % len(places)].window if places else None
        attempt = parcel.failed_tries + 1
        for _ in range(2):  # the line was bad: the courier taps twice
            miss_parcel(**where, attempt=attempt, window=window, goods=goods)

    def cancel_it(self, pick):
        order = self._an_order(pick, Order.Status.PLACED, Order.Status.PAID)
        with contextlib.suppress(Refused):
            cancel_order(order_code=order.code)
            self.met["order cancelled"] += 1

    def a_hold_runs_out(self, pick):
        order = self._an_order(pick, Order.Status.PLACED)
        Order.objects.filter(pk=order.pk, status=Order.Status.PLACED).update(hold_until=timezone.now())
        self.met["expired"] += expire_due_orders()

    def _an_order(self, pick, *states):
        """Mostly one in such a state."""
        every = Order.objects.filter(code__in=self.orders).order_by("pk")
        fitting = list(every.filter(status__in=states)) if pick % 6 else []
        rows = fitting or list(every)
        return rows[pick % len(rows)]

    # ------------------------------------------------------------ healed, all agree

    def heal_and_compare(self):
        faults.weather().script.clear()
        for _ in range(3):  # a late question may arrive after its answer was given up
            faults.weather().arrive()
            waiting = Message.objects.filter(code=None)
            self.met["answers healed"] += waiting.update(next_at=timezone.now() - datetime.timedelta(seconds=1))
            heal()
        assert not Message.objects.filter(code=None).exists()
        assert not Payment.objects.filter(state="pending").exists()
        for order in Order.objects.filter(code__in=self.orders):
            self._compare_order(order)
        self._compare_shelf()
        self._compare_slots()
        self._compare_card()
        self._compare_audits(LEDGER)
        self._compare_audits(ORDERS)
        self.met["healed"] += 1

    @staticmethod
    def _compare_audits(meanings):
        assert {finding.view: finding.first for finding in audit(meanings) if finding.rows} == {}

    def teardown(self):
        if not hasattr(self, "orders"):
            return
        self.heal_and_compare()
        answers = Message.objects.filter(payment__order_code__in=self.orders, code="00")
        for verb, name in (
            ("capture", "captured"), ("release", "released"), ("refund", "refunded"), ("reverse", "reversed"),
        ):  # fmt: skip
            self.met[name] += answers.filter(verb=verb).count()
        self.met["closed"] += Order.objects.filter(code__in=self.orders, status=Order.Status.CLOSED).count()
        self.met["ended"] += 1

    def _compare_order(self, order):
        payments = list(Payment.objects.filter(order_code=order.code))
        took = [payment for payment in payments if payment.code == "00" and payment.state != "declined"]
        assert len(took) == (order.paid_at is not None), (order.status, payments)
        for payment in payments:
            theirs = Authorisation.objects.filter(pk=payment.messages.get(verb="authorise").pk).first()
            assert (theirs is not None and theirs.state == "open") == (payment.state == "authorised")
            if theirs is not None:
                ours = (payment.captured, payment.refunded, payment.released)
                assert ours == (theirs.captured, theirs.refunded, theirs.released)
        if took:
            self._compare_paid(order, took[0])
        else:
            assert order.status in (Order.Status.PLACED, Order.Status.CANCELLED, Order.Status.EXPIRED)

    def _compare_paid(self, order, payment):
        rows = list(order.parcels.prefetch_related("lines"))
        captured = set(payment.messages.filter(verb="capture", code="00").values_list("parcel", flat=True))
        assert {row.number for row in rows if row.captured_at} == captured
        assert not [row for row in rows if row.status in (Status.DISPATCHED, *HANDED_OVER) and not row.captured_at]
        if payment.state == "cancelled":
            assert order.status == Order.Status.CANCELLED
            assert {row.status for row in rows} == {Status.CANCELLED}
            return
        worth = {
            row.number: sum(line.paid_for(line.kept_quantity) for line in row.lines.all()) + row.fee for row in rows
        }
        assert payment.captured == sum(worth[row.number] for row in rows if row.captured_at)
        held = sum(worth[row.number] for row in rows if not row.captured_at and row.status not in GONE)
        assert payment.amount - payment.captured - payment.released == held
        back = sum(line.paid_for(line.returned_quantity) for row in rows for line in row.lines.all())
        fees = [row.fee for row in rows if row.status == Status.UNDELIVERABLE and not self._came_twice(row)]
        assert payment.refunded == back + sum(fees)
        assert (payment.state == "done") == (held == 0)
        final = all(row.status in Parcel.FINAL for row in rows)
        assert final == (order.status in (Order.Status.CLOSED, Order.Status.CANCELLED))
        assert not (final and held)

    @staticmethod
    def _came_twice(parcel):
        """Nobody was at home again: the fee is kept."""
        return parcel.events.filter(kind="not_home_again").exists()

    def _compare_shelf(self):
        for variant in self.variants:
            shelf = Stock.objects.get(pk=variant.pk)
            lines = OrderLine.objects.filter(variant=variant).select_related("parcel")
            assert shelf.reserved == sum(line.kept_quantity for line in lines if line.parcel.status in PROMISED)
            moved = StockMovement.objects.filter(stock=shelf)
            sums = {
                row["kind"]: (row["hand"], row["kept"])
                for row in moved.values("kind").annotate(hand=Sum("on_hand_change"), kept=Sum("reserved_change"))
            }
            assert shelf.on_hand == sum(hand for hand, _ in sums.values())
            assert shelf.reserved == sum(kept for _, kept in sums.values())
            sold = sum(line.confirmed_quantity for line in lines if line.parcel.status in HANDED_OVER)
            assert sums.get(StockMovement.Kind.SALE, (0, 0)) == (-sold, -sold)

    def _compare_slots(self):
        for slot in DeliverySlot.objects.all():
            assert slot.taken == Parcel.objects.filter(slot=slot).exclude(status__in=GONE).count(), slot

    def _compare_card(self):
        sums = Payment.objects.filter(order_code__in=self.orders).aggregate(
            captured=Sum("captured"), refunded=Sum("refunded")
        )
        open_ = Payment.objects.filter(order_code__in=self.orders, state="authorised")
        held = sum(payment.amount - payment.captured - payment.released for payment in open_)
        assert money(self.card) == (BALANCE - (sums["captured"] or 0) + (sums["refunded"] or 0), held)


@pytest.mark.ledger
@pytest.mark.long
def test_orders_parcels_payments_shelves_and_slots_agree(ledger_db, settings_of_a_bad_line):
    number = int(os.environ.get("HYPOTHESIS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"HYPOTHESIS_SEED={number}")
    profile = settings(
        max_examples=int(os.environ.get("HISTORIES", "120")) // 10,
        stateful_step_count=30,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, *([] if os.environ.get("NOSHRINK") else [Phase.shrink])],
        suppress_health_check=list(HealthCheck),
    )
    Shop.met.clear()
    with contextlib.ExitStack() as place:
        run_state_machine_as_test(with_seed(number)(lambda: _in_a_whole_shop(place)), settings=profile)
    print(dict(sorted(Shop.met.items())))
    assert {what: Shop.met[what] for what, times in MET.items() if Shop.met[what] < times} == {}


def _in_a_whole_shop(place):
    """A shop in which a history went wrong is not used again: its repetition must not meet the damage."""
    if Shop.met["begun"] != Shop.met["ended"] or not Shop.met["begun"]:
        Shop.met["ended"] = Shop.met["begun"]
        place.close()
        place.enter_context(databases.using(place.enter_context(databases.copied("orders"))))
    Shop.met["begun"] += 1
    return Shop()


@pytest.fixture
def settings_of_a_bad_line(settings):
    settings.PAYMENT_FAULTS = "seed=7"
    settings.SLOT_CAPACITY = dict.fromkeys(settings.SLOT_CAPACITY, 30_000)
