"""The desks of closed days and of sellers' money: who may see what, differences explained, statements that add up."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import SellerStaff
from orders.roles import FINANCE, SELLER, ensure_roles
from payments import pay
from payments.network import settlement_file as network
from payments.reconciliation import keep_file
from payments.settlement import close_day, settle
from payments.settlement_models import Explanation, Settlement
from tests.factories import SellerFactory, StaffFactory
from tests.payments.cast import asked, captured, issued, next_day, settled, told
from tests.payments.test_settlement import altered

pytestmark = pytest.mark.django_db
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}
DAYS = "/admin/desk/money/days/"
SELLERS = "/admin/desk/money/sellers/"


def signed_in(client, role):
    person = StaffFactory(is_superuser=False, name="강철호")
    person.groups.add(ensure_roles()[role])
    client.force_login(person)
    return person


def broken_day():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    cut = close_day(next_day())
    keep_file(
        cut, altered(network.write(cut), lambda rows: [row.replace("1000", "900") for row in rows], "1,900,0,900")
    )
    settle(cut)
    return cut


def text(client, path):
    answer = client.get(path, **ENGLISH)
    assert answer.status_code == 200
    return answer.content.decode()


def test_days_and_a_day(client):
    signed_in(client, FINANCE)
    _, presented = issued(10_000)
    seller = SellerFactory()
    captured(presented, 1_000, seller_id=seller.pk)
    cut = close_day(next_day())
    assert "Waits for the network's file" in text(client, DAYS)
    assert "has not come yet" in text(client, f"{DAYS}{cut.day}/")
    settled(cut)
    assert "Every closed day is settled." in text(client, DAYS)
    assert "970 won" in text(client, DAYS)
    page = text(client, f"{DAYS}{cut.day}/")
    assert "say the same" in page and f"{SELLERS}{seller.pk}/" in page
    file = client.get(f"{DAYS}{cut.day}/file/")
    assert file.content == network.write(cut)
    assert client.get(f"{DAYS}1999-01-01/").status_code == client.get(f"{DAYS}soon/").status_code == 404


def test_a_difference_is_explained_once_and_the_day_is_paid(client):
    person = signed_in(client, FINANCE)
    cut = broken_day()
    here = f"{DAYS}{cut.day}/"
    assert "1 difference" in text(client, DAYS)
    page = text(client, here)
    assert "amounts differ" in page and "900 won" in page and "1,000 won" in page
    about = str(pay.message_id(pay.Payment.objects.get().pk, "capture", 1))
    said = {"about": about, "state": "differs", "reason": "letter 12"}
    refused = client.post(f"{here}explanations/", said | {"reason": " "}, **ENGLISH)
    assert refused.status_code == 422 and "Say why this difference may stand." in refused.content.decode()
    assert client.get(f"{here}explanations/").status_code == 405
    assert client.get(f"{here}questions/").status_code == 405
    assert client.post(f"{here}questions/", {"about": "x"}).status_code == 404
    asked_again = client.post(f"{here}questions/", {"about": about}, follow=True, **ENGLISH)
    assert "it was approved" in asked_again.content.decode()
    for reason in ("letter 12", "something else"):
        assert client.post(f"{here}explanations/", said | {"reason": reason}).status_code == 302
    explanation = Explanation.objects.get()
    assert (explanation.reason, explanation.by) == ("letter 12", person)
    assert Settlement.objects.get(cut=cut).paid_out == 970
    assert "letter 12" in text(client, here) and "강철호" in text(client, here)


def test_who_may_not(client):
    cut = broken_day()
    here = f"{DAYS}{cut.day}/"
    paths = [DAYS, here, f"{here}file/"]
    assert all(client.get(path).status_code == 302 for path in [*paths, SELLERS])
    signed_in(client, SELLER)
    assert all(client.get(path).status_code == 403 for path in paths)
    assert client.post(f"{here}explanations/", {}).status_code == 403
    assert client.post(f"{here}questions/", {}).status_code == 403


def test_a_statement_adds_up(client):
    signed_in(client, FINANCE)
    seller = SellerFactory()
    _, presented = issued(10_000)
    payment = captured(presented, 1_000, seller_id=seller.pk)
    settled(close_day(next_day()))
    told(
        asked(
            pay.ask_refund, payment=payment, parcel=1, part=1, seller_id=seller.pk, goods=1_000, fare=0,
            commission_bp=300,
        )
    )  # fmt: skip
    last = close_day(next_day())
    page = text(client, f"{SELLERS}{seller.pk}/")
    assert "−970 won" in page and "taken from the next payouts" in page
    assert f"{payment.order_code[:4]}-{payment.order_code[4:]}" in page
    answer = client.get(f"{SELLERS}{seller.pk}/movements.csv", {"to": str(last.day)}, **ENGLISH)
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))
    assert [(row[2], int(row[4])) for row in rows[1:]] == [
        ("Sale", 1_000), ("Commission", -30), ("Payout", -970), ("Return", -1_000), ("Commission returned", 30),
    ]  # fmt: skip
    assert text(client, f"{SELLERS}{seller.pk}/?from=nonsense&to=0&before=x")
    assert text(client, f"{SELLERS}{seller.pk}/?to=0001-01-05"), "there are no thirty days before it"
    assert seller.name in text(client, SELLERS)


def test_a_sellers_own_people_see_their_own_alone(client):
    person = signed_in(client, SELLER)
    mine, other = SellerFactory(), SellerFactory(slug="another")
    SellerStaff.objects.create(user=person, seller=mine)
    _, presented = issued(10_000)
    captured(presented, 1_000, seller_id=mine.pk)
    assert client.get(SELLERS).headers["Location"] == f"{SELLERS}{mine.pk}/"
    assert "970 won" in text(client, f"{SELLERS}{mine.pk}/")
    assert client.get(f"{SELLERS}{other.pk}/").status_code == 404
    assert client.get(f"{SELLERS}{other.pk}/movements.csv").status_code == 404


def test_queries_do_not_grow_with_days_or_movements(client):
    signed_in(client, FINANCE)
    seller = SellerFactory()
    _, presented = issued(100_000)

    def count(path):
        with CaptureQueriesContext(
            connection,
        ) as found:
            text(client, path)
        return len(found)

    def day():
        captured(presented, 1_000, seller_id=seller.pk)
        settled(close_day(next_day()))

    day()
    before = [count(path) for path in (DAYS, SELLERS, f"{SELLERS}{seller.pk}/")]
    for _ in range(3):
        day()
    assert [count(path) for path in (DAYS, SELLERS, f"{SELLERS}{seller.pk}/")] == before
