"""/admin/desk/cards/: found by number, everything done once, two persons for much, a line for each deed."""

import logging
import re
import uuid

import pytest
from django.contrib.auth.models import Permission

from payments.network.models import Act, Card, LoadProposal
from tests.factories import UserFactory
from tests.payments.cast import HOLDER, PIN, balance, card_number, issued
from tests.payments.desk_cast import NEW_PIN, claimed, every_won_is_accounted_for

pytestmark = pytest.mark.django_db

DESK = "/admin/desk/cards/"


def clerk(client, phone):
    user = UserFactory(phone=phone, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="run_card_desk"))
    client.force_login(user)
    client.cookies["language"] = "en"
    return user


@pytest.fixture
def first(client):
    return clerk(client, "1919000016")


@pytest.fixture
def card(first):
    return issued(1_000)[0]


def page(response):
    return re.sub(r"\s+", " ", response.content.decode())


def do(client, card, name, *, key=None, **typed):
    return client.post(f"{DESK}{card.token}/{name}/", {"key": key or str(uuid.uuid4()), **typed})


def test_only_the_card_desk(client):
    card, _ = issued(0)
    addresses = [DESK, f"{DESK}issue/", f"{DESK}{card.token}/", f"{DESK}{card.token}/loss/"]
    posts = [*addresses[:2], addresses[3], f"{DESK}loads/{uuid.uuid4()}/"]
    for address in addresses:
        assert client.get(address)["Location"].startswith("/sign-in/")
    for user in (UserFactory(), UserFactory(is_staff=True)):
        client.force_login(user)
        assert {client.get(address).status_code for address in addresses} == {403}
        assert {client.post(address).status_code for address in posts} == {403}
    assert Card.objects.get(pk=card.pk).status == "active"


def test_wrong_methods_and_unknown_cards(client, card):
    assert client.put(DESK).status_code == 405
    assert client.post(f"{DESK}{card.token}/").status_code == 405
    assert client.get(f"{DESK}loads/{uuid.uuid4()}/").status_code == 405
    assert client.delete(f"{DESK}issue/").status_code == 405
    assert client.get(f"{DESK}{uuid.uuid4()}/").status_code == 404
    assert client.get(f"{DESK}{card.token}/gilding/").status_code == 404
    assert client.post(f"{DESK}loads/{uuid.uuid4()}/").status_code == 404


def test_a_card_is_found_by_its_number_which_is_nowhere_afterwards(client, first, caplog):
    caplog.set_level(logging.DEBUG)
    card, presented = issued(0)
    found = client.post(DESK, {"number": presented.number})
    assert found["Location"] == f"{DESK}{card.token}/"
    unknown = client.post(DESK, {"number": card_number()})
    assert unknown.status_code == 422
    assert "The network knows no card" in page(unknown)
    assert f"{DESK}{card.token}/" in page(client.get(DESK, {"last4": card.last4}))
    assert "No card ends with" in page(client.get(DESK, {"last4": "abcd"}))
    do(client, card, "pin", compared="on", new_pin=NEW_PIN, again=NEW_PIN)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert presented.number not in logged
    assert f"'{NEW_PIN}'" not in logged


def test_a_load_by_one(client, first, card):
    line = uuid.uuid4().hex
    for _ in range(2):
        assert do(client, card, "load", line=line, amount="5,000").status_code == 302
    assert balance(card) == (6_000, 0)
    shown = page(client.get(f"{DESK}{card.token}/"))
    assert shown.count("This deposit was loaded already. Nothing was loaded now.") == 1, "the second form's"
    assert shown.count("Done: Top up") == 1
    answer = do(client, card, "load", line=line, amount="5,001")
    assert answer.status_code == 422
    assert "used for another card or another amount" in page(answer)
    act = Act.objects.get(card=card)
    assert (act.kind, act.staff_id, act.staff_phone) == ("loaded", first.pk, first.phone)


def test_a_load_by_two(client, first, card):
    assert do(client, card, "load", line=uuid.uuid4().hex, amount="2,000,000").status_code == 302
    proposal = LoadProposal.objects.get(card=card)
    shown = page(client.get(f"{DESK}{card.token}/"))
    assert 'value="refuse"' in shown
    assert 'value="agree"' not in shown, "not to who proposed it"
    answer = f"{DESK}loads/{proposal.pk}/"
    client.post(answer, {"answer": "agree"})
    client.post(answer, {"answer": "perhaps"})
    assert balance(card) == (1_000, 0)
    second = clerk(client, "1919000017")
    assert 'value="agree"' in page(client.get(DESK))
    for _ in range(2):
        assert client.post(answer, {"answer": "agree"}).status_code == 302
    assert balance(card) == (2_001_000, 0)
    assert set(Act.objects.filter(card=card).values_list("kind", "staff_id")) == {
        ("proposed", first.pk), ("agreed", second.pk),
    }  # fmt: skip
    assert every_won_is_accounted_for()


