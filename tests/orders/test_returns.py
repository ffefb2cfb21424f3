"""Sending goods back: by line and quantity, by the rules of the house, inspected, refunded once, stocked once."""

import io
import multiprocessing
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from catalog.models import Category, StockMovement
from orders import parcels
from orders.models import Order, OrderLine, Parcel, Return, ReturnPhotograph
from orders.parcels import Refused, confirm_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.refunds import Goods, refund_lines
from orders.returns import LinesRefused, Wish, accept_return, ask_return, inspect_return, refuse_return
from orders.roles import COURIER, ORDER_DESK, SELLER
from payments.models import Message
from payments.pay import message_id
from tests.factories import CategoryFactory, SellerFactory, UserFactory
from tests.orders.desks import EN, at_the_desk
from tests.orders.paid import money, paid, payment_of, shelf
from tests.payments.processes import at_once

pytestmark = pytest.mark.django_db
SHOP = [{"lines": [(380, 3), (520, 1)], "fee": 100}]


def picture(size=(1600, 1200)):
    out = io.BytesIO()
    image = Image.new("RGB", size, "#884422")
    exif = image.getexif()
    exif[0x010E] = "where I live"
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def delivered(category="clothes", *, parcels=SHOP, **about):
    order, card = paid(parcels=parcels, **about)
    for verb in (confirm_parcel, make_ready, dispatch_parcel, deliver_parcel):
        verb(order_code=order.code, number=1)
    shelf_of = CategoryFactory(slug=category)
    for line in OrderLine.objects.filter(parcel__order=order):
        line.variant.product.__class__.objects.filter(pk=line.variant.product_id).update(category=shelf_of)
    return order, card


def lines(order):
    return list(OrderLine.objects.filter(parcel__order=order).order_by("pk"))


def wish(order, *pieces, reason="unwanted", **about):
    quantities = {line.public_id: count for line, count in zip(lines(order), pieces, strict=False)}
    return Wish(key=about.pop("key", None) or uuid.uuid4(), reason=reason, quantities=quantities, **about)


def ask(order, *pieces, **about):
    return ask_return(order_code=order.code, number=1, by=order.user, wish=wish(order, *pieces, **about))


def at(order, turn=1):
    return {"order_code": order.code, "number": 1, "turn": turn}


# ------------------------------------------------------------------ the way


def test_asked_accepted_inspected_refunded():
    order, card = delivered()
    before = shelf(lines(order)[0])
    found = ask(order, 2)
    assert (found.number, found.status) == (1, "asked")
    assert money(card) == (10_000 - 1760, 0)
    assert accept_return(**at(order), answer="bring it").status == "accepted"
    assert inspect_return(**at(order), goods=Goods.RESTOCK).status == "closed"
    assert money(card) == (10_000 - 1760 + 760, 0)
    assert shelf(lines(order)[0]) == (before[0] + 2, before[1])
    payment = payment_of(order)
    assert payment.refunded == 760
    assert Message.objects.get(verb="refund").pk == message_id(payment.pk, "refund", 1, "return1")


def test_written_off_goods_stay_off_the_shelf_and_a_part_is_taken():
    order, card = delivered()
    before = shelf(lines(order)[0])
    ask(order, 3, 1)
    accept_return(**at(order))
    inspect_return(**at(order), goods=Goods.WRITE_OFF, quantities={lines(order)[0].public_id: 1})
    assert shelf(lines(order)[0]) == before
    assert money(card)[0] == 10_000 - 1760 + 380
    again = ask(order, 2, 1)  # what was not taken may be asked for anew
    assert again.number == 2


def test_all_back_with_the_fee_ends_the_parcel():
    order, card = delivered()
    ask(order, 3, 1)
    accept_return(**at(order))
    inspect_return(**at(order), goods=Goods.RESTOCK, with_fee=True)
    assert Parcel.objects.get(order=order).status == "returned"
    assert money(card) == (10_000, 0)


def test_each_step_again_changes_nothing():
    order, card = delivered()
    key = uuid.uuid4()
    assert ask(order, 1, key=key).pk == ask(order, 1, key=key).pk
    for _ in range(2):
        accept_return(**at(order))
    for _ in range(3):
        inspect_return(**at(order), goods=Goods.RESTOCK)
    assert money(card)[0] == 10_000 - 1760 + 380
    assert StockMovement.objects.filter(kind="return").count() == 1
    assert Return.objects.count() == 1


