"""The inbox: told once, in the member's language, read when the member says so; no sender can break it."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import inbox, tasks
from accounts.models import InboxMessage
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


def told(user, cause="stock:1", title="Sold out"):
    with transaction.atomic():
        return inbox.write(user, cause=cause, say=lambda: (gettext(title), "words"), path="/orders/")


@pytest.fixture
def shopper(client):
    user = UserFactory()
    client.force_login(user)
    return user


def test_told_once_for_each_cause_in_the_members_language(shopper):
    assert told(shopper)
    assert told(shopper) is None
    assert told(UserFactory(language="en")).title == "Sold out"
    assert InboxMessage.objects.get(user=shopper).title == "다 팔림"
    jobs = ProcrastinateJob.objects.filter(task_name="accounts.tasks.send_message")
    assert jobs.count() == 2


def test_the_account_counts_and_the_list_shows(client, shopper):
    told(shopper)
    assert "1 new" in client.get("/account/", **ENGLISH).content.decode()
    for _ in range(2):  # looking changes nothing
        shown = client.get("/account/inbox/", **ENGLISH).content.decode()
        assert "다 팔림" in shown
        assert "I have read them" in shown
    last = told(shopper, cause="stock:2")
    for _ in range(2):
        client.post("/account/inbox/reading/", {"until": InboxMessage.objects.get(cause="stock:1").pk})
    assert list(InboxMessage.objects.filter(read_at=None)) == [last]


@pytest.mark.parametrize("until", ["", "x", "9" * 30, "-1"])
def test_a_wrong_end_reads_nothing(client, shopper, until):
    told(shopper)
    assert client.post("/account/inbox/reading/", {"until": until}).status_code == 302
    assert InboxMessage.objects.filter(read_at=None).count() == 1


def test_others_read_nothing_and_wrong_methods(client, shopper):
    message = told(UserFactory(), title="Goods")
    assert str(message.title) not in client.get("/account/inbox/").content.decode()
    client.post("/account/inbox/reading/", {"until": message.pk})
    assert InboxMessage.objects.filter(read_at=None).count() == 1
    assert client.get("/account/inbox/reading/").status_code == 405
    assert client.post("/account/inbox/").status_code == 405
    client.logout()
    assert client.get("/account/inbox/")["Location"].startswith("/sign-in/")


def test_page_by_page_in_as_many_queries(client, shopper):
    told(shopper)
    client.get("/account/inbox/")
    for n in range(30):
        told(shopper, cause=f"other:{n}")
    with CaptureQueriesContext(connection) as asked:
        shown = client.get("/account/inbox/", **ENGLISH).content.decode()
    assert len(asked) <= 5
    assert "?before=" in shown
    assert client.get("/account/inbox/?before=abc").status_code == 200


class Broken:
    def send(self, *, phone, text):
        raise OSError("the operator is away")


class Taking:
    sent: list[tuple[str, str]] = []

    def send(self, *, phone, text):
        self.sent.append((phone, text))


def test_a_broken_sender_leaves_the_message_where_it_is(shopper, settings):
    settings.SMS_SENDER = f"{__name__}.Broken"
    message = told(shopper)
    with pytest.raises(OSError, match="away"):  # the job fails alone and is tried again
        tasks.send_message(message.pk)
    message.refresh_from_db()
    assert message.sent_at is None
    settings.SMS_SENDER = f"{__name__}.Taking"
    Taking.sent.clear()
    for _ in range(2):
        tasks.send_message(message.pk)
    assert Taking.sent == [(shopper.phone, "다 팔림")]
    tasks.send_message(10**9)


def test_the_sender_given_keeps_numbers_out_of_the_log(shopper, caplog):
    caplog.set_level("INFO")
    tasks.send_message(told(shopper).pk)
    assert "다 팔림" in caplog.text
    assert shopper.phone not in caplog.text