def test_a_load_refused(client, card):
    do(client, card, "load", line=uuid.uuid4().hex, amount="2,000,000")
    proposal = LoadProposal.objects.get(card=card)
    for _ in range(2):
        client.post(f"{DESK}loads/{proposal.pk}/", {"answer": "refuse"})
    proposal.refresh_from_db()
    assert proposal.state == "refused"
    assert balance(card) == (1_000, 0)


def test_a_payout(client, card):
    key = str(uuid.uuid4())
    typed = {"amount": "400", "compared": "on", "pin": PIN}
    for _ in range(2):
        assert do(client, card, "payout", key=key, **typed).status_code == 302
    assert balance(card) == (600, 0)
    for change, words in [
        ({"pin": "1357"}, "2 tries are left."),
        ({"amount": "601"}, "There is not enough money"),
        ({"compared": ""}, "Compare the document first."),
    ]:
        answer = do(client, card, "payout", **typed | change)
        assert answer.status_code == 422
        assert words in page(answer)
    assert balance(card) == (600, 0)
    assert every_won_is_accounted_for()


def test_a_new_pin_is_typed_twice_and_never_shown(client, card):
    typed = {"compared": "on", "new_pin": NEW_PIN, "again": NEW_PIN}
    for change, words in [
        ({"again": "7307"}, "The two PINs are not the same."),
        ({"new_pin": "1234", "again": "1234"}, "Choose another PIN"),
        ({"new_pin": "12"}, "exactly four digits"),
    ]:
        answer = do(client, card, "pin", **typed | change)
        assert answer.status_code == 422
        assert words in page(answer)
        assert NEW_PIN not in page(answer)
    Card.objects.filter(pk=card.pk).update(pin_tries=3)
    assert do(client, card, "pin", **typed).status_code == 302
    assert Card.objects.get(pk=card.pk).pin_tries == 0


def test_lost_then_replaced(client, card):
    for _ in range(2):
        assert do(client, card, "loss").status_code == 302
    assert Card.objects.get(pk=card.pk).status == "lost"
    typed = {"number": card_number(), "holder": HOLDER, "compared": "on", "new_pin": NEW_PIN, "again": NEW_PIN}
    wrong = do(client, card, "replacement", **typed | {"holder": "김철수"})
    assert wrong.status_code == 422
    assert "The name is not the one on the card." in page(wrong)
    assert typed["number"] not in page(wrong)
    key = str(uuid.uuid4())
    places = {do(client, card, "replacement", key=key, **typed)["Location"] for _ in range(2)}
    new = Card.objects.get(account=card.account_id, status="active")
    assert places == {f"{DESK}{new.token}/"}
    assert "This card is closed." in page(client.get(f"{DESK}{card.token}/"))


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [("active", "theft", "stolen"), ("active", "block", "blocked"), ("blocked", "unblock", "active")],
)
def test_each_change_of_state_once(client, card, before, name, after):
    Card.objects.filter(pk=card.pk).update(status=before)
    key = str(uuid.uuid4())
    for _ in range(2):
        assert do(client, card, name, key=key).status_code == 302
    assert Card.objects.get(pk=card.pk).status == after
    assert Act.objects.filter(card=card).count() == 1


def test_limits(client, card):
    typed = {"per_payment": "2,000,000", "per_day": "3,000,000", "count_day": "50"}
    assert do(client, card, "limits", **typed).status_code == 302
    assert Card.objects.get(pk=card.pk).per_payment == 2_000_000
    assert "above the highest limit" in page(do(client, card, "limits", **typed | {"count_day": "101"}))


def test_a_card_is_issued_once(client, first):
    typed = {
        "key": str(uuid.uuid4()), "number": card_number(), "holder": HOLDER, "resident": "on", "compared": "on",
        "new_pin": NEW_PIN, "again": NEW_PIN,
    }  # fmt: skip
    places = {client.post(f"{DESK}issue/", typed)["Location"] for _ in range(2)}
    assert len(places) == 1
    again = client.post(f"{DESK}issue/", typed | {"key": str(uuid.uuid4())})
    assert again.status_code == 422
    assert "There is a card with this number already." in page(again)
    assert typed["number"] not in page(again)


def test_pages_ask_a_constant_number_of_queries(client, card, django_assert_max_num_queries):
    for _ in range(6):
        payee, _ = issued(0)
        claimed(card, payee, 20)
        do(client, card, "load", line=uuid.uuid4().hex, amount="2,000,000")
    with django_assert_max_num_queries(14):
        client.get(DESK)
    with django_assert_max_num_queries(22):
        shown = page(client.get(f"{DESK}{card.token}/"))
    assert shown.count("a wrong number") == 6
