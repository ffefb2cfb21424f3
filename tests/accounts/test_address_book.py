from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from accounts import address_book, views
from accounts.models import Address, District, Neighbourhood, User
from tests.factories import PASSWORD, DistrictFactory, NeighbourhoodFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shopper() -> User:
    return UserFactory(phone="1912345678", language="en")


@pytest.fixture
def signed_in(shopper: User) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.post("/sign-in/", {"phone": shopper.phone, "password": PASSWORD})
    return client


@pytest.fixture
def central() -> Neighbourhood:
    return NeighbourhoodFactory(name_ko_kp="창광동")


def _fields(neighbourhood: Neighbourhood, /, **changes: Any) -> dict[str, Any]:
    return {
        "recipient_name": "김은주",
        "recipient_phone": "191-234-5678",
        "neighbourhood": neighbourhood.pk,
        "unit": "12반",
        "building": "고층 3호동",
        "floor": "21",
        "door": "4",
        "note": "",
        **changes,
    }


def _add(client: Client, neighbourhood: Neighbourhood, /, **changes: Any) -> Any:
    return client.post("/account/addresses/", _fields(neighbourhood, **changes))


def test_the_first_address_is_the_usual_one(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    response = _add(signed_in, central)
    assert response.headers["Location"] == "/account/addresses/"
    entry = shopper.addresses.get()
    assert (entry.recipient_phone, entry.floor, entry.is_default) == ("1912345678", "21", True)
    assert response.cookies["district"].value == "chung", "the shop is shown from there"
    assert "고층 3호동" in signed_in.get("/account/addresses/").content.decode()


def test_the_same_form_twice_adds_one(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    _add(signed_in, central)
    _add(signed_in, central)
    assert shopper.addresses.count() == 1


def test_another_becomes_usual_on_request(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    _add(signed_in, central)
    _add(signed_in, central, building="5호동")
    second = shopper.addresses.get(building="5호동")
    assert not second.is_default
    for _ in range(2):
        assert signed_in.post(f"/account/addresses/{second.code}/default/").status_code == 302
    assert [entry.building for entry in shopper.addresses.filter(is_default=True)] == ["5호동"]


def test_deleting_the_usual_one_leaves_another_usual(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    _add(signed_in, central)
    _add(signed_in, central, building="5호동")
    first = shopper.addresses.get(is_default=True)
    assert signed_in.post(f"/account/addresses/{first.code}/deletion/").status_code == 302
    assert shopper.addresses.get().is_default
    assert signed_in.post(f"/account/addresses/{first.code}/deletion/").status_code == 404


def test_an_entry_is_changed(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    _add(signed_in, central)
    path = f"/account/addresses/{shopper.addresses.get().code}/"
    assert "고층 3호동" in signed_in.get(path).content.decode()
    for _ in range(2):
        assert signed_in.post(path, _fields(central, floor="3")).status_code == 302
    assert shopper.addresses.get().floor == "3"
    assert signed_in.post(path, _fields(central, building="")).status_code == 422


@pytest.mark.parametrize("tail", ["", "default/"])
def test_deleted_on_another_device_meanwhile(
    signed_in: Client, shopper: User, central: Neighbourhood, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    for building in ("1", "2"):
        _add(signed_in, central, building=building)
    entry = shopper.addresses.get(building="2")
    find = views._own_address

    def find_then_delete(request: HttpRequest, code: str) -> Address:
        found = find(request, code)
        address_book.delete_address(entry)
        return found

    monkeypatch.setattr(views, "_own_address", find_then_delete)
    answer = signed_in.post(f"/account/addresses/{entry.code}/{tail}", _fields(central, building="3"))
    assert answer.status_code == 404
    assert [(left.building, left.is_default) for left in shopper.addresses.all()] == [("1", True)]


def test_changing_an_entry_leaves_alone_which_is_usual(
    signed_in: Client, shopper: User, central: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    for building in ("1", "2"):
        _add(signed_in, central, building=building)
    first, second = shopper.addresses.order_by("id")
    find = views._own_address

    def find_then_change_the_usual_one(request: HttpRequest, code: str) -> Address:
        entry = find(request, code)
        address_book.make_default(second)
        return entry

    monkeypatch.setattr(views, "_own_address", find_then_change_the_usual_one)
    assert signed_in.post(f"/account/addresses/{first.code}/", _fields(central, building="3")).status_code == 302
    assert [(left.building, left.is_default) for left in shopper.addresses.all()] == [("2", True), ("3", False)]


@pytest.mark.parametrize("code", ["%00", "%EA%B0%80", "1" * 30])
@pytest.mark.parametrize("tail", ["", "deletion/", "default/"])
def test_what_is_no_code_is_not_found(signed_in: Client, code: str, tail: str) -> None:
    assert signed_in.post(f"/account/addresses/{code}/{tail}").status_code == 404


@pytest.mark.parametrize("tail", ["", "deletion/", "default/"])
def test_a_stranger_finds_nothing(signed_in: Client, shopper: User, central: Neighbourhood, tail: str) -> None:
    _add(signed_in, central)
    entry = shopper.addresses.get()
    path = f"/account/addresses/{entry.code}/{tail}"
    stranger = Client()
    stranger.force_login(UserFactory())
    assert stranger.post(path, _fields(central, building="x")).status_code == 404
    assert stranger.post(f"/account/addresses/{entry.pk}/{tail}").status_code == 404
    nobody = Client()
    assert nobody.post(path).headers["Location"].startswith("/sign-in/")
    entry.refresh_from_db()
    assert entry.building == "고층 3호동"
    if tail:
        assert signed_in.get(path).status_code == 405
    else:
        assert stranger.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipient_name", ""),
        ("recipient_phone", "+82 10-1234-5678"),
        ("neighbourhood", ""),
        ("neighbourhood", "999999999"),
        ("neighbourhood", "abc"),
        ("neighbourhood", "9" * 30),
        ("building", ""),
        ("building", "가" * 41),
        ("building", "3\u202e호동"),
        ("unit", "x" * 21),
        ("floor", "1" * 11),
        ("door", "\u200b"),
        ("note", "x" * 201),
        ("note", "a\0b"),
    ],
)
def test_each_wrong_value_is_answered_at_its_field(
    signed_in: Client, central: Neighbourhood, field: str, value: str
) -> None:
    response = _add(signed_in, central, **{field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Address.objects.exists()


def test_places_nothing_is_brought_to_are_not_offered(signed_in: Client, central: Neighbourhood) -> None:
    far = DistrictFactory(slug="sinuiju", name_ko_kp="신의주시", zone=None, fee=None)
    there = NeighbourhoodFactory(district=far, name_ko_kp="역전동")
    assert _add(signed_in, there).status_code == 422
    page = signed_in.get("/account/addresses/").content.decode()
    assert "Central District · delivery 100 won" in page
    assert "신의주시" not in page


def test_the_book_has_an_end(signed_in: Client, shopper: User, central: Neighbourhood) -> None:
    for number in range(address_book.LIMIT):
        assert _add(signed_in, central, building=f"{number}호동").status_code == 302
    assert _add(signed_in, central, building="one more").status_code == 422
    assert shopper.addresses.count() == address_book.LIMIT


def test_the_page_asks_the_database_no_more_for_a_full_book(
    signed_in: Client, shopper: User, central: Neighbourhood, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        _add(signed_in, central, building=f"{number}호동")
    signed_in.get("/account/addresses/")  # messages read
    with django_assert_max_num_queries(6):
        signed_in.get("/account/addresses/")


def test_a_garbled_district_cookie_is_the_first_district(rf: Any, central: Neighbourhood) -> None:
    from accounts.districts import chosen_district  # noqa: PLC0415

    other = DistrictFactory(slug="sosong", name_ko_kp="서성구역", position=5)
    for cookie, expected in [("", "chung"), ("sosong", "sosong"), ("nowhere", "chung"), ("x" * 3000, "chung")]:
        rf.cookies.clear()
        rf.cookies["district"] = cookie
        found = chosen_district(rf.get("/"))
        assert isinstance(found, District)
        assert found.slug == expected
    assert other.is_deliverable
