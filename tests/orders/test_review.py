"""A buyer says what the goods of a parcel were like: once for each line, after it was handed over."""

import pytest

from catalog import reviews
from catalog.models import Product, Review
from orders.models import OrderLine
from orders.parcels import confirm_parcel, deliver_parcel, dispatch_parcel, make_ready
from tests.factories import UserFactory
from tests.orders.paid import paid

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
GOOD = {"line-1-stars": "4", "line-1-words": "Cold and sour,\r\nas it should be."}


@pytest.fixture
def order(client):
    """Two lines of one parcel, handed over; its member is signed in."""
    order, _card = paid(parcels=[{"lines": [(380, 2), (520, 1)], "fee": 100}])
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(order_code=order.code, number=1)
    client.force_login(order.user)
    return order


def address(order, number=1):
    return f"/orders/{order.code}/parcels/{number}/review/"


def send(client, order, **data):
    return client.post(address(order), data or GOOD, **ENGLISH)


def page(client, order, **headers):
    return " ".join(client.get(address(order), **(headers or ENGLISH)).content.decode().split())


def test_what_was_said_waits_to_be_read(client, order):
    assert address(order) in client.get(f"/orders/{order.code}/", **ENGLISH).content.decode()
    answer = send(client, order)
    assert (answer.status_code, answer["Location"]) == (302, address(order))
    review = Review.objects.get()
    line = OrderLine.objects.filter(parcel__order=order).order_by("pk").first()
    assert (review.purchase, review.product_id) == (line.public_id, line.variant.product_id)
    assert (review.user, review.stars, review.text) == (order.user, 4, "Cold and sour,\nas it should be.")
    assert review.state == Review.State.WAITING
    assert Product.objects.get(pk=review.product_id).rating_count == 0
    assert "The bureau has not read it yet" in page(client, order)
    assert "어떠했는지" in page(client, order, HTTP_ACCEPT_LANGUAGE="ko")


def test_sent_again_it_is_one_review(client, order):
    for _ in range(2):
        assert send(client, order).status_code == 302
    review = Review.objects.get()
    assert review.version == 1


def test_each_line_is_its_own_purchase(client, order):
    send(client, order, **GOOD, **{"line-2-stars": "1"})
    assert sorted(Review.objects.values_list("stars", flat=True)) == [1, 4]


def test_changed_until_it_is_published(client, order):
    send(client, order)
    send(client, order, **{"line-1-stars": "2", "line-1-words": "Too sour."})
    review = Review.objects.get()
    assert (review.stars, review.text, review.version) == (2, "Too sour.", 2)
    reviews.publish(review.pk)
    send(client, order)
    review.refresh_from_db()
    assert (review.stars, review.text) == (2, "Too sour.")
    shown = page(client, order)
    assert "Published" in shown
    assert 'name="line-1-stars"' not in shown
    assert 'name="line-2-stars"' in shown


def test_refused_it_says_why_and_may_be_written_anew(client, order):
    send(client, order)
    reviews.refuse(Review.objects.get().pk, reason=Review.Reason.RUDE, note="Second line")
    shown = page(client, order)
    assert "It insults somebody. Second line." in shown
    send(client, order, **{"line-1-stars": "4", "line-1-words": "Sour."})
    review = Review.objects.get()
    assert (review.state, review.refusal, review.refusal_note) == ("waiting", "", "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"line-1-words": "Good"}, "Choose one to five stars."),
        ({"line-1-stars": "6", "line-1-words": "Good"}, "Choose one to five stars."),
        ({"line-1-stars": "5", "line-1-words": "x" * 1001}, "1000"),
        ({"line-1-stars": "5", "line-1-words": "call me 191-234-5678"}, "no card number and no telephone"),
        ({"line-1-stars": "5", "line-1-words": "94081912345678008"}, "no card number and no telephone"),
        ({"line-1-stars": "5", "line-1-words": "hidden\u200bthing"}, "cannot be seen"),
    ],
)
def test_wrong_values_are_told_and_everything_typed_is_kept(client, order, wrong, told):
    answer = send(client, order, **wrong, **{"line-2-stars": "3", "line-2-words": "Quite & right"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert told in shown
    assert "Quite &amp; right" in shown
    assert wrong["line-1-words"][:20] in shown
    assert not Review.objects.exists()


def test_nothing_said_is_nothing(client, order):
    assert send(client, order, nothing="").status_code == 302
    assert not Review.objects.exists()


def test_not_before_it_was_handed_over(client):
    order, _card = paid()
    client.force_login(order.user)
    assert client.get(address(order)).status_code == 404
    assert send(client, order).status_code == 404
    assert address(order) not in client.get(f"/orders/{order.code}/").content.decode()


def test_a_stranger_finds_nothing(client, order):
    client.force_login(UserFactory())
    assert client.get(address(order)).status_code == 404
    assert send(client, order).status_code == 404
    assert client.get(address(order, 99999999999)).status_code == 404
    client.logout()
    assert client.get(address(order))["Location"].startswith("/sign-in/")
    assert not Review.objects.exists()


def test_wrong_method(client, order):
    assert client.delete(address(order)).status_code == 405


@pytest.mark.parametrize("lines", [1, 12])
def test_as_many_queries_for_a_dozen_lines(client, django_assert_max_num_queries, lines):
    order, _card = paid(parcels=[{"lines": [(10, 1)] * lines}])
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(order_code=order.code, number=1)
    client.force_login(order.user)
    client.get(address(order))
    with django_assert_max_num_queries(7):
        client.get(address(order))
