import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction

from accounts.models import District


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_transactional_test_finds_what_the_migrations_left(turn: int) -> None:
    assert Permission.objects.exists()
    Permission.objects.all().delete()


@pytest.mark.ledger
def test_ledger_tests_commit_for_real_in_their_own_database() -> None:
    with transaction.atomic(durable=True):
        District.objects.count()
    assert "ledger" in connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == (connection.settings_dict["NAME"],)


@pytest.mark.django_db
def test_others_do_not_run_in_the_ledgers_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert not cursor.fetchone()[0].endswith("ledger")
