"""The card number and the PIN are nowhere afterwards: not in logs, not in the database, not in error reports."""

import logging
import os
import re
import subprocess
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory
from django.utils.log import AdminEmailHandler
from django.views.debug import SafeExceptionReporterFilter
from procrastinate.contrib.django.models import ProcrastinateJob

from payments import faults
from payments.gateway import Presented, gateway
from payments.models import Message
from payments.network import cards, views
from payments.network.acts import Clerk
from tests.factories import UserFactory
from tests.orders.paid import issued as issued_to
from tests.orders.paid import placed
from tests.payments.cast import HOLDER, authorised, issued
from tests.payments.test_backup import program

pytestmark = pytest.mark.django_db

PIN = "4831"


def everything_stored():
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            yield from (f"{table}: {row}" for (row,) in cursor.fetchall())


def test_repr_hides_the_card():
    shown = repr(Presented("94081912345678008", PIN, HOLDER))
    assert "9408" not in shown
    assert PIN not in shown
    assert HOLDER not in shown


def test_nothing_is_stored_or_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    client.force_login(UserFactory(name=HOLDER))
    _, presented = issued(10_000)
    client.post("/card/", {"card": presented.number, "pin": presented.pin})
    client.post("/card/", {"card": presented.number, "pin": "1357"})
    authorised(presented, 900)
    gateway().verify(Presented(presented.number, "1357", HOLDER))
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    rows = [row for row in everything_stored() if not row.startswith("accounts_user:")]
    assert len(rows) > 20
    for secret in (presented.number, HOLDER):
        assert secret not in logged
        assert not [row for row in rows if secret in row]
    for pin in (presented.pin, "1357"):
        assert not [row for row in rows if row.startswith(("network_", "payments_")) and f",{pin}," in row]
        assert f"'{pin}'" not in logged


def test_an_error_report_leaves_the_card_out(monkeypatch):
    def broken(request, form):
        raise RuntimeError("something broke")

    monkeypatch.setattr(views, "_link", broken)
    request = RequestFactory().post("/card/", {"card": "94081912345678008", "pin": PIN})
    request.user = UserFactory(name=HOLDER)
    with pytest.raises(RuntimeError):
        views.card(request)
    cleaned = SafeExceptionReporterFilter()
    cleaned.is_active = lambda request: True
    assert "94081912345678008" not in str(cleaned.get_post_parameters(request))
    assert PIN not in str(cleaned.get_post_parameters(request))


# ---------------------------------------------------------------- through the web pages, whatever happens

WRONG_PIN, SHORT_PIN, LOOSE_NUMBER = "7305", "73051", "94081555666777"


class Broken:
    """A gateway that fails in the middle, with the card in its hands."""

    def authorise(self, ask, card):
        raise RuntimeError(f"the line broke after {len(card.number) + len(card.pin)} characters")

    def verify(self, card):
        return self.authorise(None, card)

    def inquire(self, message_id):
        raise RuntimeError("the line is broken")


@pytest.mark.django_db(transaction=True)
def test_no_page_and_no_failure_leaves_them_anywhere(client, caplog, settings, mailoutbox, capfd):
    caplog.set_level(logging.DEBUG)
    settings.ADMINS = [("desk", "desk@okryu.example")]
    mail = AdminEmailHandler(include_html=True)
    mail.setLevel(logging.ERROR)
    logging.getLogger("django.request").addHandler(mail)
    client.raise_request_exception = False
    try:
        number, pages = _everything_a_shopper_may_do(client, settings)
    finally:
        logging.getLogger("django.request").removeHandler(mail)
    assert len(mailoutbox) >= 1
    mails = [str(part) for each in mailoutbox for part in (each.subject, each.body, *each.alternatives)]
    assert any("the line broke" in part for part in mails)
    logged = [
        logging.Formatter("%(message)s").format(record)
        for record in caplog.records
        if record.name != "django.db.backends"
    ]
    dump = _dump()
    sessions = [str(Session.objects.get(pk=row.pk).get_decoded()) for row in Session.objects.all()]
    jobs = [str(job.args) for job in ProcrastinateJob.objects.all()]
    assert "COPY public.payments_message" in dump
    assert sessions
    places = {"pages": pages, "mails": mails, "log": logged, "output": [*capfd.readouterr()], "dump": [dump],
              "sessions": sessions, "jobs": jobs}  # fmt: skip
    for place, texts in places.items():
        for secret in (number, LOOSE_NUMBER, f"{number[:5]} {number[5:]}"):
            assert not [text for text in texts if secret in text], f"{place}: the card number"
        for pin in (WRONG_PIN, SHORT_PIN, MARKED_PIN):
            alone = re.compile(rf"(?<![0-9A-Za-z.:,/+-]){pin}(?![0-9A-Za-z.:,/+-])")
            assert not [found.group() for text in texts for found in alone.finditer(text)], f"{place}: a PIN"


MARKED_PIN = "8269"


def _everything_a_shopper_may_do(client, settings):
    """Right, wrong, mistyped, too early, unanswered and broken payments and links; the number and what was shown."""
    card, presented = issued_to(50_000)
    number = presented.number
    desk_new_pin(card)
    order = placed()
    client.force_login(order.user)
    where, shown = f"/orders/{order.code}/payment/", []

    def post(path, **fields):
        answer = client.post(path, fields, follow=True)
        shown.append(answer.content.decode())
        return answer

    def pay(pin, typed=number):
        order.refresh_from_db()
        return post(where, key=str(order.payment_key), card=typed, pin=pin)

    assert pay(SHORT_PIN).status_code == 422
    assert pay(MARKED_PIN, LOOSE_NUMBER).status_code == 422
    assert post(where, key="nonsense", card=number, pin=MARKED_PIN).status_code == 422
    assert pay(WRONG_PIN).status_code == 422
    assert post("/card/", card=number, pin=WRONG_PIN).status_code == 422
    client.get("/search/", {"q": number})  # its own page repeats it, the log does not
    settings.PAYMENT_GATEWAY = f"{__name__}.Broken"
    assert post("/card/", card=number, pin=MARKED_PIN).status_code == 500
    assert pay(MARKED_PIN).status_code == 500
    settings.PAYMENT_GATEWAY = "payments.network.gateway.SimulatedGateway"
    other = placed(order.user)
    settings.PAYMENT_FAULTS = "seed=7"
    faults.expect("ok", "lost_answer", "lost_answer")
    post(f"/orders/{other.code}/payment/", key=str(other.payment_key), card=number, pin=MARKED_PIN)
    faults.expect()
    assert Message.objects.filter(code=None).exists()
    third = placed(order.user)
    paid = post(f"/orders/{third.code}/payment/", key=str(third.payment_key), card=number, pin=MARKED_PIN)
    assert paid.redirect_chain[-1][0] == f"/orders/{third.code}/"
    assert post("/card/", card=number, pin=MARKED_PIN).status_code == 200
    return number, shown


def desk_new_pin(card):
    cards.new_pin(key=uuid4(), card=card, pin=MARKED_PIN, by=Clerk(id=7, phone="1919000006"))


def _dump() -> str:
    conf = connection.settings_dict
    known = {"PGHOST": conf["HOST"], "PGPORT": conf["PORT"], "PGUSER": conf["USER"], "PGPASSWORD": conf["PASSWORD"]}
    env = {**os.environ, **{key: str(value) for key, value in known.items() if value}}
    done = subprocess.run(
        [program("pg_dump"), "-d", conf["NAME"], "--schema=public"], check=True, env=env, capture_output=True, text=True
    )
    return done.stdout
