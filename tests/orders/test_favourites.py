"""Favourites: kept on named lists, shared by a link that tells nothing of its member, moved into the cart."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import ProductVariant
from orders import favourites
from orders.models import CartLine, Favourite, FavouriteList
from tests.factories import PictureFactory, ProductFactory, UserFactory
from tests.payments.processes import at_once

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def kept(shopper, noodles):
    """The shopper's list with the noodles on it."""
    made = favourites.make_list(user=shopper, name="생일")
    favourites.add(made, variant=noodles)
    return made


def at(kept, deed=""):
    return f"/favourites/lists/{kept.code}/{deed}"


def text(answer):
    return " ".join(answer.content.decode().split())


# ------------------------------------------------------------------ keeping


def test_the_product_page_leads_there_and_stays_everybodys(client, noodles):
    answer = client.get(noodles.product.get_absolute_url(), **ENGLISH)
    assert 'formaction="/favourites/entries/" formmethod="get"' in text(answer)
    assert "csrfmiddlewaretoken" not in text(answer)
    assert not answer.cookies
    asked = client.get(f"/favourites/entries/?variant={noodles.pk}&quantity=1")
    assert asked["Location"].startswith("/sign-in/?next=/favourites/entries/%3Fvariant%3D")  # the wish comes back


def test_sold_out_goods_can_be_kept_too(client, noodles):
    gone = ProductFactory(slug="gone", variant__on_hand=0).variants.get()
    assert f'href="/favourites/entries/?variant={gone.pk}"' in text(client.get(gone.product.get_absolute_url()))


def test_the_first_favourite_makes_its_list(shopping, noodles):
    asked = shopping.get(f"/favourites/entries/?variant={noodles.pk}", **ENGLISH)
    assert 'value="My favourites"' in text(asked)
    assert not FavouriteList.objects.exists()
    for _ in range(2):
        answer = shopping.post("/favourites/entries/", {"variant": noodles.pk, "to": "new", "name": "Mine"})
        assert (answer.status_code, answer["Location"]) == (302, at(FavouriteList.objects.get()))
    entry = Favourite.objects.get()
    assert (entry.variant_id, entry.shown_price) == (noodles.pk, 380)
    assert "Pyongyang cold noodles" in text(shopping.get(answer["Location"], **ENGLISH))


def test_several_lists(shopping, kept, cider):
    for _ in range(2):
        assert shopping.post("/favourites/", {"name": "여름"}).status_code == 302
    other = FavouriteList.objects.get(name="여름")
    shopping.post("/favourites/entries/", {"variant": cider.pk, "to": other.code})
    shown = text(shopping.get("/favourites/", **ENGLISH))
    assert "생일" in shown
    assert shown.count("1 product<") == 2
    assert [entry.variant_id for entry in other.entries.all()] == [cider.pk]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "Choose a list."),
        ({"to": "nothing"}, "Choose a list."),
        ({"to": "new", "name": ""}, "Give the list a name."),
        ({"to": "new", "name": "9408 1912 3456 7800 8"}, "card number"),
        ({"to": "new", "name": "x" * 41}, "40"),
        ({"to": "new", "name": "a\0b"}, ""),
    ],
)
def test_wrong_values_are_told(shopping, noodles, data, told):
    answer = shopping.post("/favourites/entries/", {"variant": noodles.pk, **data}, **ENGLISH)
    assert answer.status_code == 422
    assert told in text(answer)
    assert not Favourite.objects.exists()


@pytest.mark.parametrize("variant", ["", "x", "0", "9" * 30, "\0", "999999999"])
def test_unknown_goods(shopping, variant):
    assert shopping.get("/favourites/entries/", {"variant": variant}).status_code == 404
    assert shopping.post("/favourites/entries/", {"variant": variant, "to": "new", "name": "x"}).status_code == 404


