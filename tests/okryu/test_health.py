"""Liveness asks nobody; readiness says what is missing."""

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from okryu import health


def test_healthz_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_they_are_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_readyz_waits_for_a_worker(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": True, "migrations": True, "worker": False}


@pytest.mark.django_db
@pytest.mark.parametrize(("silence", "status"), [(5, 200), (90, 503)])
def test_readyz_listens_to_the_workers_beat(client: Client, silence: int, status: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))", [silence]
        )
    assert client.get("/readyz").status_code == status


@pytest.mark.django_db
def test_readyz_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        raise DatabaseError

    monkeypatch.setattr(health, "_database_answers", broken)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, False)
