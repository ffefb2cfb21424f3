"""/card/ beyond reading it: send money, claim it back, report the card lost, change limits, save the next card."""

import re
import uuid

import pytest

from payments.models import MemberCard
from payments.network import cards
from payments.network.models import Card, Claim, Instruction
from tests.factories import UserFactory
from tests.payments.cast import HOLDER, PIN, balance, issued
from tests.payments.desk_cast import FEE, claimed, every_won_is_accounted_for, replaced

pytestmark = pytest.mark.django_db

POSTS = ["/card/sending/", "/card/sending/order/", "/card/loss/", "/card/limits/", "/card/successor/"]


def member_with(card, client):
    user = UserFactory(name=HOLDER, language="en")
    MemberCard.objects.create(user=user, token=card.token, last4=card.last4)
    client.force_login(user)
    client.cookies["language"] = "en"
    return user


@pytest.fixture
def mine(client):
    card, _ = issued(10_000)
    member_with(card, client)
    return card


def hidden(response, name):
    return re.search(rf'name="{name}" value="([^"]+)"', response.content.decode())[1]


def page(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_strangers_sign_in_and_members_without_a_card_link_one(client):
    for address in POSTS:
        assert client.post(address)["Location"].startswith("/sign-in/")
    client.force_login(UserFactory())
    for address in POSTS:
        assert client.post(address)["Location"] == "/card/"


def test_wrong_methods(client, mine):
    assert client.get("/card/sending/order/").status_code == 405
    assert client.get("/card/successor/").status_code == 405
    for address in ["/card/sending/", "/card/loss/", "/card/limits/", f"/card/claims/{uuid.uuid4()}/"]:
        assert client.put(address).status_code == 405


# ---------------------------------------------------------------- sending


def test_sending_is_shown_then_done_once(client, mine):
    payee, presented = issued(0)
    shown = client.post("/card/sending/", {"number": presented.number, "amount": "3,000"})
    assert presented.number not in page(shown)
    for words in (f"•••• {payee.last4}", "3,000 won", f"{FEE} won", "3,010 won"):
        assert words in page(shown)
    assert not Instruction.objects.exists(), "nothing is sent before the PIN"
    order = {"order": hidden(shown, "order"), "pin": PIN}
    receipts = {client.post("/card/sending/order/", order)["Location"] for _ in range(3)}
    assert len(receipts) == 1
    assert balance(mine) == (6_990, 0)
    assert balance(payee) == (3_000, 0)
    receipt = page(client.get(receipts.pop()))
    assert "−3,000 won" in receipt
    assert f"•••• {payee.last4}" in receipt
    assert every_won_is_accounted_for()


def test_a_wrong_pin_says_how_often_is_left_and_counts_once(client, mine):
    _, presented = issued(0)
    shown = client.post("/card/sending/", {"number": presented.number, "amount": "50"})
    wrong = {"order": hidden(shown, "order"), "pin": "1357"}
    for _ in range(2):
        answer = client.post("/card/sending/order/", wrong)
        assert answer.status_code == 422
        assert "2 tries are left." in page(answer)
        assert "1357" not in page(answer)
    again = client.post("/card/sending/order/", {"order": hidden(answer, "order"), "pin": PIN})
    assert again.status_code == 302
    assert Card.objects.get(pk=mine.pk).pin_tries == 0


def test_an_altered_or_foreign_order_sends_nothing(client, mine):
    _, presented = issued(0)
    order = hidden(client.post("/card/sending/", {"number": presented.number, "amount": "50"}), "order")
    for bad in (order[:-1], "", "x" * 700):
        assert client.post("/card/sending/order/", {"order": bad, "pin": PIN})["Location"] == "/card/sending/"
    other, _ = issued(10_000)
    member_with(other, client)
    assert client.post("/card/sending/order/", {"order": order, "pin": PIN})["Location"] == "/card/sending/"
    assert not Instruction.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"number": "94081912345678009"}, "This is not a whole card number."),
        ({"number": "94081912345678008"}, "The network knows no card with this number."),
        ({"number": ""}, "Enter the card number."),
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "0"}, "Enter whole won, like 1,250."),
        ({"amount": "-5"}, "Enter whole won, like 1,250."),
        ({"amount": "1.5"}, "Enter whole won, like 1,250."),
    ],
)
def test_each_wrong_value_is_answered_by_its_field(client, mine, typed, words):
    _, presented = issued(0)
    response = client.post("/card/sending/", {"number": presented.number, "amount": "50", **typed})
    assert response.status_code == 422
    assert words in page(response)
    assert presented.number not in page(response)


def test_card_numbers_are_not_hunted_here(client, mine):
    for _ in range(10):
        client.post("/card/sending/", {"number": "94081912345678008", "amount": "5"})
    _, presented = issued(0)
    assert "Too many tries." in page(client.post("/card/sending/", {"number": presented.number, "amount": "5"}))


