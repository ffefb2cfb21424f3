"""The seller's desk: new parcels first, one tap to confirm, only the own seller's, whatever is asked."""

from datetime import time, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from okryu.calendar import local_day
from orders.models import Order, OrderLine, Parcel, SellerClosing
from orders.roles import COURIER, ORDER_DESK, SELLER
from tests.factories import SellerFactory, UserFactory
from tests.orders.desks import EN, at_the_desk
from tests.orders.paid import money, paid, placed

pytestmark = pytest.mark.django_db
DESK = "/admin/desk/parcels/"
TWO = [{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "method": "collection"}]


@pytest.fixture
def order() -> Order:
    return paid()[0]


@pytest.fixture
def client(order: Order) -> Client:
    """Somebody of 옥류관, the order's seller."""
    return at_the_desk(SELLER, seller=order.parcels.get().seller)[0]


def address(parcel: Parcel, deed: str = "") -> str:
    return f"{DESK}{parcel.order.code}/{parcel.number}/{f'{deed}/' if deed else ''}"


def state(parcel: Parcel) -> str:
    return Parcel.objects.get(pk=parcel.pk).status


def read(client: Client, path: str = DESK) -> str:
    return client.get(path, **EN).content.decode()


def test_confirmed_whole_in_one_tap(client: Client, order: Order) -> None:
    parcel = order.parcels.get()
    page = read(client)
    assert order.shown_code in page
    assert f'<form action="{address(parcel, "confirm")}" method="post"' in page
    for _again in range(2):
        answer = client.post(address(parcel, "confirm"), **EN)
        assert (answer.status_code, answer["Location"]) == (302, DESK)
    line = OrderLine.objects.get(parcel=parcel)
    assert (state(parcel), line.confirmed_quantity) == ("confirmed", 2)
    assert "Confirmed" in read(client)


def test_a_countdown_says_how_many_minutes_are_left(client: Client, order: Order) -> None:
    parcel = order.parcels.get()
    Parcel.objects.filter(pk=parcel.pk).update(confirm_by=timezone.now() + timedelta(minutes=7, seconds=30))
    page = read(client)
    assert "7 minutes left" in page
    assert "tag--bad" not in page
    assert '<meta http-equiv="refresh" content="60">' in page
    Parcel.objects.filter(pk=parcel.pk).update(confirm_by=timezone.now() + timedelta(seconds=90))
    page = read(client)
    assert "1 minute left" in page
    assert "tag--bad" in page


def test_confirmed_by_line_with_a_smaller_quantity(client: Client) -> None:
    order, card = paid(parcels=[{"lines": [(80, 6), (40, 1)], "fee": 100}])
    parcel, line = order.parcels.get(), OrderLine.objects.filter(parcel__order=order).first()
    assert line
    name = f"line_{line.public_id}"
    page = read(client, address(parcel, "confirm"))
    assert f'name="{name}"' in page
    wrong = client.post(address(parcel, "confirm"), {name: "7"}, **EN)
    assert wrong.status_code == 422
    assert b'value="7"' in wrong.content
    assert client.post(address(parcel, "confirm"), {name: "5", "missing": "other"}, **EN).status_code == 302
    assert money(card)[1] == 5 * 80 + 40 + 100


def test_declined_with_a_reason(client: Client, order: Order) -> None:
    parcel = order.parcels.get()
    assert client.post(address(parcel, "decline"), **EN).status_code == 422
    for _again in range(2):
        assert client.post(address(parcel, "decline"), {"reason": "closed"}, **EN).status_code == 302
    assert state(parcel) == "declined"
    refused = client.post(address(parcel, "confirm"), **EN)
    assert refused.status_code == 409
    assert b"answered already" in refused.content


def test_packed_and_handed_over_for_the_code() -> None:
    order, card = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
    parcel = order.parcels.get()
    client = at_the_desk(SELLER, seller=parcel.seller)[0]
    for deed in ("confirm", "ready"):
        assert client.post(address(parcel, deed), **EN).status_code == 302
    assert address(parcel, "deliver") in read(client)
    assert b"A delivery can be handed over" not in client.get(address(parcel, "deliver"), **EN).content
    for code in ("", "12345"):
        assert client.post(address(parcel, "deliver"), {"code": code}, **EN).status_code == 409
    for _again in range(2):
        answer = client.post(address(parcel, "deliver"), {"code": parcel.handover_code}, **EN)
        assert answer.status_code == 302
    assert state(parcel) == "delivered"
    assert money(card) == (10_000 - 760, 0)


