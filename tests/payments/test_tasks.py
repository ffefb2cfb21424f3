"""The nightly jobs."""

import logging

import pytest
from django.db import connection

from payments import tasks
from payments.models import DayCut, Transfer
from tests.payments.cast import captured, issued

pytestmark = pytest.mark.django_db


def test_a_night(caplog):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    tasks.settle_days(0)  # nothing is closed yet
    for _ in range(2):
        tasks.close_days(0)
        tasks.settle_days(0)
    assert DayCut.objects.count() == 1
    assert Transfer.objects.filter(kind="payout").count() == 1
    assert Transfer.objects.filter(kind="settle").count() == 1
    tasks.audit_ledger(0)
    assert "does not agree" not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE network_balance SET posted = posted + 1")
        cursor.execute("SET LOCAL session_replication_role = origin")
    with caplog.at_level(logging.ERROR):
        tasks.audit_ledger(0)
    assert "audit_balance has 1 rows" in caplog.text
