"""The card number and the PIN are nowhere afterwards: not in logs, not in the database, not in error reports."""

import logging

import pytest
from django.db import connection
from django.test import RequestFactory
from django.views.debug import SafeExceptionReporterFilter

from payments.gateway import Presented, gateway
from payments.network import views
from tests.factories import UserFactory
from tests.payments.cast import HOLDER, authorised, issued

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
