"""The audit's page and its runs: green or named breaks, kept with time and duration, one run at a time."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from orders.roles import FINANCE, ORDER_DESK, ensure_roles
from payments import audit, tasks
from payments.desk import audit as desk
from payments.models import AuditRun
from tests.factories import StaffFactory, UserFactory
from tests.payments.cast import captured, issued

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
HERE = "/admin/desk/money/audit/"


@pytest.fixture
def finance(client):
    person = StaffFactory(is_superuser=False, name="강철호")
    person.groups.add(ensure_roles()[FINANCE])
    client.force_login(person)
    return person


def page(client):
    return client.get(HERE, **ENGLISH).content.decode()


def tampered(statement, *values):
    """What only a superuser can do: change a guarded row."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_before_the_first_run(client, finance):
    assert "The ledger has not been audited yet." in page(client)
    assert "Audit now" in page(client)


def test_a_night_that_is_in_order(client, finance):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    tasks.audit_ledger(0)
    run = AuditRun.objects.get()
    assert (run.is_clean, run.asked_by, run.findings, run.done) == (True, None, [], len(audit.AUDITS))
    assert run.seconds is not None
    assert run.counted["deposits"] == run.counted["cards"] + run.counted["merchant"] + run.counted["fees"]
    shown = page(client)
    assert "Every won accounted for at" in shown
    assert f"Deposits {run.counted['deposits']:,} won = on cards {run.counted['cards']:,} won" in shown
    assert "the nightly job or a command" in shown
    korean = client.get(HERE, HTTP_ACCEPT_LANGUAGE="ko-KP").content.decode()
    assert f"{run.counted['deposits']:,}원" in korean


def test_breaks_are_named_with_at_most_twenty_rows(client, finance):
    cards = [issued(100)[0] for _ in range(23)]
    tampered("UPDATE network_balance SET posted = posted + 7 WHERE account_id >= %s", cards[0].account_id)
    tasks.audit_ledger(0)
    run = AuditRun.objects.get()
    assert run.is_clean is False
    shown = page(client)
    assert "The books did not agree at" in shown
    assert "Every card&#x27;s balance is the sum of its transfers" in shown
    words = f"Card account {cards[0].account_id}: the balance says 107 won, its transfers say 100 won;"
    assert words in shown
    assert shown.count("the balance says") == 20
    assert "23 rows do not agree." in shown
    assert "and 3 more" in shown
    assert f"/admin/payments/account/{cards[0].account_id}/change/" in shown
    tampered("UPDATE network_balance SET posted = posted - 7 WHERE account_id >= %s", cards[0].account_id)
    tasks.audit_ledger(0)
    assert "Every won accounted for at" in page(client)
    assert "breaks</span>" in page(client)  # among the earlier runs


def test_a_view_without_a_sentence_shows_its_columns():
    assert desk.LEDGER._said("audit_new", {"id": 5, "posted": 1200}) == "id 5, posted 1200"


def test_the_command_keeps_its_exit_status_and_a_run():
    out = StringIO()
    call_command("audit_ledger", stdout=out)
    assert "ok   audit_balance" in out.getvalue()
    card, _ = issued(100)
    tampered("UPDATE network_balance SET posted = posted + 7 WHERE account_id = %s", card.account_id)
    with pytest.raises(CommandError, match="does not agree"):
        call_command("audit_ledger", stdout=StringIO())
    assert list(AuditRun.objects.order_by("pk").values_list("is_clean", flat=True)) == [True, False]


def test_the_button_begins_one_run(client, finance):
    for _ in range(2):  # repeated
        assert client.post(f"{HERE}runs/")["Location"] == HERE
    run = AuditRun.objects.get()
    assert (run.asked_by, run.finished_at) == (finance, None)
    job = ProcrastinateJob.objects.get(task_name="payments.tasks.run_audit")
    assert job.args == {"run_id": run.pk}
    shown = page(client)
    assert "An audit is under way" in shown
    assert 'http-equiv="refresh"' in shown
    assert "Audit now" not in shown
    tasks.run_audit(**job.args)
    tasks.run_audit(**job.args)  # a job run twice
    run.refresh_from_db()
    assert run.is_clean is True
    assert "강철호" in page(client)
    assert "Audit now" in page(client)


def test_a_run_that_died_makes_way(client, finance, monkeypatch):
    assert audit.begin() is not None
    assert audit.begin() is None
    for module in (audit, desk):
        monkeypatch.setattr(module, "LONGEST", timedelta(0))
    assert "did not finish" in page(client)
    assert audit.begin() is not None


def test_who_may(client):
    assert client.get(f"{HERE}runs/").status_code == 405
    assert client.post(HERE).status_code == 405
    assert client.post(f"{HERE}runs/")["Location"].startswith("/sign-in/")
    client.force_login(UserFactory())
    assert client.post(f"{HERE}runs/").status_code == 403
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(ensure_roles()[ORDER_DESK])
    client.force_login(clerk)
    assert client.get(HERE).status_code == 403
    assert client.post(f"{HERE}runs/").status_code == 403
    assert not AuditRun.objects.exists()


def test_the_page_asks_the_same_however_many_runs(client, finance, monkeypatch):
    counts = []
    monkeypatch.setattr(audit, "LONGEST", timedelta(0))
    for runs in (1, 29):
        for _ in range(runs):
            assert list(audit.carry_out(audit.begin(by=finance)))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(HERE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
