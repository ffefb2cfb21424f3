"""A member asks to be told of goods that are sold out, and is told once, whatever brought them back."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import InboxMessage
from catalog import stock, stock_wishes
from catalog.models import ProductVariant, StockWish
from catalog.tasks import tell_of_stock
from tests.factories import ProductFactory, UserFactory, VariantFactory
from tests.payments.processes import at_once

ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def gone(db: None) -> ProductVariant:
    """평양랭면, all of it promised."""
    return ProductFactory(variant__on_hand=3, variant__reserved=3).variants.get()


def ask(client: Client, variant: ProductVariant) -> object:
    return client.post("/account/stock-wishes/", {"variant": variant.pk}, **ENGLISH)


def move(variant: ProductVariant, verb: str, *amount: int, cause: str = "desk:1") -> None:
    with transaction.atomic():
        getattr(stock, verb)(stock.lock([variant.pk])[variant.pk], *amount, cause=cause)


def test_the_product_page_leads_there_and_stays_everybodys(client: Client, gone: ProductVariant) -> None:
    answer = client.get(gone.product.get_absolute_url(), **ENGLISH)
    assert f"/account/stock-wishes/?variant={gone.pk}" in answer.content.decode()
    assert "csrfmiddlewaretoken" not in answer.content.decode()
    assert not answer.cookies
    asked = client.get(f"/account/stock-wishes/?variant={gone.pk}")
    assert asked["Location"] == f"/sign-in/?next=/account/stock-wishes/%3Fvariant%3D{gone.pk}"


def test_asked_once_told_once(client: Client, gone: ProductVariant) -> None:
    user = UserFactory()
    client.force_login(user)
    assert (
        "Tell me when it is back" in client.get(f"/account/stock-wishes/?variant={gone.pk}", **ENGLISH).content.decode()
    )
    for _ in range(2):
        assert ask(client, gone).status_code == 302
    assert "Wait no longer" in client.get("/account/stock-wishes/", **ENGLISH).content.decode()
    tell_of_stock(0)
    assert not InboxMessage.objects.exists()
    move(gone, "receive", 5)
    for _ in range(2):
        tell_of_stock(0)
    message = InboxMessage.objects.get()
    assert (message.user, message.path) == (user, gone.product.get_absolute_url())
    assert "평양랭면" in message.title
    assert not StockWish.objects.exists()


@pytest.mark.parametrize(
    ("verb", "amount"), [("receive", (1,)), ("take_back", (1,)), ("correct_count", (4,)), ("release", (1,))]
)
@pytest.mark.django_db
def test_whatever_brought_it_back(gone: ProductVariant, verb: str, amount: tuple[int, ...]) -> None:
    stock_wishes.ask(user=UserFactory(), variant=gone)
    assert stock_wishes.tell() == 0
    move(gone, verb, *amount)
    assert stock_wishes.tell() == 1


def test_hidden_goods_wait_on(gone: ProductVariant) -> None:
    stock_wishes.ask(user=UserFactory(), variant=gone)
    move(gone, "receive", 1)
    type(gone.product).objects.update(is_active=False)
    assert stock_wishes.tell() == 0
    assert StockWish.objects.exists()


def test_what_can_be_had_is_not_waited_for(client: Client, gone: ProductVariant) -> None:
    client.force_login(UserFactory())
    move(gone, "receive", 1)
    ask(client, gone)
    assert not StockWish.objects.exists()
    assert "can be ordered now" in client.get("/account/stock-wishes/", **ENGLISH).content.decode()


def test_the_list_is_bounded(client: Client, gone: ProductVariant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_wishes, "MOST", 1)
    client.force_login(UserFactory())
    ask(client, gone)
    ask(client, VariantFactory(product=gone.product, on_hand=0, name="큰것"))
    assert StockWish.objects.count() == 1
    assert "You wait for 1 goods already" in client.get("/account/stock-wishes/", **ENGLISH).content.decode()


@pytest.mark.parametrize("text", ["", "x", "0", "999999999", "9" * 40, "-1", "1 OR 1=1", "\0"])
@pytest.mark.django_db
def test_unknown_goods(client: Client, text: str) -> None:
    client.force_login(UserFactory())
    assert client.post("/account/stock-wishes/", {"variant": text}).status_code == 404
    assert client.get("/account/stock-wishes/", {"variant": text}).status_code == 404
    assert client.post("/account/stock-wishes/").status_code == 404


def test_only_ones_own_wish_is_taken_off_and_by_post(client: Client, gone: ProductVariant) -> None:
    stock_wishes.ask(user=UserFactory(), variant=gone)
    mine = UserFactory()
    stock_wishes.ask(user=mine, variant=gone)
    client.force_login(mine)
    assert client.get(f"/account/stock-wishes/{gone.pk}/removal/").status_code == 405
    assert client.delete("/account/stock-wishes/").status_code == 405
    for _ in range(2):
        assert client.post(f"/account/stock-wishes/{gone.pk}/removal/").status_code == 302
    assert StockWish.objects.count() == 1
    client.logout()
    assert ask(client, gone)["Location"].startswith("/sign-in/")  # type: ignore[index]


@pytest.mark.django_db
def test_as_many_queries_for_a_long_list(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    for n in range(20):
        product = ProductFactory(slug=f"thing-{n}", variant__on_hand=0)
        stock_wishes.ask(user=user, variant=product.variants.get())
    client.get("/account/stock-wishes/")
    with CaptureQueriesContext(connection) as asked:
        client.get("/account/stock-wishes/")
    assert len(asked) <= 5


@pytest.mark.django_db(transaction=True)
def test_two_receipts_and_two_workers_at_once_tell_once() -> None:
    gone = ProductFactory(variant__on_hand=0).variants.get()
    users = [UserFactory() for _ in range(5)]
    for user in users:
        stock_wishes.ask(user=user, variant=gone)

    def work(number: int) -> int:
        move(gone, "receive", 2, cause=f"receipt:{number}")
        return sum(stock_wishes.tell() for _ in range(3))

    told = at_once(4, work)
    assert sum(told) == 5, told
    assert sorted(InboxMessage.objects.values_list("user", flat=True)) == sorted(user.pk for user in users)