def test_refused_with_words_before_and_after_the_goods_came():
    order, card = delivered()
    ask(order, 1)
    for _ in range(2):
        refuse_return(**at(order), answer="It was worn.")
    ask(order, 1)
    accept_return(**at(order, 2))
    refuse_return(**at(order, 2), answer="The box was empty.")
    with pytest.raises(Refused, match=r"already|이미"):
        inspect_return(**at(order, 2), goods=Goods.RESTOCK)
    assert money(card)[0] == 10_000 - 1760


def test_nothing_more_than_was_delivered_and_is_left():
    order, _card = delivered()
    with pytest.raises(Refused):
        ask(order, 4)
    with pytest.raises(Refused):
        ask(order, 0)
    ask(order, 2)
    with pytest.raises(Refused):
        ask(order, 2)
    line = lines(order)[0]
    refund_lines(order_code=order.code, number=1, key=uuid.uuid4(), quantities={line.public_id: 3}, goods=Goods.RESTOCK)
    accept_return(**at(order))
    with pytest.raises(Refused):  # the order desk has refunded them meanwhile
        inspect_return(**at(order), goods=Goods.RESTOCK)
    assert Return.objects.get().status == "accepted"
    assert payment_of(order).refunded == 3 * 380


def test_only_what_was_handed_over():
    order, _card = paid(parcels=SHOP)
    with pytest.raises(Refused):
        ask(order, 1)


# ------------------------------------------------------------------ rules of the house


@pytest.mark.parametrize(
    ("category", "reason", "hours", "opened", "photo", "is_taken"),
    [
        ("clothes", "unwanted", 24 * 7 - 1, False, False, True),
        ("clothes", "unwanted", 24 * 7 + 1, False, False, False),
        ("clothes", "unwanted", 1, True, False, False),
        ("clothes", "broken", 1, True, False, True),
        ("clothes", "spoiled", 1, False, True, False),
        ("groceries", "spoiled", 23, True, True, True),
        ("groceries", "spoiled", 23, True, False, False),
        ("groceries", "spoiled", 25, True, True, False),
        ("groceries", "unwanted", 48, False, False, True),
        ("dishes", "unwanted", 1, False, False, False),
        ("dishes", "wrong", 1, False, True, True),
        ("cosmetics", "unwanted", 1, False, False, True),
        ("cosmetics", "broken", 1, True, True, False),
        ("medicine", "wrong", 1, True, True, False),
    ],
)
def test_rules_of_the_house(category, reason, hours, opened, photo, is_taken):  # noqa: PLR0917
    order, _card = delivered(category)
    Parcel.objects.filter(order=order).update(delivered_at=timezone.now() - timedelta(hours=hours))
    about = {"reason": reason, "is_opened": opened, "photograph": b"jpeg" if photo else None}
    if is_taken:
        assert ask(order, 1, **about).status == "asked"
    else:
        with pytest.raises(LinesRefused):
            ask(order, 1, **about)
        assert not Return.objects.exists()


def test_a_category_inside_another_goes_by_its_rule():
    order, _card = delivered("lipsticks")
    Category.objects.filter(slug="lipsticks").update(parent=CategoryFactory(slug="cosmetics"))
    with pytest.raises(LinesRefused):
        ask(order, 1, reason="broken", is_opened=True)


# ------------------------------------------------------------------ many at once


@pytest.mark.django_db(transaction=True)
def test_inspected_by_eight_at_once_refunds_once():
    order, card = delivered()
    ask(order, 1)
    accept_return(**at(order))
    answers = at_once(8, lambda _: inspect_return(**at(order), goods=Goods.RESTOCK).status)
    assert answers == ["closed"] * 8
    assert money(card)[0] == 10_000 - 1760 + 380
    assert Message.objects.filter(verb="refund").count() == 1
    assert StockMovement.objects.filter(kind="return").count() == 1


def asked_at_once(order):
    """Eight processes each ask for two of the three pieces: one can have them."""

    def work(_):
        try:
            return ask(order, 2).status
        except Refused:
            return "refused"

    return sorted(at_once(8, work))