def test_codes_tried_one_after_another_are_stopped(client: Client) -> None:
    order, _card = paid(parcels=[{"lines": [(380, 2)], "method": "collection"}])
    parcel = order.parcels.get()
    for deed in ("confirm", "ready"):
        client.post(address(parcel, deed))
    for _try in range(12):
        answer = client.post(address(parcel, "deliver"), {"code": "wrong"}, **EN)
    assert answer.status_code == 409
    assert b"Too many codes were tried" in answer.content


def test_a_delivery_is_not_handed_over_at_the_sellers(client: Client, order: Order) -> None:
    parcel = order.parcels.get()
    for deed in ("confirm", "ready"):
        client.post(address(parcel, deed))
    assert "A courier fetches it" in read(client)
    assert client.post(address(parcel, "deliver"), {"code": parcel.handover_code}).status_code == 404
    assert client.post(address(parcel, "dispatch")).status_code == 404
    assert state(parcel) == "ready"


@pytest.mark.parametrize("deed", ["", "confirm", "ready", "capture", "deliver", "decline", "cancel", "refund", "x"])
def test_another_sellers_parcel_does_not_exist(deed: str) -> None:
    order, _card = paid(parcels=TWO)
    mine, theirs = order.parcels.order_by("number")
    client = at_the_desk(SELLER, seller=mine.seller)[0]
    assert client.get(address(theirs, deed)).status_code == 404
    assert client.post(address(theirs, deed), {"reason": "closed"}).status_code == (405 if not deed else 404)
    assert state(theirs) == "awaiting"
    page = read(client)
    assert address(mine) in page
    assert address(theirs) not in page


def test_unpaid_and_unknown_parcels_do_not_exist(client: Client) -> None:
    unpaid = placed().parcels.get()
    for path in (
        address(unpaid),
        address(unpaid, "confirm"),
        f"{DESK}NOTACODE/1/",
        f"{DESK}{unpaid.order.code}/99999/",
    ):
        assert client.get(path).status_code == 404, path
    assert address(unpaid) not in read(client)


def test_strangers_do_not_get_in(order: Order) -> None:
    parcel = order.parcels.get()
    assert Client().get(DESK)["Location"].startswith("/sign-in/")
    stranger = Client()
    stranger.force_login(UserFactory())
    courier = at_the_desk(COURIER)[0]
    for someone in (stranger, courier):
        for path in (DESK, address(parcel), address(parcel, "confirm")):
            assert someone.get(path).status_code == 403
        assert someone.post(address(parcel, "confirm")).status_code == 403
    assert state(parcel) == "awaiting"


def test_get_changes_nothing(client: Client, order: Order) -> None:
    parcel = order.parcels.get()
    for deed in ("confirm", "decline"):
        assert client.get(address(parcel, deed)).status_code == 200
    assert client.delete(address(parcel, "confirm")).status_code == 405
    assert client.post(DESK).status_code == 405
    assert state(parcel) == "awaiting"


def test_the_order_desk_sees_every_sellers_parcels() -> None:
    order, _card = paid(parcels=TWO)
    page = read(at_the_desk(ORDER_DESK)[0])
    for parcel in order.parcels.all():
        assert address(parcel) in page
        assert str(parcel.seller.name_en) in page


def test_as_many_queries_for_many_parcels_as_for_few(django_assert_num_queries) -> None:
    order, _card = paid()
    client = at_the_desk(SELLER, seller=order.parcels.get().seller)[0]
    for orders, queries in ((1, 8), (11, 8)):
        for _more in range(orders - Order.objects.count()):
            paid()
        with django_assert_num_queries(queries):
            client.get(DESK)
        with django_assert_num_queries(8):
            client.get(f"{DESK}?state=awaiting")


