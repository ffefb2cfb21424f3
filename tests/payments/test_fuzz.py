"""Whatever is typed, sent or asked: a clean refusal with words, no error, no row, no try of a PIN."""

import io
import uuid
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okryu.money import LIMIT, parse_won
from payments.gateway import Ask, Presented, gateway, luhn, normalise_card_number
from payments.models import MemberCard, Message, Payment, Transfer
from payments.network.models import Authorisation, Card, Release
from payments.words import words_for
from tests.orders.paid import PIN, issued, placed

pytestmark = pytest.mark.django_db

NOT_AMOUNTS = [0, -1, 10**12 + 1, 10**13, 10**400, 1.5, float("nan"), float("inf"), "１２", "12", "", None, True, [1]]
TYPED_AMOUNTS = [
    "0.5",
    "1.5",
    "-1",
    "１２",
    "१२",
    "NaN",
    "1e3",
    "10^400",
    "1" + "0" * 400,
    "",
    " ",
    "1,2",
    "+1",
    "0x10",
    "1\x002",
]
NOT_CURRENCIES = ["", "EUR", "USD", "KRW", "kpw", "KPW ", "КРW", "KPW\x00", None, 408]
NOT_NUMBERS = [
    "", "0", "94081912345678009", "940819123456", "9" * 16, "9" * 18, "9" * 20, "9408 1912 3456 7800 8",
    "9408-1912-3456-7800-8", "９４０８１９１２３４５６７８００８", "٩٤٠٨١٩١٢٣٤٥٦٧٨٠٠٨", "9408191234567800x",
    "94081912345678008\n", "9408\x001912345678008", "\ud800" * 17, None, 94081912345678008, "9" * 100_000,
]  # fmt: skip
NOT_PINS = [
    "",
    "123",
    "12345",
    "12a4",
    "４８３１",
    "٤٨٣١",
    " 4831",
    "4831\n",
    "48\x0031",
    "\udfff831",
    None,
    4831,
    "4" * 10**6,
]
NOT_IDS = ["", "7", "not-an-id", None, 7, b"\x00" * 16, "0" * 32]


def money_rows():
    tables = (Payment, Message, Transfer, Authorisation, Release, MemberCard)
    return [table.objects.count() for table in tables] + list(Card.objects.values_list("pin_tries", flat=True))


@pytest.fixture
def card():
    return issued(10_000)


def ask(**more):
    key = uuid.uuid4()
    return Ask(**{"id": key, "verb": "authorise", "amount": 100, "of": key, "reference": "7K3MQ9XB", **more})


def refused(question, presented):
    """What authorise and every later verb say to it. A code with words, and nothing is written."""
    before = money_rows()
    codes = {}
    for verb in ("capture", "release", "refund", "reverse"):
        codes[verb] = network().tell(Ask(**{**facts(question), "verb": verb})).code
    codes["authorise"] = network().authorise(question, presented).code
    assert money_rows() == before
    assert all(str(words_for(code)) for code in codes.values())
    return set(codes.values())


def facts(question):
    return {name: getattr(question, name) for name in ("id", "verb", "amount", "of", "reference", "currency")}


def network():
    """The network itself, without the line in front: whatever a shop sends, it answers."""
    return gateway()._inner


@pytest.mark.parametrize("amount", NOT_AMOUNTS, ids=lambda value: repr(value)[:20])
def test_amounts(card, amount):
    assert refused(ask(amount=amount), card[1]) == {"13"}


@pytest.mark.parametrize("currency", NOT_CURRENCIES, ids=repr)
def test_currencies(card, currency):
    assert refused(ask(currency=currency), card[1]) == {"57"}


@pytest.mark.parametrize("key", NOT_IDS, ids=repr)
def test_ids(card, key):
    assert refused(ask(id=key, of=key), card[1]) == {"30"}
    assert network().inquire(key) is None


@pytest.mark.parametrize("reference", ["수", "a\x00b", "x" * 33, None, 7, "\ud800"], ids=repr)
def test_references(card, reference):
    assert refused(ask(reference=reference), card[1]) == {"30"}


@pytest.mark.parametrize("verb", ["", "void", "AUTHORISE", "authorise", "capture ", None, 7], ids=repr)
def test_verbs(card, verb):
    before = money_rows()
    assert network().tell(ask(verb=verb)).code == "12"
    assert money_rows() == before


@pytest.mark.parametrize("number", NOT_NUMBERS, ids=lambda value: repr(value)[:24])
def test_numbers(card, number):
    before, shown = money_rows(), Presented(number, PIN, card[1].holder)
    assert network().authorise(ask(), shown).code == "14"
    assert network().verify(shown).code == "14"
    assert money_rows() == before


@pytest.mark.parametrize("pin", NOT_PINS, ids=lambda value: repr(value)[:20])
def test_pins(card, pin):
    before, shown = money_rows(), Presented(card[1].number, pin, card[1].holder)
    assert network().authorise(ask(), shown).code == "30"
    assert network().verify(shown).code == "30"
    assert money_rows() == before


@pytest.mark.parametrize("holder", [None, 7, "\ud800", b"name"], ids=repr)
def test_holders(card, holder):
    before, shown = money_rows(), Presented(card[1].number, PIN, holder)
    assert network().verify(shown).code == "30"
    assert money_rows() == before


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_card_number_or_a_value_error(text):
    try:
        digits = normalise_card_number(text)
    except ValueError:
        return
    assert len(digits) == 17
    assert luhn(digits)


