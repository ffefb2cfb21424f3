"""The bureau's board: the overdue first, filters, pages by key, steps for many that are asked before they are done."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts.models import User
from catalog.models import Stock
from okryu.calendar import local_day
from orders import board, bulk
from orders.models import Order, Parcel
from orders.parcels import confirm_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.roles import COURIER, FINANCE, ORDER_DESK, SELLER
from payments.gateway import NoAnswer
from tests.factories import DistrictFactory, NeighbourhoodFactory, UserFactory, ZoneFactory
from tests.orders.desks import EN, at_the_desk
from tests.orders.paid import paid, placed

pytestmark = pytest.mark.django_db
BOARD = "/admin/desk/board/"
STEPS, REPORT = f"{BOARD}steps/", f"{BOARD}report/"
VERBS = {"confirmed": confirm_parcel, "ready": make_ready, "dispatched": dispatch_parcel, "delivered": deliver_parcel}


@pytest.fixture
def desk(db: None) -> Client:
    return at_the_desk(ORDER_DESK)[0]


@pytest.fixture
def courier(db: None) -> User:
    return at_the_desk(COURIER, phone="1939990003", name="최금철")[1]


def parcel_in(state: str, *, due: timedelta = timedelta(hours=1), **about: object) -> Parcel:
    """A parcel in this state whose next step is due so far from now."""
    order, _card = paid(**about)
    for name, verb in VERBS.items():
        if list(VERBS).index(name) <= (list(VERBS).index(state) if state in VERBS else -1):
            verb(order_code=order.code, number=1)
    moment = timezone.now() + due
    times = {"promised_from": moment, "promised_until": moment + timedelta(hours=2), "confirm_by": moment}
    if state in {"ready", "dispatched"}:
        times |= {"promised_from": moment - timedelta(hours=2), "promised_until": moment}
    Parcel.objects.filter(pk=order.parcels.get().pk).update(**times)
    return order.parcels.select_related("order").get()


def shown(client: Client, query: str = "") -> list[Parcel]:
    answer = client.get(f"{BOARD}{query}", **EN)
    assert answer.status_code == 200, answer.status_code
    return [row.parcel for row in answer.context["page"].rows]


def named(*parcels: Parcel) -> list[str]:
    return [f"{parcel.order.code}-{parcel.number}" for parcel in parcels]


def state(parcel: Parcel) -> str:
    return Parcel.objects.get(pk=parcel.pk).status


def test_every_open_parcel_the_most_overdue_first(desk: Client) -> None:
    soon = parcel_in("awaiting", due=timedelta(minutes=5))
    late = parcel_in("confirmed", due=-timedelta(hours=1))
    later = parcel_in("ready", due=-timedelta(hours=3))
    tomorrow = parcel_in("dispatched", due=timedelta(days=1))
    ended = parcel_in("delivered")
    unpaid = placed().parcels.get()
    assert shown(desk) == [later, late, soon, tomorrow]
    assert shown(desk, "?late=on") == [later, late]
    assert shown(desk, "?state=delivered") == [ended]
    page = desk.get(BOARD, **EN).content.decode()
    assert "3 h" in page
    assert "60 min" in page
    assert unpaid.order.shown_code not in page


def test_counts_are_of_the_whole_shop(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _each in range(3):
        parcel_in("awaiting", due=-timedelta(hours=1))
    parcel_in("ready")
    placed()
    counted = {count.state: count.shown for count in board.counts()}
    assert counted == {"late": "3", "awaiting": "3", "confirmed": "0", "ready": "1", "dispatched": "0"}
    monkeypatch.setattr(board, "COUNTED", 2)
    assert board.counts()[0].shown == "2+"


def test_filters(desk: Client, courier: User) -> None:
    near, mine = parcel_in("awaiting"), parcel_in("ready")
    Parcel.objects.filter(pk=mine.pk).update(courier=courier)
    far_zone = ZoneFactory(code="C")
    far = DistrictFactory(slug="sadong", name_ko_kp="사동구역", name_en="Sadong", zone=far_zone, fee=220, position=9)
    Order.objects.filter(pk=near.order_id).update(neighbourhood=NeighbourhoodFactory(district=far, name_ko_kp="미림동"))
    collected = parcel_in("awaiting", due=timedelta(days=3), parcels=[{"lines": [(80, 6)], "method": "collection"}])
    assert shown(desk, "?state=awaiting") == [near, collected]
    assert shown(desk, f"?courier={courier.phone}") == [mine]
    assert shown(desk, "?courier=nobody") == [near]
    assert shown(desk, "?place=sadong") == [near]
    assert shown(desk, "?place=chung") == [mine]
    assert shown(desk, "?place=zone:A") == [near, mine]  # the zone of their places
    assert shown(desk, "?seller=okryugwan&state=ready") == [mine]
    day = local_day(collected.promised_from)
    assert shown(desk, f"?day={day}") == [collected]
    assert shown(desk, f"?day={day + timedelta(days=1)}") == []
    assert shown(desk, "?window=18") == [near, mine]
    page = desk.get(f"{BOARD}?place=sadong&state=ready", **EN).content.decode()
    assert "No parcel fits" in page
    assert 'value="sadong" selected' in page


@pytest.mark.parametrize(
    "query", ["state=x", "seller=x", "courier=x", "place=x", "place=zone:x", "day=2026-02-30", "window=3", "late=maybe"]
)
def test_a_filter_that_is_not_offered_is_said(desk: Client, query: str) -> None:
    answer = desk.get(f"{BOARD}?{query}", **EN)
    assert answer.status_code == (200 if query == "late=maybe" else 422)


def test_page_by_page(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "ON_PAGE", 2)
    open_ones = [parcel_in("awaiting", due=timedelta(minutes=number)) for number in range(5)]
    ended = [parcel_in("delivered", due=timedelta(minutes=number)) for number in range(3)]
    for query, wanted in (("", open_ones), ("state=delivered", ended[::-1])):
        seen, path = [], f"{BOARD}?{query}"
        while path:
            answer = desk.get(path, **EN)
            seen += [row.parcel for row in answer.context["page"].rows]
            path = answer.context["next_url"] and BOARD + answer.context["next_url"]
        assert seen == wanted


def test_as_many_queries_for_many_as_for_few(desk: Client, django_assert_num_queries) -> None:
    parcel_in("awaiting")
    for _more in range(2):
        cache.clear()
        with django_assert_num_queries(9):
            desk.get(BOARD)
        first = desk.get(BOARD).context["page"].rows[0].parcel
        with django_assert_num_queries(11):
            desk.get(f"{BOARD}?state=awaiting&seller={first.seller.slug}&place=chung&after=1-{first.order.code}-1")
        for _each in range(9):
            parcel_in("awaiting")


class TestSteps:
    def test_are_asked_then_done_each_by_itself(self, desk: Client) -> None:
        one, two, packed = parcel_in("awaiting"), parcel_in("awaiting"), parcel_in("ready")
        asked = desk.get(STEPS, {"step": "confirm", "parcel": named(one, two, packed)}, **EN)
        page = asked.content.decode()
        assert "It will be done to 2 parcels." in page
        assert "does not fit the parcel&#x27;s state: Ready" in page
        assert [state(one), state(two)] == ["awaiting", "awaiting"]
        for _twice in range(2):
            answer = desk.post(STEPS, {"step": "confirm", "parcel": named(one, two)}, **EN)
            assert (answer.status_code, answer["Location"]) == (302, REPORT)
            assert "All of them are done." in desk.get(REPORT, **EN).content.decode()
        assert [state(one), state(two)] == ["confirmed", "confirmed"]

    def test_report_what_was_refused_and_why_and_do_the_rest(self, desk: Client) -> None:
        good, ended, also_good = parcel_in("awaiting"), parcel_in("delivered"), parcel_in("confirmed")
        form = {"step": "decline", "reason": "closed", "parcel": named(good, ended, also_good)}
        assert desk.post(STEPS, form, **EN)["Location"] == REPORT
        page = desk.get(REPORT, **EN).content.decode()
        assert "1 parcel was not done." in page
        assert "does not fit the parcel&#x27;s state: Delivered" in page
        assert [state(good), state(ended), state(also_good)] == ["declined", "delivered", "declined"]

    def test_that_ask_for_something_keep_asking(self, desk: Client) -> None:
        parcel = parcel_in("awaiting")
        answer = desk.post(STEPS, {"step": "decline", "parcel": named(parcel)}, **EN)
        assert answer.status_code == 422
        assert named(parcel)[0] in answer.content.decode()
        assert state(parcel) == "awaiting"

    def test_name_a_courier_and_another(self, desk: Client, courier: User) -> None:
        other = at_the_desk(COURIER, phone="1939990004", name="리철")[1]
        parcels = [parcel_in("awaiting"), parcel_in("dispatched")]
        for someone in (courier, other):
            desk.post(STEPS, {"step": "courier", "courier": someone.pk, "parcel": named(*parcels)})
            assert {Parcel.objects.get(pk=each.pk).courier for each in parcels} == {someone}
        assert desk.post(STEPS, {"step": "courier", "courier": "999999", "parcel": named(*parcels)}).status_code == 422

    def test_one_somebody_works_on_does_not_stop_the_others(self, desk: Client) -> None:
        locked, free = parcel_in("awaiting", due=timedelta(minutes=1)), parcel_in("awaiting", due=timedelta(minutes=2))
        busy = OperationalError()
        busy.__cause__ = LockNotAvailable()
        real = bulk.attempt

        def attempt(deed, parcel, form, by):
            if parcel == locked:
                raise busy
            return real(deed, parcel, form, by)

        with mock.patch.object(bulk, "attempt", attempt):
            desk.post(STEPS, {"step": "confirm", "parcel": named(locked, free)}, **EN)
        assert "Somebody works on this parcel just now" in desk.get(REPORT, **EN).content.decode()
        assert [state(locked), state(free)] == ["awaiting", "confirmed"]

    def test_a_silent_network_is_not_waited_for_without_end(
        self, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = parcel_in("confirmed", due=timedelta(minutes=1)), parcel_in("confirmed", due=timedelta(minutes=2))
        monkeypatch.setattr(bulk, "PATIENCE_SECONDS", 5)
        clock = mock.Mock(side_effect=[0, 0, 6])
        monkeypatch.setattr("orders.bulk.time.monotonic", clock)
        with mock.patch("payments.network.gateway.SimulatedGateway.tell", side_effect=NoAnswer):
            desk.post(STEPS, {"step": "ready", "parcel": named(one, two)}, **EN)
        monkeypatch.undo()
        page = desk.get(REPORT, **EN).content.decode()
        assert "has not confirmed the money" in page
        assert "Not tried: the card network is too slow" in page
        assert [state(one), state(two)] == ["ready", "confirmed"]

    def test_out_of_stock_lowers_every_count(self, desk: Client) -> None:
        parcels = [parcel_in("awaiting") for _each in range(2)]
        desk.post(STEPS, {"step": "decline", "reason": "not_in_stock", "parcel": named(*parcels)})
        assert set(Stock.objects.values_list("on_hand", "reserved")) == {(18, 0)}

    def test_of_nothing_and_of_nonsense(self, desk: Client) -> None:
        assert b"No parcel was ticked" in desk.get(STEPS, {"step": "confirm"}, **EN).content
        nonsense = ["x", "A-0", "²-1", "A" * 99, f"{'A' * 8}-{'9' * 9}", named(parcel_in("awaiting"))[0].lower()]
        assert b"No parcel was ticked" in desk.post(STEPS, {"step": "confirm", "parcel": nonsense}, **EN).content
        for step in ("", "deliver", "refund", "x"):
            assert desk.get(STEPS, {"step": step}).status_code == 404
        assert desk.get(REPORT)["Location"] == BOARD


@pytest.mark.parametrize("role", [COURIER, FINANCE, SELLER, None])
def test_others_do_not_get_in(role: str | None) -> None:
    parcel = parcel_in("awaiting")
    someone = Client()
    if role:
        someone = at_the_desk(role)[0]
    else:
        someone.force_login(UserFactory())
    for path in (BOARD, STEPS, REPORT):
        assert someone.get(path).status_code == 403, path
    assert someone.post(STEPS, {"step": "confirm", "parcel": named(parcel)}).status_code == 403
    assert state(parcel) == "awaiting"
    assert Client().get(BOARD)["Location"].startswith("/sign-in/")