# ---------------------------------------------------------------- claims


def test_a_claim_is_made_once_and_agreed_to_by_the_other_side(client, mine):
    payee, presented = issued(0)
    shown = client.post("/card/sending/", {"number": presented.number, "amount": "700"})
    receipt = client.post("/card/sending/order/", {"order": hidden(shown, "order"), "pin": PIN})["Location"]
    address = f"{receipt}claim/"
    assert "Say in a sentence" in page(client.post(address, {"reason": " "}))
    claims = {client.post(address, {"reason": "a wrong number"})["Location"] for _ in range(2)}
    assert len(claims) == 1
    claim = claims.pop()
    assert "a wrong number" in page(client.get(claim))
    assert client.post(claim, {"pin": PIN}).status_code == 404, "who asks cannot answer"

    member_with(payee, client)
    assert "You are asked for 700 won back" in page(client.get("/card/"))
    answer = client.post(claim, {"key": hidden(client.get(claim), "key"), "pin": "1357"})
    assert answer.status_code == 422
    assert "2 tries are left." in page(answer)
    agreed = {"key": hidden(answer, "key"), "pin": PIN}
    for _ in range(2):
        assert client.post(claim, agreed)["Location"] == claim
    assert balance(payee) == (0, 0)
    assert balance(mine) == (10_000 - FEE, 0)
    assert "Sent back" in page(client.get("/card/"))


def test_a_claim_is_refused(client, mine):
    payer, _ = issued(5_000)
    claim = claimed(payer, mine, 300)
    for _ in range(2):
        assert client.post(f"/card/claims/{claim.pk}/", {"refuse": "1"}).status_code == 302
    claim.refresh_from_db()
    assert claim.state == "refused"
    assert balance(mine) == (10_300, 0)


def test_a_strangers_claim_is_not_found(client, mine):
    payer, _ = issued(5_000)
    payee, _ = issued(0)
    claim = claimed(payer, payee, 300)
    assert client.get(f"/card/claims/{claim.pk}/").status_code == 404
    assert client.post(f"/card/claims/{claim.pk}/", {"refuse": "1"}).status_code == 404
    assert client.get(f"/card/movements/{claim.instruction_id}/claim/").status_code == 404
    assert Claim.objects.get(pk=claim.pk).state == "open"


# ---------------------------------------------------------------- the card


def test_reporting_it_lost_needs_no_pin_but_a_tick(client, mine):
    key = hidden(client.get("/card/loss/"), "key")
    assert "Tick this if the card is lost." in page(client.post("/card/loss/", {"key": key}))
    for _ in range(2):
        assert client.post("/card/loss/", {"key": key, "sure": "on"}).status_code == 302
    assert Card.objects.get(pk=mine.pk).status == "lost"
    shown = page(client.get("/card/"))
    assert "reported lost and pays nothing" in shown
    assert "10,000 won" in shown


def test_limits_with_the_pin(client, mine):
    typed = {"per_payment": "5,000", "per_day": "9000", "count_day": "3", "pin": PIN}
    key = hidden(client.get("/card/limits/"), "key")
    for _ in range(2):
        assert client.post("/card/limits/", {**typed, "key": key}).status_code == 302
    assert cards.Limits.of(Card.objects.get(pk=mine.pk)) == cards.Limits(5_000, 9_000, 3)
    for change, words in [
        ({"pin": "1357"}, "2 tries are left."),
        ({"per_day": "1,000,001"}, "above the highest limit"),
        ({"count_day": "0"}, "field-error"),
        ({"key": "nonsense"}, "This page is out of date."),
    ]:
        answer = client.post("/card/limits/", {**typed, "key": str(uuid.uuid4()), **change})
        assert answer.status_code == 422
        assert words in page(answer)
    assert cards.Limits.of(Card.objects.get(pk=mine.pk)) == cards.Limits(5_000, 9_000, 3)


def test_the_next_card_is_shown_and_saved_at_a_word(client, mine):
    new = replaced(mine)
    shown = page(client.get("/card/"))
    assert f"•••• {mine.last4} is closed; •••• {new.last4} has its money" in shown
    assert "10,000 won" in shown
    for _ in range(2):
        assert client.post("/card/successor/")["Location"] == "/card/"
    assert MemberCard.objects.get(unlinked_at=None).token == new.token
    assert "is closed" not in page(client.get("/card/"))


def test_the_balance_runs_along_with_the_history(client, mine):
    _, presented = issued(0)
    shown = client.post("/card/sending/", {"number": presented.number, "amount": "700"})
    client.post("/card/sending/order/", {"order": hidden(shown, "order"), "pin": PIN})
    shown = page(client.get("/card/"))
    assert re.findall(r'<span class="note">([0-9,]+ won)</span>', shown) == ["9,290 won", "9,300 won", "10,000 won"]
