"""Money in the admin is read only, for everybody."""

import pytest

from payments import pay
from payments.linking import link_card
from payments.models import MemberCard, Transfer
from tests.factories import StaffFactory
from tests.payments.cast import HOLDER, captured, issued

pytestmark = pytest.mark.django_db

PAGES = [
    "payments/payment", "payments/message", "payments/transfer", "payments/account", "payments/transferkind",
    "payments/daycut", "payments/membercard", "network/card", "network/balance", "network/authorisation",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_lists_are_read_and_nothing_is_added(client, page):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    client.force_login(StaffFactory())
    response = client.get(f"/admin/{page}/")
    assert response.status_code == 200
    assert client.get(f"/admin/{page}/add/").status_code == 403
    assert client.post(f"/admin/{page}/add/", {}).status_code == 403
    assert f"/admin/{page}/add/" not in response.content.decode()


def test_one_row_is_shown(client):
    card, presented = issued(10_000)
    payment = captured(presented, 1_000)
    user = StaffFactory(name=HOLDER)
    link_card(user=user, number=presented.number, pin=presented.pin, address="10.0.0.1")
    client.force_login(user)
    authorisation = pay.message_id(payment.id, "authorise")
    for page in [
        f"network/card/{card.pk}", f"network/authorisation/{authorisation}", f"network/balance/{card.account_id}",
        f"payments/account/{card.account_id}", f"payments/message/{authorisation}",
        f"payments/transfer/{Transfer.objects.first().pk}", f"payments/membercard/{MemberCard.objects.get().pk}",
    ]:  # fmt: skip
        response = client.get(f"/admin/{page}/change/")
        assert response.status_code == 200, page
        assert "_save" not in response.content.decode()
        assert str(card.token) not in response.content.decode()


def test_a_payment_is_shown_and_neither_changed_nor_deleted(client):
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    client.force_login(StaffFactory())
    page = client.get(f"/admin/payments/payment/{payment.pk}/change/")
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    assert client.post(f"/admin/payments/payment/{payment.pk}/change/", {"amount": 1}).status_code == 403
    assert client.post(f"/admin/payments/payment/{payment.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "mac" not in client.get("/admin/network/card/").content.decode()
