"""Staff at the parcels: plain forms by POST, each deed only for its role, sellers only at their own parcels."""

import uuid

import pytest

from orders.models import OrderLine, Parcel, SellerStaff
from orders.roles import COURIER, FINANCE, ORDER_DESK, SELLER, ensure_roles
from tests.factories import StaffFactory, UserFactory
from tests.orders.paid import money, paid, placed

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def desk(client):
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[ORDER_DESK])
    client.force_login(person)
    return person


def post(client, parcel, deed, **fields):
    return client.post(f"/admin/orders/parcel/{parcel.pk}/{deed}/", fields, **ENGLISH)


def state(parcel):
    return Parcel.objects.get(pk=parcel.pk).status


def test_from_the_order_to_the_door(client, desk):
    order, card = paid()
    parcel = order.parcels.get()
    assert order.shown_code in client.get("/admin/orders/order/", **ENGLISH).content.decode()
    page = client.get(f"/admin/orders/order/{order.pk}/change/", **ENGLISH).content.decode()
    assert f"/admin/orders/parcel/{parcel.pk}/change/" in page
    assert "860 won" in page
    steps = [("confirm", "confirmed"), ("ready", "ready"), ("dispatch", "dispatched"), ("deliver", "delivered")]
    for deed, after in steps:
        page = client.get(f"/admin/orders/parcel/{parcel.pk}/change/", **ENGLISH).content.decode()
        assert f"../{deed}/" in page
        assert client.get(f"/admin/orders/parcel/{parcel.pk}/{deed}/", **ENGLISH).status_code == 200
        answer = post(client, parcel, deed)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/orders/parcel/{parcel.pk}/change/")
        assert state(parcel) == after
        assert post(client, parcel, deed).status_code == 302  # repeated
    assert money(card) == (9140, 0)
    assert set(order.events.filter(parcel=parcel).exclude(kind="captured").values_list("by", flat=True)) == {desk.pk}


def test_confirming_by_line_with_its_mistakes(client, desk):
    order, card = paid(parcels=[{"lines": [(80, 6)], "fee": 100}])
    parcel = order.parcels.get()
    name = f"line_{OrderLine.objects.get(parcel=parcel).public_id}"
    for wrong in ("7", "-1", "1.5", "many"):
        answer = post(client, parcel, "confirm", **{name: wrong})
        assert answer.status_code == 422
        assert state(parcel) == "awaiting"
    assert post(client, parcel, "confirm", **{name: "5"}).status_code == 302
    assert money(card)[1] == 500


def test_declining_needs_a_reason(client, desk):
    order, _card = paid()
    parcel = order.parcels.get()
    assert post(client, parcel, "decline").status_code == 422
    assert post(client, parcel, "decline", reason="silence").status_code == 422
    assert post(client, parcel, "decline", reason="closed").status_code == 302
    assert state(parcel) == "declined"


def test_a_deed_that_does_not_fit_is_refused(client, desk):
    order, _card = paid()
    parcel = order.parcels.get()
    answer = post(client, parcel, "dispatch")
    assert answer.status_code == 409
    assert b"does not fit" in answer.content


def test_refunding_and_cancelling(client, desk):
    order, card = paid()
    parcel = order.parcels.get()
    for deed in ("confirm", "ready", "dispatch", "deliver"):
        post(client, parcel, deed)
    line = OrderLine.objects.get(parcel=parcel)
    fields = {"key": str(uuid.uuid4()), f"line_{line.public_id}": "1", "goods": "restock"}
    for _ in range(2):
        assert post(client, parcel, "refund", **fields).status_code == 302
    assert money(card) == (9520, 0)
    fields = {"key": str(uuid.uuid4()), f"line_{line.public_id}": "2", "goods": "restock"}
    assert post(client, parcel, "refund", **fields).status_code == 422
    other, other_card = paid()
    assert post(client, other.parcels.get(), "cancel").status_code == 302
    assert money(other_card) == (10_000, 0)
    third, third_card = paid()
    address = f"/admin/orders/order/{third.pk}/cancel/"
    assert client.get(address, **ENGLISH).status_code == 200
    assert money(third_card)[1] == 860
    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 302
    assert money(third_card) == (10_000, 0)


