"""How long a sign-in lasts."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sessions import BEGAN, SEEN
from tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


def _signed_in(user: User) -> Client:
    client = Client()
    response = client.post("/sign-in/", {"phone": user.phone, "password": PASSWORD})
    assert response.status_code == 302
    return client


def _moved_back(client: Client, **spans: timedelta) -> None:
    """The clocks of this session, set back by a span each."""
    session = client.session
    for name, span in spans.items():
        session[name] = session[name] - span.total_seconds()
    session.save()


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("staff", "idle", "whole"),
    [
        (False, timedelta(days=14), timedelta(days=30)),
        (True, timedelta(minutes=30), timedelta(hours=12)),
    ],
)
def test_both_ends(staff: bool, idle: timedelta, whole: timedelta) -> None:
    user = StaffFactory() if staff else UserFactory()
    moment = timedelta(seconds=5)
    for back, inside in [(idle - moment, True), (idle + moment, False)]:
        client = _signed_in(user)
        _moved_back(client, **{SEEN: back})
        assert _is_in(client) is inside
    for back, inside in [(whole - moment, True), (whole + moment, False)]:
        client = _signed_in(user)
        _moved_back(client, **{BEGAN: back})
        assert _is_in(client) is inside
    assert Session.objects.count() == 2, "ended sessions leave no row"


def test_use_moves_the_idle_end_on_but_not_the_last() -> None:
    client = _signed_in(UserFactory())
    _moved_back(client, **{SEEN: timedelta(days=13), BEGAN: timedelta(days=13)})
    began = client.session[BEGAN]
    assert _is_in(client)
    assert timezone.now().timestamp() - client.session[SEEN] < 60
    assert client.session[BEGAN] == began
    row = Session.objects.get()
    assert timedelta(days=13, hours=23) < row.expire_date - timezone.now() <= timedelta(days=14)


def test_a_second_page_within_the_hour_writes_nothing() -> None:
    client = _signed_in(UserFactory())
    response = client.get("/account/")
    assert "s" not in response.cookies


def test_the_cookie_lasts_as_long_as_the_idle_span() -> None:
    member = Client()
    member.post("/sign-in/", {"phone": UserFactory().phone, "password": PASSWORD})
    assert member.cookies["s"]["max-age"] == 14 * 24 * 3600
    assert member.cookies["s"]["httponly"]
    assert member.cookies["s"]["samesite"] == "Lax"
    staff = Client()
    staff.post("/sign-in/", {"phone": StaffFactory().phone, "password": PASSWORD})
    assert staff.cookies["s"]["max-age"] == 30 * 60


def test_a_sign_in_that_came_round_ours_keeps_the_strictest_rule() -> None:
    client = Client()
    client.force_login(UserFactory())
    assert _is_in(client)
    _moved_back(client, **{SEEN: timedelta(minutes=31)})
    assert not _is_in(client)


def test_closing_an_account_ends_its_sessions() -> None:
    user = UserFactory()
    client = _signed_in(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not _is_in(client)


def test_garbage_for_a_session_is_nobody() -> None:
    for value in ("{}", "x" * 3000, "'; drop table"):
        client = Client()
        client.cookies["s"] = value
        assert client.get("/account/").status_code == 302