@pytest.mark.django_db(transaction=True)
def test_the_last_pieces_are_asked_for_once():
    order, _card = delivered()
    assert asked_at_once(order) == ["asked"] + ["refused"] * 7


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_race_ends_in_errors(monkeypatch):
    order, _card = delivered()
    barrier = multiprocessing.get_context("fork").Barrier(8)

    def look_without_locking(code):
        found = Order.objects.get(code=code)
        barrier.wait(10)
        return found

    monkeypatch.setattr(parcels, "lock_order", look_without_locking)
    assert any("IntegrityError" in str(answer) for answer in asked_at_once(order))


@pytest.mark.django_db(transaction=True)
def test_accept_refuse_and_inspect_at_once_have_one_end():
    order, card = delivered()
    ask(order, 1)
    accept_return(**at(order))

    def work(number):
        try:
            if number % 2:
                return refuse_return(**at(order), answer="worn").status
            return inspect_return(**at(order), goods=Goods.RESTOCK).status
        except Refused:
            return "too late"

    answers = set(at_once(8, work))
    end = Return.objects.get().status
    assert answers == {end, "too late"}
    assert money(card)[0] == 10_000 - 1760 + (380 if end == "closed" else 0)


# ------------------------------------------------------------------ the member's page


def form_of(order, *pieces, **about):
    data = {f"line_{line.public_id}": count for line, count in zip(lines(order), pieces, strict=True)}
    return {"key": str(uuid.uuid4()), "reason": "unwanted", **data, **about}


def post(client, order, data):
    client.force_login(order.user)
    return client.post(f"/orders/{order.code}/parcels/1/return/", data, **EN)


def test_the_page_asks_once_however_often_it_is_sent(client):
    order, _card = delivered()
    client.force_login(order.user)
    shown = client.get(f"/orders/{order.code}/parcels/1/return/", **EN).content.decode()
    assert 'enctype="multipart/form-data"' in shown
    data = form_of(order, 3, 1)
    for _ in range(2):
        answer = post(client, order, data)
        assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.code}/")
    assert Return.objects.count() == 1
    assert "You asked to send goods back" in client.get(f"/orders/{order.code}/", **EN).content.decode()
    shown = client.get(f"/orders/{order.code}/parcels/1/return/", **EN).content.decode()
    assert "Nothing of this parcel is left" in shown


def test_what_was_typed_stays_after_a_mistake(client):
    order, _card = delivered("cosmetics")
    answer = post(client, order, form_of(order, 2, 0, reason="broken", is_opened="on", words="the cap is loose"))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Opened cosmetics and medicine are not taken back." in shown
    assert "the cap is loose" in shown
    assert '<option value="2" selected>' in shown
    assert answer.content.count(b"choose it again") == 1
    assert post(client, order, form_of(order, 1, 0, reason="")).status_code == 422


def test_the_photograph_is_drawn_anew_and_private(client):
    order, _card = delivered("groceries")
    data = form_of(order, 1, 0, reason="spoiled", is_opened="on")
    data["photograph"] = SimpleUploadedFile("../../x.php", picture(), "image/jpeg")
    assert post(client, order, data).status_code == 302
    kept = bytes(ReturnPhotograph.objects.get().jpeg)
    assert Image.open(io.BytesIO(kept)).size == (960, 720)
    assert b"where I live" not in kept
    path = f"/orders/{order.code}/parcels/1/returns/1/photograph/"
    answer = client.get(path)
    assert (answer["Content-Type"], answer.content) == ("image/jpeg", kept)
    assert "no-store" in answer["Cache-Control"]
    client.force_login(UserFactory())
    assert client.get(path).status_code == 404
    client.logout()
    assert client.get(path)["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("file", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", picture()[:500], b"x" * 99])
def test_no_picture_is_no_photograph(client, file):
    order, _card = delivered("groceries")
    data = form_of(order, 1, 0, reason="spoiled")
    data["photograph"] = SimpleUploadedFile("a.jpg", file, "image/jpeg")
    assert post(client, order, data).status_code == 422
    assert not Return.objects.exists()


def test_a_photograph_too_large_is_not_even_read(client, settings):
    settings.RETURN_LIMIT_BYTES = 300_000
    order, _card = delivered("groceries")
    data = form_of(order, 1, 0, reason="spoiled")
    data["photograph"] = SimpleUploadedFile("a.jpg", b"x" * 300_001, "image/jpeg")
    assert post(client, order, data).status_code == 413