def test_one_state_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.seller_desk.ON_PAGE", 2)
    orders = [paid()[0] for _ in range(5)]
    Parcel.objects.update(confirm_by=timezone.now() + timedelta(minutes=9))  # all at once: the key tells them apart
    client = at_the_desk(SELLER, seller=orders[0].parcels.get().seller)[0]
    path, seen = f"{DESK}?state=awaiting", []
    while path:
        page = client.get(path, **EN)
        [section] = page.context["sections"]
        seen += [entry.parcel.order.code for entry in section.entries]
        path = page.context["next_url"] and DESK + page.context["next_url"]
    assert seen == [order.code for order in orders]
    for key in ("x", "1-X-1", "9" * 17 + "-X-1", "¹-X-1", f"{'9' * 17}-{orders[0].code}-1"):
        assert client.get(f"{DESK}?state=awaiting&after={key}").status_code == 200
    assert client.get(f"{DESK}?state=nonsense").status_code == 200


class TestHours:
    def test_are_changed_by_the_sellers_own_people(self, client: Client, order: Order) -> None:
        seller, page = order.parcels.get().seller, f"{DESK}hours/okryugwan/"
        assert page in read(client)
        assert b'value="09:00"' in client.get(page, **EN).content
        given = {"opens_at": "10:30", "closes_at": "22:00", "preparation_minutes": "25"}
        for _again in range(2):
            assert client.post(page, given, **EN)["Location"] == DESK
        seller.refresh_from_db()
        assert (seller.opens_at, seller.closes_at, seller.preparation_minutes) == (time(10, 30), time(22), 25)
        assert LogEntry.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"opens_at": "23:00"},
            {"closes_at": "25:00"},
            {"opens_at": ""},
            {"cut_off": "10:30"},
            {"preparation_minutes": "-1"},
        ],
    )
    def test_are_checked(self, client: Client, wrong: dict[str, str]) -> None:
        given = {"opens_at": "10:30", "closes_at": "22:00", "preparation_minutes": "25"} | wrong
        answer = client.post(f"{DESK}hours/okryugwan/", given, **EN)
        assert answer.status_code == 422
        [name] = wrong
        assert f'name="{name}"' in answer.content.decode()
        assert "preparation_minutes" in wrong or b'value="25"' in answer.content

    def test_of_another_seller_do_not_exist(self, client: Client) -> None:
        SellerFactory(slug="other")
        for path in ("other", "nowhere"):
            assert client.get(f"{DESK}hours/{path}/").status_code == 404
            assert client.post(f"{DESK}hours/{path}/", {"opens_at": "01:00"}).status_code == 404
        assert at_the_desk(ORDER_DESK)[0].get(f"{DESK}hours/other/").status_code == 404

    def test_closing_days_are_named_and_taken_back(self, client: Client, order: Order) -> None:
        seller, page = order.parcels.get().seller, f"{DESK}hours/okryugwan/"
        today = local_day(timezone.now())
        days = {
            "first_day": str(today + timedelta(days=3)),
            "last_day": str(today + timedelta(days=5)),
            "note": "Repair",
        }
        for _again in range(2):
            assert client.post(f"{page}closings/", days, **EN)["Location"] == page
        closing = SellerClosing.objects.get()
        assert (closing.seller, closing.last_day - closing.first_day, closing.note) == (seller, timedelta(2), "Repair")
        assert "Repair" in read(client, page)
        for _again in range(2):
            assert client.post(f"{page}closings/{days['first_day']}/removal/", **EN)["Location"] == page
        assert not SellerClosing.objects.exists()

    def test_closing_days_are_checked(self, client: Client, order: Order) -> None:
        page, today = f"{DESK}hours/okryugwan/", local_day(timezone.now())
        for first, last in ((3, 2), (-3, -1), (0, 400)):
            days = {"first_day": str(today + timedelta(days=first)), "last_day": str(today + timedelta(days=last))}
            answer = client.post(f"{page}closings/", days, **EN)
            assert answer.status_code == 422
            assert days["last_day"] in answer.content.decode()
        assert client.post(f"{page}closings/", {"first_day": "2026-02-30"}).status_code == 422
        assert client.post(f"{page}closings/not-a-day/removal/").status_code == 404
        SellerFactory(slug="other")
        assert client.post(f"{DESK}hours/other/closings/", days).status_code == 404
        assert client.get(f"{page}closings/").status_code == 405
        assert not SellerClosing.objects.exists()
