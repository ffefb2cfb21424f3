"""Which role may write which kind of transfer, and who may say when it was."""

import contextlib
import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from payments.models import Account, Transfer
from payments.network.models import Instruction
from tests.payments.cast import issued

pytestmark = pytest.mark.django_db


@contextlib.contextmanager
def acting_as(role):
    """As `role`, owning nothing, with the rights its process has. The test's transaction takes it all back."""
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT INSERT ON payments_transfer TO {role}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SET LOCAL ROLE {role}")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


def write(kind, debit, credit, *, key=None, **more):
    key = key or uuid.uuid4()
    with transaction.atomic():
        return Transfer.objects.create(
            uuid=key, kind=kind, debit_account_id=debit, credit_account_id=credit, amount=5, reference=key, **more
        )


@pytest.mark.parametrize(
    ("role", "kind", "refused"),
    [
        ("shop_app", "load", True),
        ("shop_app", "capture", True),
        ("network_app", "load", True),
        ("network_app", "receipt", True),
        ("network_app", "send", False),
        ("bank_desk", "load", False),
        ("bank_desk", "redeem", False),
        ("bank_desk", "send", True),
    ],
)
def test_each_role_writes_its_own_book(role, kind, refused):
    card, _ = issued(100)
    other, _ = issued(0)
    ids = dict(Account.objects.exclude(kind="card").values_list("kind", "id"))
    sides = {
        "load": (ids["float"], card.account_id),
        "redeem": (card.account_id, ids["float"]),
        "capture": (card.account_id, ids["merchant"]),
        "send": (card.account_id, other.account_id),
        "receipt": (ids["bank"], ids["network"]),
    }
    key = uuid.uuid4()
    if kind in {"send", "redeem"}:  # money leaves a card only by an instruction of its holder
        Instruction.objects.create(
            id=key, kind=kind, account_id=card.account_id, payee_id=other.account_id if kind == "send" else None,
            last4=card.last4, amount=5, code="00",
        )  # fmt: skip
    with acting_as(role):
        if refused:
            with pytest.raises(IntegrityError, match=f"{role} may not write {kind}"):
                write(kind, *sides[kind], key=key)
        else:
            assert write(kind, *sides[kind], key=key).seq


def test_the_shop_writes_its_book_as_far_as_the_network_has_said():
    """Its own kinds are not refused for the role; each hangs on something the network has told."""
    ids = dict(Account.objects.exclude(kind="card").values_list("kind", "id"))
    with acting_as("shop_app"), pytest.raises(IntegrityError, match="no file says that receipt"):
        write("receipt", ids["bank"], ids["network"])


def test_history_is_the_owners_alone():
    card, _ = issued(100)
    other, _ = issued(0)
    key = uuid.uuid4()
    Instruction.objects.create(
        id=key, kind="send", account_id=card.account_id, payee_id=other.account_id, last4=card.last4, amount=5,
        code="00",
    )  # fmt: skip
    with acting_as("network_app"):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL okryu.history = 'on'")
        row = write("send", card.account_id, other.account_id, key=key, at="2001-01-01T00:00Z")
        row.refresh_from_db()
        assert row.at.year > 2001
