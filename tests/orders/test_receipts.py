"""The receipt as a page, as a PDF and as one short message."""

import io
import re
from datetime import UTC, datetime

import pytest
from django.utils import translation
from fontTools.ttLib import TTFont

from accounts import sms
from orders.models import Order, OrderLine
from orders.parcels import Reason, confirm_parcel, decline_parcel, make_ready
from orders.receipt_pdf import FONT, receipt_pdf
from orders.receipts import short_text
from orders.sheet import read_sheet
from payments.models import Payment
from tests.factories import UserFactory
from tests.orders.paid import paid, payment_of, placed

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


def pdf(client, order, **headers):
    client.force_login(order.user)
    return client.get(f"/orders/{order.code}/receipt.pdf", **headers)


def pages(data):
    return len(re.findall(rb"/Type /Page\b", data))


def letters_of(data):
    """The letters of the embedded font, from the table by which a reader copies text out of the PDF."""
    table = data[data.index(b"beginbfchar") : data.index(b"endbfchar")]
    return {chr(int(code, 16)) for code in re.findall(rb"> <([0-9A-F]{4})>", table)}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_pdf_carries_the_receipt_and_its_letters(client, language):
    order, _card = paid()
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    answer = pdf(client, order, HTTP_ACCEPT_LANGUAGE=language)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert f"okryu-{order.code}.pdf" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    assert answer.content.startswith(b"%PDF-")
    assert pages(answer.content) == 1
    assert len(answer.content) < 60_000
    wanted = set("령수증옥류관평양랭면원" if language == "ko" else "ReceiptPaid")
    assert wanted <= letters_of(answer.content)


def test_a_long_order_runs_over_several_sheets(client):
    order, _card = paid(parcels=[{"lines": [(10, 1)] * 40, "fee": 100}, {"lines": [(80, 6)]}])
    decline_parcel(order_code=order.code, number=2, reason=Reason.CLOSED)
    assert pages(pdf(client, order).content) == 2


def test_names_as_hostile_as_they_come(client):
    order, _card = paid()
    OrderLine.objects.filter(parcel__order=order).update(name_ko_kp="**굵게** (\\) 똠뷁 " + "가" * 180)
    assert pdf(client, order).status_code == 200


def test_the_same_receipt_is_the_same_file():
    order, _card = paid()
    first, second = (receipt_pdf(read_sheet(user=order.user, code=order.code)) for _ in range(2))
    assert first == second


def test_no_pdf_before_paying_nor_for_others_nor_by_post(client):
    assert pdf(client, placed()).status_code == 404
    order, _card = paid()
    assert client.post(f"/orders/{order.code}/receipt.pdf").status_code in (404, 405)
    client.force_login(UserFactory())
    assert client.get(f"/orders/{order.code}/receipt.pdf").status_code == 404
    client.logout()
    assert client.get(f"/orders/{order.code}/receipt.pdf")["Location"].startswith("/sign-in/")


def test_the_font_is_small_free_and_writes_korean():
    assert FONT.stat().st_size <= 700_000
    assert "SIL OPEN FONT LICENSE" in (FONT.parent / "OFL").read_text().upper()
    known = set(TTFont(io.BytesIO(FONT.read_bytes())).getBestCmap())
    standard = {ord(bytes([high, low]).decode("euc_kr")) for high in range(0xB0, 0xC9) for low in range(0xA1, 0xFF)}
    assert len(standard) == 2350
    assert standard <= known


def test_the_short_text_on_the_page(client):
    order, _card = paid()
    client.force_login(order.user)
    shown = client.get(f"/orders/{order.code}/receipt/", **ENGLISH).content.decode()
    number = payment_of(order).messages.get(verb="authorise").ref
    assert f"Okryu receipt {number}: order {order.shown_code}, 860 won held on card" in shown


@pytest.mark.parametrize("language", ["ko-kp", "en"])
def test_the_largest_receipt_is_one_short_message(language):
    order = Order(code="WWWWWWWW", paid_at=datetime(2026, 12, 31, 23, 59, tzinfo=UTC), language=language)
    with translation.override(language):
        text = short_text(order, Payment(amount=10_000_000, last4="0000"), "9999999999")
    assert sms.fits(text), (len(text), text)
