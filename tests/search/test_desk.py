"""The desk of fruitless queries and the synonyms in the admin."""

import pytest
from django.test import Client

from catalog.models import SearchLog, SearchSynonym
from catalog.search import index
from orders.roles import COURIER, ORDER_DESK, ensure_roles
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
HERE = "/admin/desk/search/"
ADD = "/admin/desk/search/synonyms/"


@pytest.fixture
def desk(client: Client) -> Client:
    person = StaffFactory(is_superuser=False)
    person.groups.add(ensure_roles()[ORDER_DESK])
    client.force_login(person)
    ProductFactory(name_ko_kp="가락지과자", slug="rings")
    index.follow_all()
    SearchLog.objects.create(query="오레오", times=7)
    return client


def test_a_synonym_at_one_press_with_its_effect(desk: Client) -> None:
    before = desk.get(HERE, {"q": "오레오"})
    assert before.context["trial"].after == [] and "오레오" in before.text
    tried = desk.get(HERE, {"q": "오레오", "as": "가락지과자"})
    assert tried.context["trial"].after == ["가락지과자"]
    page = desk.post(ADD, {"south": "오레오", "north": "가락지과자"}, follow=True)
    trial = page.context["trial"]
    assert (trial.before, trial.after) == ([], ["가락지과자"]) and "가락지과자" in page.text
    assert not SearchLog.objects.filter(query="오레오").exists()
    assert "가락지과자" in Client().get("/search/?q=오레오").text


def test_the_same_form_twice_adds_one_pair(desk: Client) -> None:
    for _ in range(2):
        assert desk.post(ADD, {"south": "오 레오", "north": "가락지과자"}).status_code == 302
    assert SearchSynonym.objects.filter(south="오레오").count() == 1


@pytest.mark.parametrize(
    ("south", "north"),
    [("", "과자"), ("오레오", ""), ("오레오", "오 레오"), ("!!", "과자"), ("가" * 17, "과자"), ("\0", "x")],
)
def test_pairs_that_are_refused(desk: Client, south: str, north: str) -> None:
    count = SearchSynonym.objects.count()
    page = desk.post(ADD, {"south": south, "north": north})
    assert page.status_code == 422 and 'role="alert"' in page.text
    assert SearchSynonym.objects.count() == count


def test_wrong_methods(desk: Client) -> None:
    assert desk.get(ADD).status_code == 405
    assert desk.post(HERE).status_code == 405


def test_strangers(client: Client) -> None:
    for address in (HERE, ADD):
        assert client.post(address).status_code in (302, 405)
    client.force_login(UserFactory())
    assert client.get(HERE).status_code == 403
    assert client.post(ADD, {"south": "오레오", "north": "과자"}).status_code == 403
    courier = StaffFactory(is_superuser=False)
    courier.groups.add(ensure_roles()[COURIER])
    client.force_login(courier)
    assert client.post(ADD, {"south": "오레오", "north": "과자"}).status_code == 403
    assert not SearchSynonym.objects.filter(south="오레오").exists()


def test_the_page_is_kept_by_nobody(desk: Client) -> None:
    assert "no-store" in desk.get(HERE)["Cache-Control"]


def test_synonyms_in_the_admin(client: Client) -> None:
    client.force_login(StaffFactory())
    assert client.get("/admin/catalog/searchsynonym/?q=라면").status_code == 200
    form = {"south": " 오 레오", "north": "가락지 과자", "is_approved": "on", "source": "hand"}
    assert client.post("/admin/catalog/searchsynonym/add/", form).status_code == 302
    assert SearchSynonym.objects.filter(south="오레오", north="가락지과자").exists()
    assert client.post("/admin/catalog/searchsynonym/add/", {**form, "north": "오레오"}).status_code == 200


def test_a_fresh_shop_knows_the_usual_pairs() -> None:
    assert SearchSynonym.objects.filter(south="라면", north="즉석국수", is_approved=True).exists()
    assert SearchSynonym.objects.count() > 150