@given(st.text() | st.sampled_from(TYPED_AMOUNTS))
@settings(max_examples=300, deadline=None)
def test_any_text_is_won_or_a_value_error(text):
    try:
        won = parse_won(text)
    except ValueError:
        return
    assert 0 <= won <= LIMIT
    assert text.strip().replace(",", "").lstrip("0") == str(won).lstrip("0")


@pytest.mark.parametrize("text", TYPED_AMOUNTS, ids=lambda value: repr(value)[:20])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match=r"won|amount"):
        parse_won(text)


# ---------------------------------------------------------------- over HTTP

FORM = "application/x-www-form-urlencoded"
NUMBER = b"94081912345678008"
BODIES = {
    "nothing": (FORM, b""),
    "no card": (FORM, b"key=KEY&pin=4831"),
    "no pin": (FORM, b"key=KEY&card=" + NUMBER),
    "repeated, the last one empty": (FORM, b"key=KEY&card=" + NUMBER + b"&card=&pin=4831&pin="),
    "repeated, the last one wrong": (FORM, b"key=KEY&card=" + NUMBER + b"&card=7&pin=4831"),
    "Luhn off by one": (FORM, b"key=KEY&card=94081912345678009&pin=4831"),
    "huge": (FORM, b"key=KEY&card=" + b"9" * 5_000 + b"&pin=" + b"4" * 5_000),
    "too huge": (FORM, b"key=KEY&pin=4831&card=" + b"9" * 400_000),
    "a thousand fields": (FORM, b"key=KEY&" + b"&".join(b"card=%d" % number for number in range(1_100))),
    "NUL": (FORM, b"key=KEY&card=9408%001912345678008&pin=48%0031"),
    "raw NUL": (FORM, b"key=KEY&card=9408\x001912345678008&pin=4831"),
    "invalid UTF-8": (FORM, b"key=KEY&card=%ff%fe&pin=%80831"),
    "raw invalid UTF-8": (FORM, b"key=KEY&card=\xff\xfe&pin=\x80831"),
    "half a surrogate": (FORM, b"key=KEY&card=%ed%a0%80&pin=4831"),
    "other digits": (FORM, ("key=KEY&card=" + quote("٩٤٠٨١٩١٢٣٤٥٦٧٨٠٠٨") + "&pin=" + quote("٤٨٣١")).encode()),
    "wide PIN": (FORM, b"key=KEY&card=" + NUMBER + b"&pin=" + quote("４８３１").encode()),
    "another charset": (FORM + "; charset=utf-16", b"key=KEY&card=1&pin=1"),
    "a charset of nobody": (FORM + "; charset=martian", b"key=KEY&card=1&pin=1"),
    "JSON": ("application/json", b'{"key": "KEY", "card": "94081912345678008", "pin": "4831"}'),
    "no type": ("", b"key=KEY&card=94081912345678008&pin=4831"),
    "broken multipart": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="card"\r\n'),
    "multipart without a boundary": ("multipart/form-data", b"card"),
    "names in brackets": (FORM, b"key[]=KEY&card[number]=" + NUMBER + b"&pin[0]=4831"),
}  # fmt: skip


@pytest.fixture
def shopper(client):
    order = placed()
    client.force_login(order.user)
    return client, order


def assert_refused(answer, before):
    assert 400 <= answer.status_code < 500, answer.status_code
    assert len(answer.content) > 200  # in words
    assert b"4831" not in answer.content
    assert money_rows() == before


@pytest.mark.parametrize("name", BODIES)
def test_the_payment_page(shopper, name):
    client, order = shopper
    kind, body = BODIES[name]
    before = money_rows()
    body = body.replace(b"KEY", str(order.payment_key).encode())
    answer = client.generic("POST", f"/orders/{order.code}/payment/", body, content_type=kind)
    assert_refused(answer, before)
    order.refresh_from_db()
    assert order.status == "placed"


@pytest.mark.parametrize("name", BODIES)
def test_the_card_page(shopper, name):
    client, _ = shopper
    kind, body = BODIES[name]
    before = money_rows()
    assert_refused(client.generic("POST", "/card/", body, content_type=kind), before)


@pytest.mark.parametrize(
    "key",
    ["", "7", "%00", "%ff", "00000000000000000000000000000000", "'; DROP TABLE payments_payment; --", "x" * 5_000],
)
def test_the_payment_pages_key(shopper, key):
    client, order = shopper
    _, presented = issued(10_000)
    before = money_rows()
    body = f"key={key if key.startswith('%') else quote(key)}&card={presented.number}&pin={presented.pin}"
    answer = client.post(f"/orders/{order.code}/payment/", body.encode(), content_type=FORM)
    assert answer.status_code == 422
    assert money_rows() == before


def test_a_file_in_place_of_a_number(shopper):
    client, order = shopper
    before = money_rows()
    for path in (f"/orders/{order.code}/payment/", "/card/"):
        file = io.BytesIO(b"94081912345678008")
        assert_refused(client.post(path, {"card": file, "pin": "48", "key": str(order.payment_key)}), before)


@pytest.mark.parametrize("after", ["", "7", "%00", "%ff", "'", "0" * 5_000, "٧"])
def test_the_history_of_a_card(shopper, after):
    client, _ = shopper
    _, presented = issued(10_000)
    client.post("/card/", {"card": presented.number, "pin": presented.pin})
    assert client.get(f"/card/?after={after}").status_code == 200
    assert client.get(f"/card/{after or 'x'}/").status_code in {400, 404}