def test_others_and_wrong_methods(client):
    order, _card = delivered()
    path = f"/orders/{order.code}/parcels/1/return/"
    assert client.get(path)["Location"].startswith("/sign-in/")
    client.force_login(UserFactory())
    assert client.get(path).status_code == 404
    assert client.post(path, form_of(order, 1, 0)).status_code == 404
    client.force_login(order.user)
    assert client.get(f"/orders/{order.code}/parcels/9/return/").status_code == 404
    assert client.post(f"/orders/{order.code}/parcels/1/returns/1/photograph/").status_code == 405
    assert not Return.objects.exists()


# ------------------------------------------------------------------ the desk


def desk_path(order, deed="", turn=1):
    return f"/admin/desk/returns/{order.code}/1/{turn}/{deed}"


def test_the_desk_decides_inspects_and_refunds():
    order, card = delivered()
    ask(order, 2, photograph=picture((300, 300)))
    desk, _person = at_the_desk(ORDER_DESK)
    listed = desk.get("/admin/desk/returns/", **EN).content.decode()
    assert f"{order.shown_code}/1/1" in listed
    assert "Accept the return" in desk.get(desk_path(order), **EN).content.decode()
    assert desk.get(desk_path(order, "photograph/"))["Content-Type"] == "image/jpeg"
    assert desk.get(desk_path(order, "accept/")).status_code == 200
    assert desk.post(desk_path(order, "accept/"), {"answer": "the courier comes"}).status_code == 302
    assert desk.post(desk_path(order, "inspect/"), {}, **EN).status_code == 422
    line = lines(order)[0]
    data = {f"line_{line.public_id}": 1, "goods": "restock"}
    for _ in range(2):
        assert desk.post(desk_path(order, "inspect/"), data).status_code == 302
    assert money(card)[0] == 10_000 - 1760 + 380
    assert "No return waits." in desk.get("/admin/desk/returns/", **EN).content.decode()
    assert order.shown_code in desk.get("/admin/desk/returns/?all=1", **EN).content.decode()
    answer = desk.post(desk_path(order, "refuse/"), {"answer": "no"}, **EN)
    assert answer.status_code == 409


def test_refusing_needs_words():
    order, _card = delivered()
    ask(order, 1)
    desk, _person = at_the_desk(ORDER_DESK)
    assert desk.post(desk_path(order, "refuse/"), {"answer": " "}, **EN).status_code == 422
    assert desk.post(desk_path(order, "refuse/"), {"answer": "worn"}).status_code == 302
    assert Return.objects.get().answer == "worn"


def test_a_seller_handles_the_own_returns_alone():
    order, _card = delivered()
    ask(order, 1)
    own = order.parcels.get().seller
    theirs, _person = at_the_desk(SELLER, seller=own)
    assert theirs.post(desk_path(order, "accept/"), {"answer": ""}).status_code == 302
    other, _person = at_the_desk(SELLER, seller=SellerFactory(slug="elsewhere", name_ko_kp="다른 상점"))
    assert order.shown_code not in other.get("/admin/desk/returns/?all=1").content.decode()
    for deed in ("", "accept/", "refuse/", "inspect/", "photograph/"):
        assert other.get(desk_path(order, deed)).status_code == 404
    assert other.post(desk_path(order, "refuse/"), {"answer": "no"}).status_code == 404
    courier, _person = at_the_desk(COURIER)
    assert courier.get("/admin/desk/returns/").status_code == 403
    assert Client().get("/admin/desk/returns/")["Location"].startswith("/sign-in/")
    assert Return.objects.get().status == "accepted"


def test_the_list_is_read_by_key_in_as_many_queries():
    desk, _person = at_the_desk(ORDER_DESK)
    order, _card = delivered(parcels=[{"lines": [(10, 20)] * 2, "fee": 100}])
    counts = []
    for many in (3, 30):
        for _ in range(many - Return.objects.count()):
            ask(order, 1) if Return.objects.count() < 20 else ask(order, 0, 1)
        desk.get("/admin/desk/returns/")
        with CaptureQueriesContext(connection) as asked:
            shown = desk.get("/admin/desk/returns/", **EN).content.decode()
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 8
    assert "after=" in shown
    assert desk.get("/admin/desk/returns/?after=x").status_code == 200
