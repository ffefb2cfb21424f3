"""The whole shop as the role that owns nothing: joining, buying, delivering, returning, closing, settling, auditing."""

import re
import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.models import User
from okryu.calendar import local_day
from okryu.desk import DESKS
from orders.models import Order
from orders.refunds import Goods, refund_lines
from payments.audit import audit, count
from payments.models import AuditRun, Payment, Transfer
from payments.settlement import close_day, settle_with_file
from tests.journeys.newcomer import Newcomer
from tests.journeys.test_newcomer_buys import CARD, SHOPPER, STAFF, buy_two_bowls, do, sign_in
from tests.restricted import restricted

pytestmark = pytest.mark.long


@pytest.fixture
def shop(demo_shop):
    with restricted():
        yield demo_shop


def test_the_whole_way_of_money(shop):
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == ("okryu_app", "shop_app")
    _somebody_joins(shop)
    shopper, code = buy_two_bowls(shop)
    staff = sign_in(shop, **STAFF)
    for deed in ("confirm", "ready", "dispatch", "deliver"):
        do(staff, code, deed)
    _is_returned(code)
    assert "250,000원" in shopper.see("/card/").text
    _another_is_cancelled(shop)
    _day_ends()
    assert [finding for finding in audit() if finding.rows] == []
    assert count().is_whole


def _somebody_joins(base):
    fields = {"phone": "195-000-7777", "name": "새손님", "birth_year": "1990", "password": "spring-river-9"}
    newcomer = Newcomer(base, language="ko").see("/join/").send(to="/join/", button="가입", **fields)
    assert newcomer.status == 200
    assert User.objects.filter(phone="1950007777").exists()
    assert newcomer.see("/account/").path == "/account/"


def _is_returned(code):
    line = Order.objects.get(code=code).parcels.get().lines.get()
    refund_lines(
        order_code=code,
        number=1,
        key=uuid.uuid4(),
        quantities={line.public_id: line.quantity},
        goods=Goods.WRITE_OFF,
        with_fee=True,
    )
    payment = Payment.objects.get(order_code=code)
    assert (payment.captured, payment.refunded) == (860, 860)


def _another_is_cancelled(base):
    shopper = sign_in(base, **SHOPPER)
    shopper.see(f"/search/?q={quote('랭천사이다')}").follow("랭천사이다")
    shopper.send(to="/cart/lines/", quantity="1")
    shopper.see("/checkout/").send(button="주문하고 지불로")
    code = re.fullmatch(r"/orders/(\w+)/payment/", shopper.path)[1]
    shopper.send(to="/payment/", **CARD)
    shopper.see(f"/orders/{code}/").send(to="/cancellation/")
    payment = Payment.objects.get(order_code=code)
    assert payment.state in ("cancelled", "done")
    assert (payment.captured, payment.held) == (0, 0)


def _day_ends():
    yesterday = local_day(timezone.now()) - timedelta(days=1)
    for day in (yesterday, yesterday + timedelta(days=1)):
        assert settle_with_file(close_day(day)).waits_for == ""
    assert Transfer.objects.filter(kind="sale_back").exists()


def test_every_job_runs(shop):
    buy_two_bowls(shop)
    periodic = {task.task.name for task in app.periodic_registry.periodic_tasks.values()}
    assert {"payments.tasks.audit_ledger", "orders.tasks.sweep_orders"} <= periodic
    for name in sorted(periodic):
        task = app.tasks[name]
        if not task.pass_context:  # the one that does is the queue's own
            task.func(timestamp=0)
    assert {run.subject: run.is_clean for run in AuditRun.objects.all()} == {"ledger": True, "orders": True}
    task_id = app.tasks["orders.tasks.payments_tick"].defer(timestamp=0)
    assert task_id


def test_every_page_of_the_admin_and_every_desk_opens(shop):
    buy_two_bowls(shop)
    staff = sign_in(shop, **STAFF)
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert staff.see(address).status == 200, address
        if (row := model._default_manager.first()) and model._meta.model_name != "auditrun":
            assert staff.see(f"{address}{row.pk}/change/").status == 200, address
    for desk in DESKS:
        assert staff.see(desk.url).status == 200, desk.url
    assert staff.see("/readyz").status in (200, 503)  # no worker in a test
    assert '"migrations": true' in staff.html
