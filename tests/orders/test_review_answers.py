"""The seller's people answer the reviews of their own goods; the order desk those of all."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Review
from orders.models import SellerStaff
from orders.roles import ORDER_DESK, SELLER, ensure_roles
from tests.factories import ProductFactory, ReviewFactory, SellerFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def review():
    return ReviewFactory(text="Cold and sour.")


@pytest.fixture
def other():
    seller = SellerFactory(slug="other", name_ko_kp="다른 상점", name_en="Other shop")
    return ReviewFactory(product=ProductFactory(seller=seller, slug="other-thing"), text="Somebody else's.")


@pytest.fixture
def cook(client, review):
    """The person of 옥류관, signed in."""
    ensure_roles()
    person = StaffFactory(is_superuser=False)
    person.groups.add(Group.objects.get(name=SELLER))
    SellerStaff.objects.create(user=person, seller=review.product.seller)
    client.force_login(person)
    return client


def save(client, review, text="Thank you."):
    return client.post(f"/admin/desk/reviews/{review.pk}/answer/", {"answer": text}, **ENGLISH)


def test_the_seller_answers_and_the_page_shows_it(cook, review, other):
    shown = cook.get("/admin/desk/reviews/", **ENGLISH).content.decode()
    assert "Cold and sour." in shown
    assert "Somebody else" not in shown
    for _ in range(2):
        assert save(cook, review).status_code == 302
    review.refresh_from_db()
    assert review.answer == "Thank you."
    assert review.answered_at
    assert "Cold and sour." not in cook.get("/admin/desk/reviews/?open=1", **ENGLISH).content.decode()
    save(cook, review, "")
    review.refresh_from_db()
    assert (review.answer, review.answered_at) == ("", None)


def test_others_and_unpublished_reviews_do_not_exist(cook, review, other):
    assert save(cook, other).status_code == 404
    Review.objects.update(state=Review.State.WAITING)
    assert save(cook, review).status_code == 404
    assert cook.get("/admin/desk/reviews/99999999999999999999/answer/").status_code == 404
    assert not Review.objects.exclude(answer="").exists()


def test_the_order_desk_answers_for_everybody(client, review, other):
    ensure_roles()
    desk = StaffFactory(is_superuser=False)
    desk.groups.add(Group.objects.get(name=ORDER_DESK))
    client.force_login(desk)
    assert save(client, other).status_code == 302


def test_a_shopper_and_a_wrong_method(client, cook, review):
    assert cook.delete(f"/admin/desk/reviews/{review.pk}/answer/").status_code == 405
    assert cook.post("/admin/desk/reviews/").status_code == 405
    client.force_login(UserFactory())
    assert client.get("/admin/desk/reviews/").status_code == 403
    assert save(client, review).status_code == 403


def test_a_wrong_answer_is_told_and_kept(cook, review):
    answer = save(cook, review, "Call 191-234-5678")
    assert answer.status_code == 422
    assert b"Call 191-234-5678" in answer.content


def test_as_many_queries_for_a_full_page(cook, review):
    def count():
        with CaptureQueriesContext(connection) as seen:
            cook.get("/admin/desk/reviews/", **ENGLISH)
        return len(seen)

    cook.get("/admin/desk/reviews/", **ENGLISH)
    few = count()
    ReviewFactory.create_batch(25, product=review.product)
    assert count() == few <= 7
    shown = cook.get("/admin/desk/reviews/", **ENGLISH).content.decode()
    assert "before=" in shown