def test_a_list_of_somebody_else_is_no_choice(shopping, noodles):
    other = favourites.make_list(user=UserFactory(), name="Others")
    answer = shopping.post("/favourites/entries/", {"variant": noodles.pk, "to": other.code}, **ENGLISH)
    assert answer.status_code == 422
    assert not Favourite.objects.exists()


def test_counts_are_bounded(shopping, kept, cider, monkeypatch):
    monkeypatch.setattr(favourites, "MOST_LISTS", 1)
    monkeypatch.setattr(favourites, "MOST_ENTRIES", 1)
    full = shopping.post("/favourites/entries/", {"variant": cider.pk, "to": kept.code}, **ENGLISH)
    assert (full.status_code, "holds 1 different" in text(full)) == (422, True)
    for answer in (
        shopping.post("/favourites/", {"name": "More"}, **ENGLISH),
        shopping.post("/favourites/entries/", {"variant": cider.pk, "to": "new", "name": "More"}, **ENGLISH),
    ):
        assert (answer.status_code, "1 lists already" in text(answer)) == (422, True)
    assert (FavouriteList.objects.count(), Favourite.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_bound_holds_when_many_are_kept_at_once():
    user = UserFactory()
    kept = favourites.make_list(user=user, name="생일")
    variants = [ProductFactory(slug=f"thing-{n}").variants.get() for n in range(6)]
    most, favourites.MOST_ENTRIES = favourites.MOST_ENTRIES, 3

    def work(number: int) -> str:
        try:
            favourites.add(kept, variant=variants[number])
        except favourites.ListFull:
            return "full"
        return "kept"

    try:
        told = at_once(6, work)
    finally:
        favourites.MOST_ENTRIES = most
    assert sorted(told) == ["full"] * 3 + ["kept"] * 3
    assert kept.entries.count() == 3


# ------------------------------------------------------------------ the list


def test_marks_of_price_and_stock(shopping, kept, noodles, cider):
    favourites.add(kept, variant=cider)
    ProductVariant.objects.filter(pk=noodles.pk).update(price=350)
    ProductVariant.objects.filter(pk=cider.pk).update(price=90)
    gone = ProductFactory(slug="gone", variant__on_hand=0).variants.get()
    favourites.add(kept, variant=gone)
    hidden = ProductFactory(slug="hidden").variants.get()
    favourites.add(kept, variant=hidden)
    type(hidden.product).objects.filter(pk=hidden.product_id).update(is_active=False)
    shown = text(shopping.get(at(kept), **ENGLISH))
    for words in ("lowered from 380 won", "raised from 80 won", ">Sold out<", "No longer sold"):
        assert shown.count(words) == 1, words
    assert f"/account/stock-wishes/?variant={gone.pk}" in shown
    assert hidden.product.get_absolute_url() not in shown


def test_into_the_cart_and_off_the_list(shopping, kept, noodles):
    for _ in range(2):
        answer = shopping.post(at(kept, f"entries/{noodles.pk}/cart/"))
        assert (answer.status_code, answer["Location"]) == (302, at(kept))
    assert [(line.variant_id, line.quantity) for line in CartLine.objects.all()] == [(noodles.pk, 1)]
    assert not kept.entries.exists()
    assert shopping.cookies["cart_count"].value == "1"


def test_what_lies_in_the_cart_keeps_its_number(shopping, kept, noodles):
    shopping.post("/cart/lines/", {"variant": noodles.pk, "quantity": 3}, HTTP_ORIGIN="http://testserver")
    shopping.post(at(kept, f"entries/{noodles.pk}/cart/"))
    assert CartLine.objects.get().quantity == 3


def test_sold_out_stays_on_the_list(shopping, kept):
    gone = ProductFactory(slug="gone", variant__on_hand=0).variants.get()
    favourites.add(kept, variant=gone)
    shopping.post(at(kept, f"entries/{gone.pk}/cart/"), **ENGLISH)
    assert "It is sold out." in text(shopping.get(at(kept), **ENGLISH))
    assert kept.entries.count() == 2


def test_renamed_and_deleted(shopping, kept, shopper):
    favourites.make_list(user=shopper, name="여름")
    taken = shopping.post(at(kept, "name/"), {"name": "여름"}, **ENGLISH)
    assert (taken.status_code, "Another list of yours" in text(taken)) == (422, True)
    assert shopping.post(at(kept, "name/"), {"name": " "}, **ENGLISH).status_code == 422
    for _ in range(2):
        assert shopping.post(at(kept, "name/"), {"name": "가을"}).status_code == 302
    kept.refresh_from_db()
    assert kept.name == "가을"
    for _ in range(2):
        assert shopping.post(at(kept, "deletion/")).status_code == 302
    assert not FavouriteList.objects.filter(pk=kept.pk).exists()


DEEDS = ["name/", "deletion/", "sharing/", "withdrawal/", "entries/{0}/removal/", "entries/{0}/cart/"]


@pytest.mark.parametrize("deed", DEEDS)
def test_strangers_and_wrong_methods(shopping, kept, noodles, deed):
    address = at(kept, deed.format(noodles.pk))
    assert shopping.get(address).status_code == 405
    stranger = Client()
    assert stranger.post(address)["Location"].startswith("/sign-in/")
    stranger.force_login(UserFactory())
    assert stranger.post(address, {"name": "x"}).status_code == (302 if deed == "deletion/" else 404)
    assert stranger.get(at(kept)).status_code == 404
    kept.refresh_from_db()
    assert (kept.name, kept.share_token, kept.entries.count()) == ("생일", None, 1)


def test_taken_off_the_list(shopping, kept, noodles):
    for _ in range(2):
        assert shopping.post(at(kept, f"entries/{noodles.pk}/removal/")).status_code == 302
    assert shopping.post(at(kept, f"entries/{10**20}/removal/")).status_code == 302
    assert not kept.entries.exists()


# ------------------------------------------------------------------ sharing


def test_shared_by_a_link_until_it_is_taken_back(client, shopping, kept, shopper):
    for _ in range(2):
        assert shopping.post(at(kept, "sharing/")).status_code == 302
    link = re.search(r"/favourites/[\w-]{32}/", text(shopping.get(at(kept))))[0]
    shopping.post(at(kept, "sharing/"))
    assert link in text(shopping.get(at(kept)))
    answer = Client().get(link, **ENGLISH)
    shown = text(answer)
    assert answer.status_code == 200
    assert "Pyongyang cold noodles" in shown
    assert "noindex" in answer["X-Robots-Tag"]
    assert "noindex" in shown
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"
    main = shown[shown.index("<main") : shown.index("</main>")]
    for secret in (shopper.name, shopper.phone, "191-234-5678", kept.code):
        assert secret not in main
    assert "<form" not in main
    assert not answer.cookies
    assert Client().post(link).status_code == 405
    for _ in range(2):
        shopping.post(at(kept, "withdrawal/"))
    assert Client().get(link).status_code == 404
    shopping.post(at(kept, "sharing/"))
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "entries-", "A" * 32, "A" * 500])
def test_unknown_links(client, token):
    assert client.get(f"/favourites/{token}/").status_code == 404


# ------------------------------------------------------------------ speed


@pytest.mark.parametrize("count", [2, 30])
def test_as_many_queries_for_a_long_list(shopping, client, kept, count):
    for n in range(count):
        variant = ProductFactory(slug=f"thing-{n}").variants.get()
        PictureFactory(product=variant.product)
        favourites.add(kept, variant=variant)
    favourites.share(kept)
    kept.refresh_from_db()
    pages = [(shopping, at(kept), 6), (client, f"/favourites/{kept.share_token}/", 3), (shopping, "/favourites/", 4)]
    for browser, address, most in pages:
        browser.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200
        assert len(asked) <= most, address
