"""The courier's desk: the run in the order of the streets; each step posted twice gives the same answer twice."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Neighbourhood, User
from okryu.calendar import at, local_day
from orders.models import Order, OrderLine, Parcel
from orders.parcels import confirm_parcel, dispatch_parcel, make_ready
from orders.roles import COURIER, FINANCE, ORDER_DESK, SELLER
from tests.factories import DistrictFactory, NeighbourhoodFactory, UserFactory
from tests.orders.desks import EN, at_the_desk
from tests.orders.paid import money, paid

pytestmark = pytest.mark.django_db
RUN = "/admin/desk/runs/"


@pytest.fixture
def courier(db: None) -> User:
    return at_the_desk(COURIER, phone="1939990003", name="최금철")[1]


@pytest.fixture
def client(courier: User) -> Client:
    client = Client()
    client.force_login(courier)
    return client


def address(parcel: Parcel, deed: str) -> str:
    return f"{RUN}{parcel.order.code}/{parcel.number}/{deed}/"


def packed(courier: User | None = None, *, hour: int = 18, days: int = 0, **place: object) -> Parcel:
    """A parcel promised for today from `hour` on, packed and paid for; with a courier it is on its way."""
    order, _card = paid(**place)
    start = at(local_day(timezone.now()) + timedelta(days=days), hour)
    order.parcels.update(promised_from=start, promised_until=start + timedelta(hours=2))
    for verb in (confirm_parcel, make_ready):
        verb(order_code=order.code, number=1)
    if courier is not None:
        dispatch_parcel(order_code=order.code, number=1, courier=courier)
    return order.parcels.select_related("order").get()


def at_door(parcel: Parcel, place: Neighbourhood, **door: str) -> None:
    Order.objects.filter(pk=parcel.order_id).update(neighbourhood=place, **door)


def codes(page: str) -> list[str]:
    return [part.split('"')[0].split("-")[0] for part in page.split('<article class="parcel" id="')[1:]]


def test_stops_stand_in_the_order_of_the_streets(client: Client, courier: User) -> None:
    near = NeighbourhoodFactory()
    far = NeighbourhoodFactory(
        district=DistrictFactory(slug="sosong", name_ko_kp="서성구역", position=5), name_ko_kp="중신동"
    )
    late, house9, house12, elsewhere, early = (packed(courier, hour=hour) for hour in (20, 18, 18, 18, 16))
    for parcel, place, building in (
        (late, near, "1"),
        (house9, near, "9호동"),
        (house12, near, "12호동"),
        (elsewhere, far, "1"),
        (early, far, "2"),
    ):
        at_door(parcel, place, building=building)
    page = client.get(RUN, **EN).content.decode()
    assert codes(page) == [each.order.code for each in (early, house9, house12, elsewhere, late)]
    sheet = client.get(f"{RUN}sheet/", **EN).content.decode()
    places = [sheet.index(each.order.shown_code) for each in (early, house9, house12, elsewhere, late)]
    assert places == sorted(places)
    assert sheet.count('class="sign"') == 5


def test_a_run_is_of_today_and_of_what_is_late(client: Client, courier: User) -> None:
    yesterday, today, tomorrow = (packed(courier, days=days) for days in (-1, 0, 1))
    page = client.get(RUN, **EN).content.decode()
    assert codes(page) == [yesterday.order.code, today.order.code]
    assert page.count('tag--bad">late') >= 1
    assert tomorrow.order.code not in page


def test_the_whole_way_with_every_step_posted_twice(client: Client, courier: User) -> None:
    parcel = packed()
    page = client.get(RUN, **EN).content.decode()
    assert "Packed and without a courier" in page
    steps = [
        ("dispatch", {"attempt": "1"}, "dispatched"),
        ("phoned", {"attempt": "1"}, "dispatched"),
        ("deliver", {"code": parcel.handover_code}, "delivered"),
    ]
    for deed, fields, after in steps:
        answers = [client.post(address(parcel, deed), fields, **EN) for _twice in range(2)]
        assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, RUN)}
        assert Parcel.objects.get(pk=parcel.pk).status == after
    parcel.refresh_from_db()
    assert parcel.courier == courier
    told = list(parcel.events.values_list("kind", flat=True))
    assert [told.count(kind) for kind in ("dispatched", "phoned", "delivered")] == [1, 1, 1]
    page = client.get(RUN, **EN).content.decode()
    assert "1 done" in page
    assert codes(page) == []


def test_nobody_at_home_asks_for_a_new_time_and_is_safe_to_repeat(client: Client, courier: User) -> None:
    order, card = paid()
    seller = order.parcels.get().seller
    seller.kind = "shop"
    seller.save(update_fields=["kind"])
    for verb in (confirm_parcel, make_ready, dispatch_parcel):
        verb(order_code=order.code, number=1, **({"courier": courier} if verb is dispatch_parcel else {}))
    parcel = order.parcels.select_related("order").get()
    asked = client.get(address(parcel, "not-home"), **EN)
    choices = [choice for choice, _words in asked.context["form"].fields["window"].choices]
    assert client.post(address(parcel, "not-home"), {"attempt": "1", "window": "x"}, **EN).status_code == 422
    refused = client.post(address(parcel, "not-home"), {"attempt": "1"}, **EN)
    assert refused.status_code == 409
    assert b"one new try is free" in refused.content
    for _twice in range(2):
        answer = client.post(address(parcel, "not-home"), {"attempt": "1", "window": choices[0]}, **EN)
        assert (answer.status_code, answer["Location"]) == (302, RUN)
    parcel.refresh_from_db()
    assert (parcel.status, parcel.failed_tries) == ("ready", 1)
    client.post(address(parcel, "dispatch"), {"attempt": "2"})
    assert b"They go back to the seller" in client.get(address(parcel, "not-home"), **EN).content
    for _twice in range(2):
        answer = client.post(address(parcel, "not-home"), {"attempt": "2", "goods": "write_off"}, **EN)
        assert (answer.status_code, answer["Location"]) == (302, RUN)
    parcel.refresh_from_db()
    assert parcel.status == "undeliverable"
    assert money(card) == (10_000 - 100, 0)
    assert OrderLine.objects.get(parcel=parcel).returned_quantity == 2


def test_a_wrong_code_is_refused_and_none_is_allowed(client: Client, courier: User) -> None:
    parcel = packed(courier)
    wrong = "0000" if parcel.handover_code != "0000" else "1111"
    answer = client.post(address(parcel, "deliver"), {"code": wrong}, **EN)
    assert answer.status_code == 409
    assert b"not the hand-over code" in answer.content
    assert client.post(address(parcel, "deliver"), {"code": ""}, **EN).status_code == 302
    assert parcel.events.get(kind="delivered").data["with_code"] is False


def test_the_desk_looks_at_any_couriers_run(courier: User) -> None:
    parcel, desk = packed(courier), at_the_desk(ORDER_DESK)[0]
    choice = desk.get(RUN, **EN).content.decode()
    assert f"?courier={courier.phone}" in choice
    assert "1 stop<" in choice
    page = desk.get(f"{RUN}?courier={courier.phone}", **EN).content.decode()
    assert codes(page) == [parcel.order.code]
    answer = desk.post(f"{address(parcel, 'phoned')}?courier={courier.phone}", {"attempt": "1"})
    assert answer["Location"] == f"{RUN}?courier={courier.phone}"
    for path in (f"{RUN}?courier=1910000000", f"{RUN}?courier=x", f"{RUN}sheet/"):
        assert desk.get(path).status_code == 404, path


def test_what_is_not_a_couriers_does_not_exist(client: Client, courier: User) -> None:
    parcel = packed(courier)
    for deed in ("confirm", "ready", "capture", "decline", "cancel", "refund", "courier", "x"):
        assert client.post(address(parcel, deed)).status_code == 404, deed
    order, _card = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
    for deed in ("deliver", "phoned"):
        assert client.post(f"{RUN}{order.code}/1/{deed}/").status_code == 404
    assert client.get(f"{RUN}NOTACODE/1/deliver/").status_code == 404
    assert client.delete(address(parcel, "deliver")).status_code == 405
    assert client.post(RUN).status_code == 405


@pytest.mark.parametrize("role", [SELLER, FINANCE, None])
def test_others_do_not_get_in(role: str | None, courier: User) -> None:
    parcel = packed(courier)
    someone = Client()
    if role:
        someone = at_the_desk(role)[0]
    else:
        someone.force_login(UserFactory())
    for path in (RUN, f"{RUN}sheet/", address(parcel, "deliver")):
        assert someone.get(path).status_code == 403, path
    assert someone.post(address(parcel, "deliver")).status_code == 403
    assert Parcel.objects.get(pk=parcel.pk).status == "dispatched"


def test_as_many_queries_for_many_stops_as_for_few(client: Client, courier: User, django_assert_num_queries) -> None:
    packed(courier)
    packed()
    for _more in range(2):
        with django_assert_num_queries(10):
            client.get(RUN)
        with django_assert_num_queries(10):
            client.get(f"{RUN}sheet/")
        for _each in range(5):
            packed(courier)
            packed()
