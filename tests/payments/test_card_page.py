"""/card/: link a card, see what is there, what is kept back, what moved."""

import re

import pytest
from django.utils import translation

from payments import pay
from payments.models import MemberCard, Transfer
from payments.network.models import Card
from tests.factories import UserFactory
from tests.payments.cast import HOLDER, PIN, asked, authorised, captured, issued, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def shopper(client):
    user = UserFactory(name=HOLDER, language="en")
    client.force_login(user)
    client.cookies["language"] = "en"
    return user


def test_a_visitor_signs_in_first(client):
    for method in (client.get, client.post):
        response = method("/card/")
        assert response.status_code == 302
        assert response["Location"] == "/sign-in/?next=/card/"


def test_wrong_method(client, shopper):
    assert client.put("/card/").status_code == 405
    assert client.delete("/card/").status_code == 405


def test_linking_and_reading(client, shopper, django_assert_max_num_queries):
    card, presented = issued(10_000, per_day=8_000, count_day=5)
    page = client.get("/card/").content.decode()
    assert "Link card" in page

    response = client.post("/card/", {"card": f" {presented.number[:5]} {presented.number[5:]} ", "pin": PIN})
    assert response.status_code == 302
    assert response["Location"] == "/card/"
    link = MemberCard.objects.get(user=shopper)
    assert (link.token, link.last4) == (card.token, presented.number[-4:])
    shopper.refresh_from_db()
    assert shopper.name_fixed_at, "the network has found this name on the card: it is fixed from now on"

    captured(presented, 1_000)
    payment = authorised(presented, 2_000)
    with django_assert_max_num_queries(14):
        response = client.get("/card/")
    page = re.sub(r"\s+", " ", response.content.decode())
    assert "no-store" in response["Cache-Control"]
    for words in ("7,000 won", "9,000 won", "2,000 won", "−1,000 won", "+10,000 won", "5,000 won", "Topped up"):
        assert words in page, words
    assert f"{payment.order_code[:4]}-{payment.order_code[4:]}" in page
    assert presented.number not in page

    receipt = re.search(r"/card/movements/[0-9a-f-]{36}/", page)[0]
    assert "−1,000 won" in client.get(receipt).content.decode()


def test_history_is_paged_by_key(client, shopper):
    _, presented = issued(10_000, count_day=100)
    client.post("/card/", {"card": presented.number, "pin": PIN})
    payment = authorised(presented, 50)
    for parcel in range(1, 26):
        told(asked(pay.ask_capture, payment=payment, parcel=parcel, seller_id=5, goods=1, fare=0, commission_bp=0))
    first = client.get("/card/").content.decode()
    assert first.count("/card/movements/") == 20
    after = re.search(r"\?after=[0-9a-f-]{36}", first)[0]
    second = client.get(f"/card/{after}").content.decode()
    assert second.count("/card/movements/") == 6
    links = re.findall(r"/card/movements/[0-9a-f-]{36}/", first + second)
    assert len(set(links)) == 26
    assert client.get("/card/?after=nonsense").status_code == 200
    assert client.get("/card/?after=00000000-0000-0000-0000-000000000000").status_code == 200


def test_the_form_for_another_card(client, shopper):
    assert 'name="pin"' in client.get("/card/another/").content.decode()
    assert client.post("/card/another/").status_code == 405


def test_linking_again_is_one_link_and_another_card_takes_its_place(client, shopper):
    _, presented = issued()
    for _ in range(2):
        assert client.post("/card/", {"card": presented.number, "pin": PIN}).status_code == 302
    assert MemberCard.objects.filter(user=shopper).count() == 1
    _, other = issued()
    client.post("/card/", {"card": other.number, "pin": PIN})
    assert MemberCard.objects.get(user=shopper, unlinked_at=None).last4 == other.number[-4:]


def test_a_strangers_movement_is_not_found(client, shopper):
    _, mine = issued()
    client.post("/card/", {"card": mine.number, "pin": PIN})
    _, theirs = issued()
    captured(theirs, 1_000)
    other = Transfer.objects.filter(kind="capture").latest("seq")
    assert client.get(f"/card/movements/{other.uuid}/").status_code == 404
    sale = Transfer.objects.filter(kind="sale").latest("seq")
    assert client.get(f"/card/movements/{sale.uuid}/").status_code == 404
    MemberCard.objects.update(unlinked_at="2026-01-01T00:00Z")
    assert client.get(f"/card/movements/{other.uuid}/").status_code == 404


@pytest.mark.parametrize(
    ("change", "typed", "words"),
    [
        ({}, {"pin": "4832"}, "The card number or PIN is not right."),
        ({}, {"card": "94081912345678008"}, "The card number or PIN is not right."),
        ({}, {"card": "94081912345678009"}, "This is not a whole card number."),
        ({}, {"card": ""}, "Enter the card number."),
        ({}, {"pin": ""}, "Enter the card&#x27;s PIN."),
        ({}, {"pin": "48312"}, "The PIN has exactly four digits."),
        ({}, {"pin": "४८३१"}, "The PIN has exactly four digits."),
        ({"currency": "EUR"}, {}, "This shop takes only won cards in the buyer&#x27;s own name."),
        ({"resident": False}, {}, "This shop takes only won cards in the buyer&#x27;s own name."),
    ],
)
def test_each_wrong_value_is_answered_by_its_field(client, shopper, change, typed, words):
    _, presented = issued(**change)
    posted = {"card": presented.number, "pin": PIN, **typed}
    response = client.post("/card/", posted)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert 'class="field field--wrong"' in page
    for typed_text in filter(None, posted.values()):
        assert f'value="{typed_text}"' not in page
    assert not MemberCard.objects.exists()


def test_another_persons_card_is_refused(client, shopper):
    _, presented = issued()
    shopper.name = "김철수"
    shopper.save()
    response = client.post("/card/", {"card": presented.number, "pin": PIN})
    assert response.status_code == 422
    assert "own name" in response.content.decode()


def test_card_numbers_are_not_hunted_here(client, shopper):
    for _ in range(10):
        assert client.post("/card/", {"card": "94081912345678008", "pin": PIN}).status_code == 422
    card, presented = issued()
    response = client.post("/card/", {"card": presented.number, "pin": "1111"})
    assert "Too many tries." in response.content.decode()
    assert Card.objects.get(pk=card.pk).pin_tries == 0


def test_the_card_is_closed_elsewhere(client, shopper):
    card, presented = issued()
    client.post("/card/", {"card": presented.number, "pin": PIN})
    Card.objects.filter(pk=card.pk).update(status="lost")
    assert "This card is reported lost" in client.get("/card/").content.decode()


def test_korean(client, shopper):
    client.cookies["language"] = "ko-kp"
    _, presented = issued()
    client.post("/card/", {"card": presented.number, "pin": PIN})
    with translation.override("ko-kp"):
        page = client.get("/card/").content.decode()
    assert "10,000원" in page
