"""Members, staff and places in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.guesses import TooManyGuesses, count_guess
from accounts.models import Address, District, User
from tests.factories import DistrictFactory, NeighbourhoodFactory, StaffFactory, UserFactory, ZoneFactory

pytestmark = pytest.mark.django_db
LONG = "bureau-demo-stream-7"


@pytest.fixture
def administrator() -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(StaffFactory())
    return client


@pytest.fixture
def clerk() -> Client:
    """Staff who may see and change members and addresses, but is no superuser."""
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    user = StaffFactory(is_superuser=False)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user", "add_user", "view_address", "delete_user"])
    )
    client.force_login(user)
    return client


def _fields(user: User, **changes: Any) -> dict[str, Any]:
    return {"name": user.name, "is_active": "on", **changes}


@pytest.mark.parametrize("model", ["user", "address", "district", "neighbourhood", "zone"])
@pytest.mark.parametrize("language", ["en", "ko-kp"])
def test_lists_and_forms_open(administrator: Client, model: str, language: str) -> None:
    administrator.cookies["language"] = language
    neighbourhood = NeighbourhoodFactory()
    user = UserFactory()
    entry = Address.objects.create(
        user=user, recipient_name="김은주", recipient_phone=user.phone, neighbourhood=neighbourhood, building="3"
    )
    keys = {
        "user": user.pk,
        "address": entry.pk,
        "district": neighbourhood.district_id,
        "neighbourhood": neighbourhood.pk,
        "zone": "A",
    }
    assert administrator.get(f"/admin/accounts/{model}/?q=1").status_code in (200, 302)
    assert administrator.get(f"/admin/accounts/{model}/").status_code == 200
    assert administrator.get(f"/admin/accounts/{model}/{keys[model]}/change/").status_code == 200


def test_a_superuser_makes_staff(administrator: Client) -> None:
    assert administrator.get("/admin/accounts/user/add/").status_code == 200
    response = administrator.post(
        "/admin/accounts/user/add/", {"phone": "191-900-0009", "name": "최성남", "password": LONG}
    )
    assert response.status_code == 302
    made = User.objects.get(phone="1919000009")
    assert (made.is_staff, made.is_superuser, made.check_password(LONG)) == (True, False, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "jade-stream-7"), ("phone", "+82 10-1234-5678"), ("phone", "1930000001"), ("name", "\u3164")],
)
def test_wrong_values_make_nobody(administrator: Client, field: str, value: str) -> None:
    UserFactory(phone="1930000001")
    fields = {"phone": "191-900-0009", "name": "최성남", "password": LONG, field: value}
    response = administrator.post("/admin/accounts/user/add/", fields)
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert not User.objects.filter(name="최성남").exists()


def test_rights_are_the_superusers_to_give(clerk: Client, administrator: Client) -> None:
    member = UserFactory()
    path = f"/admin/accounts/user/{member.pk}/change/"
    assert clerk.post(path, _fields(member, name="김은정", is_staff="on", is_superuser="on")).status_code == 302
    member.refresh_from_db()
    assert (member.name, member.is_staff, member.is_superuser) == ("김은정", False, False)
    administrator.post(path, _fields(member, is_staff="on"))
    member.refresh_from_db()
    assert member.is_staff


def test_a_clerk_cannot_touch_staff(clerk: Client) -> None:
    chief = StaffFactory()
    assert clerk.get(f"/admin/accounts/user/{chief.pk}/change/").status_code == 200, "may look"
    assert clerk.post(f"/admin/accounts/user/{chief.pk}/change/", _fields(chief, name="x")).status_code == 403
    assert clerk.get(f"/admin/accounts/user/{chief.pk}/password/").status_code == 403
    assert clerk.post("/admin/accounts/user/add/", {}).status_code == 403


def test_a_members_password_can_be_set_anew(administrator: Client) -> None:
    member = UserFactory()
    path = f"/admin/accounts/user/{member.pk}/password/"
    assert administrator.get(path).status_code == 200
    fields = {"password1": "green-river-12", "password2": "green-river-12", "usable_password": "true"}
    assert administrator.post(path, fields).status_code == 302
    member.refresh_from_db()
    assert member.check_password("green-river-12")
    staff = StaffFactory()
    response = administrator.post(f"/admin/accounts/user/{staff.pk}/password/", fields)
    assert response.status_code == 200, "too short for staff"


@pytest.mark.parametrize("field", ["phone", "birth_year", "joined_at"])
def test_personal_facts_are_not_edited(administrator: Client, field: str) -> None:
    member = UserFactory(phone="1912345678")
    administrator.post(f"/admin/accounts/user/{member.pk}/change/", _fields(member, **{field: "1951111111"}))
    after = User.objects.get(pk=member.pk)
    assert getattr(after, field) == getattr(User.objects.get(pk=member.pk), field)
    assert (after.phone, after.birth_year) == ("1912345678", 1990)


def test_nobody_is_deleted_and_no_address_changed(administrator: Client) -> None:
    member = UserFactory()
    entry = Address.objects.create(
        user=member,
        recipient_name="김은주",
        recipient_phone=member.phone,
        neighbourhood=NeighbourhoodFactory(),
        building="3호동",
    )
    assert administrator.post(f"/admin/accounts/user/{member.pk}/delete/", {"post": "yes"}).status_code == 403
    path = f"/admin/accounts/address/{entry.pk}"
    assert administrator.post(f"{path}/change/", {"building": "x"}).status_code == 403
    assert administrator.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_a_locked_out_member_may_try_again(administrator: Client) -> None:
    member = UserFactory()
    for _ in range(10):
        count_guess(kind="sign-in", name=member.phone, address="10.0.0.7")
    with pytest.raises(TooManyGuesses):
        count_guess(kind="sign-in", name=member.phone, address="10.0.0.7")
    data = {"action": "allow_sign_in_again", "_selected_action": [member.pk]}
    assert administrator.post("/admin/accounts/user/", data).status_code == 302
    count_guess(kind="sign-in", name=member.phone, address="10.0.0.7")


def test_a_districts_fee_is_changed_with_both_names(administrator: Client) -> None:
    district = DistrictFactory()
    fields = {
        "slug": "chung",
        "name_ko_kp": "중구역",
        "name_en": "Chung",
        "zone": ZoneFactory().pk,
        "fee": "130",
        "position": "0",
        "neighbourhoods-TOTAL_FORMS": "0",
        "neighbourhoods-INITIAL_FORMS": "0",
    }
    path = f"/admin/accounts/district/{district.pk}/change/"
    assert administrator.post(path, fields).status_code == 302
    assert District.objects.get().fee == 130
    assert District.objects.get().name_en == "Chung"
    wrong = administrator.post(path, {**fields, "fee": ""})
    assert wrong.status_code == 200
    assert wrong.context["errors"], "a zone without a fee is told, not stored"
    assert administrator.post(path, {**fields, "name_ko_kp": ""}).status_code == 200


@pytest.mark.parametrize("language", ["en", "ko-kp"])
def test_the_admins_home(administrator: Client, clerk: Client, language: str) -> None:
    for client in (administrator, clerk):
        client.cookies["language"] = language
        page = client.get("/admin/")
        assert page.status_code == 200
    assert "waiting" in administrator.get("/admin/").context
    assert "waiting" not in clerk.get("/admin/").context
