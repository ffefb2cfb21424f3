"""Paying by real processes at once, and a web process killed between the network's commit and the shop's."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from orders import cancelling
from orders.cancelling import cancel_order, cancel_parcel
from orders.healing import heal_once
from orders.models import Order, OrderLine, Parcel
from orders.parcels import confirm_parcel, make_ready
from payments.models import Message, Payment
from payments.network.models import Authorisation
from tests import databases
from tests.orders.paid import PIN, issued, money, paid, payment_of, placed, shelf
from tests.payments.processes import at_once

pytestmark = pytest.mark.ledger


def form(order, number, pin=PIN):
    return {"key": str(order.payment_key), "card": number, "pin": pin}


def signed_in(order):
    client = Client()
    client.force_login(order.user)
    return client


def test_the_same_payment_ten_times_at_once_is_one_hold():
    order = placed()
    card, presented = issued(10_000)
    client = signed_in(order)

    def pay_once(_):
        answer = client.post(f"/orders/{order.code}/payment/", form(order, presented.number))
        return answer.status_code, answer["Location"]

    assert set(at_once(10, pay_once)) == {(302, f"/orders/{order.code}/")}
    assert money(card) == (10_000, 860)
    assert Authorisation.objects.filter(merchant_reference=order.code).count() == 1
    order.refresh_from_db()
    assert order.status == "paid"


def test_a_wrong_pin_ten_times_at_once_is_one_try():
    order = placed()
    card, presented = issued(10_000)
    client = signed_in(order)

    def pay_once(_):
        return client.post(f"/orders/{order.code}/payment/", form(order, presented.number, "4832")).status_code

    assert set(at_once(10, pay_once)) <= {302, 422}
    card.refresh_from_db()
    assert (card.pin_tries, money(card)) == (1, (10_000, 0))
    assert Payment.objects.get(order_code=order.code).code == "55"


def test_cancelling_while_paying_keeps_no_money():
    for _ in range(5):
        order = placed()
        card, presented = issued(10_000)
        client = signed_in(order)

        def race(number, client=client, order=order, presented=presented):
            if number:
                return cancel_order(order_code=order.code).status
            return client.post(f"/orders/{order.code}/payment/", form(order, presented.number)).status_code

        assert at_once(2, race) == [302, "cancelled"]
        Message.objects.filter(code=None).update(next_at=timezone.now() - timedelta(seconds=1))
        heal_once()
        order.refresh_from_db()
        assert (order.status, money(card)) == ("cancelled", (10_000, 0))
        assert shelf(OrderLine.objects.get(parcel__order=order)) == (20, 0)


def test_a_slow_cancelling_holds_the_payment_up():
    """Without the order's lock the payment slips in between the cancelling's look and its commit."""
    order = placed()
    card, presented = issued(10_000)
    client = signed_in(order)
    slowly = cancelling.stock_holds.give_back

    def race(number):
        if number:
            time.sleep(0.3)
            return client.post(f"/orders/{order.code}/payment/", form(order, presented.number)).status_code
        with mock.patch.object(cancelling.stock_holds, "give_back", lambda lines: (time.sleep(1), slowly(lines))):
            return cancel_order(order_code=order.code).status

    assert at_once(2, race) == ["cancelled", 302]
    order.refresh_from_db()
    assert (order.status, money(card)) == ("cancelled", (10_000, 0))
    assert not Payment.objects.filter(order_code=order.code).exists()


def test_packed_or_cancelled_but_never_both():
    for _ in range(5):
        order, card = paid()
        confirm_parcel(order_code=order.code, number=1)

        def race(number, order=order):
            verb = cancel_parcel if number else make_ready
            return verb(order_code=order.code, number=1).status

        results = at_once(2, race)
        state = Parcel.objects.get(order=order).status
        assert state in {"ready", "cancelled"}
        assert sum(result == state for result in results) == 1, results
        assert money(card) == ((9140, 0) if state == "ready" else (10_000, 0))


# ------------------------------------------------------------------ kill -9


@contextmanager
def web(env):
    """The shop's own server in a process group of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level=error"]
    command += ["--worker-class=gthread", "--threads=4", "okryu.wsgi"]
    server = subprocess.Popen(command, env=env, cwd=databases.ROOT, start_new_session=True)
    try:
        wait_for(lambda: answers(port), seconds=30)
        yield server, port
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(port):
    try:
        ask(port, "GET", "/sign-in/")
    except OSError:
        return False
    return True


def ask(port, method, path, *, cookies=None, fields=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in (cookies or {}).items()), "Accept-Language": "en"}
    if fields:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, urlencode(fields) if fields else None, headers)
    answer = connection.getresponse()
    return answer, answer.read().decode()


def wait_for(condition, *, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s")


@pytest.mark.long
def test_a_web_process_killed_after_the_networks_commit_heals_by_itself(process_env):
    order = placed()
    card, presented = issued(10_000)
    session = signed_in(order).cookies
    cookies = {name: morsel.value for name, morsel in session.items()}
    pausing = {**process_env, "PAYMENT_GATEWAY": "tests.orders.pausing.PausingGateway"}
    with web(pausing) as (server, port):
        answer, page = ask(port, "GET", f"/orders/{order.code}/payment/", cookies=cookies)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)
        cookies["c"] = re.search(r"\bc=([^;]+)", answer.headers["Set-Cookie"]).group(1)
        fields = {**form(order, presented.number), "csrfmiddlewaretoken": token}
        post = http.client.HTTPConnection("127.0.0.1", port)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items()),
        }
        post.request("POST", f"/orders/{order.code}/payment/", urlencode(fields), headers)
        wait_for(lambda: Authorisation.objects.filter(merchant_reference=order.code).exists(), seconds=15)
        os.killpg(server.pid, signal.SIGKILL)
    assert money(card) == (10_000, 860)  # the network has written it …
    order.refresh_from_db()
    assert (order.status, payment_of(order).state) == ("placed", "pending")  # … and the shop has not

    killed = time.monotonic()
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "payments_tick", "--loop"],
        env=process_env,
        cwd=databases.ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with web(process_env) as (_server, port):
            assert "Do not pay again" in ask(port, "GET", f"/orders/{order.code}/", cookies=cookies)[1]
            wait_for(lambda: Order.objects.get(pk=order.pk).status == "paid", seconds=60)
            page = ask(port, "GET", f"/orders/{order.code}/", cookies=cookies)[1]
        assert "Payment received" in page
        assert time.monotonic() - killed < 60
    finally:
        worker.terminate()
        worker.wait(10)
    assert money(card) == (10_000, 860)
    assert Payment.objects.get(order_code=order.code).last4 == presented.number[-4:]