ROLES = {
    ORDER_DESK: {"confirm", "ready", "dispatch", "decline", "cancel", "refund", "deliver", "capture"},
    COURIER: {"dispatch", "deliver"},
    FINANCE: {"refund"},
    SELLER: set(),  # of another seller: the parcel does not exist
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_does_its_own(client, role):
    order, _card = paid()
    parcel = order.parcels.get()
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[role])
    client.force_login(person)
    for deed in ROLES[ORDER_DESK]:
        answer = client.get(f"/admin/orders/parcel/{parcel.pk}/{deed}/")
        expected = 404 if role == SELLER else 200 if deed in ROLES[role] else 403
        assert answer.status_code == expected, deed
    if role != ORDER_DESK:
        assert post(client, parcel, "confirm").status_code in {403, 404}
        assert state(parcel) == "awaiting"


def test_a_seller_finds_only_own_parcels(client):
    order, _card = paid(parcels=[{"lines": [(380, 2)], "fee": 100}, {"lines": [(80, 6)], "method": "collection"}])
    mine, theirs = order.parcels.order_by("number")
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[SELLER])
    SellerStaff.objects.create(user=person, seller=mine.seller)
    client.force_login(person)
    page = client.get("/admin/orders/parcel/", **ENGLISH).content.decode()
    assert f"/admin/orders/parcel/{mine.pk}/change/" in page
    assert f"/admin/orders/parcel/{theirs.pk}/change/" not in page
    assert post(client, mine, "confirm").status_code == 302
    assert post(client, theirs, "confirm").status_code == 404
    assert client.get(f"/admin/orders/order/{order.pk}/change/").status_code == 403


def test_strangers_and_wrong_numbers(client):
    order, _card = paid()
    parcel = order.parcels.get()
    assert post(client, parcel, "confirm").status_code == 302  # to the sign-in page
    client.force_login(UserFactory())
    assert post(client, parcel, "confirm").status_code == 302
    assert state(parcel) == "awaiting"
    client.force_login(StaffFactory())
    assert client.post("/admin/orders/parcel/999999/confirm/").status_code == 404
    unpaid = placed().parcels.get()
    assert post(client, unpaid, "confirm").status_code == 404


@pytest.mark.parametrize("number", ["%C2%B2", "%D9%A1", "1" * 30, "-1", "x"])
def test_what_is_no_number_leads_back(client, desk, number):
    """² counts as a digit, but int() does not take it."""
    for model in ("order", "parcel"):
        assert client.get(f"/admin/orders/{model}/{number}/change/")["Location"] == "/admin/"


@pytest.mark.parametrize("filters", ["status__exact=%00", "placed_at__year=11111111111111111111", "q=%00"])
def test_broken_filters_are_refused(client, desk, filters):
    for model in ("order", "parcel"):
        assert client.get(f"/admin/orders/{model}/?{filters}").status_code == 400


def test_search_by_code_as_it_is_read_out(client, desk):
    order, _card = paid()
    other, _card = paid()
    page = client.get(f"/admin/orders/order/?q={order.shown_code.lower()}", **ENGLISH).content.decode()
    assert order.shown_code in page
    assert other.shown_code not in page
    page = client.get("/admin/orders/parcel/?q=191-234-5678", **ENGLISH).content.decode()
    assert order.shown_code in page


def test_money_and_history_are_read_only(client, desk):
    order, _card = paid()
    address = f"/admin/orders/order/{order.pk}"
    assert client.post(f"{address}/change/", {"status": "closed"}).status_code == 403
    assert client.get(f"{address}/delete/").status_code == 403
    assert client.get("/admin/orders/order/add/").status_code == 403
