"""What a member is told of an order: each step, once, in the member's language; no sender can break an order."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import sms
from accounts.models import InboxMessage
from accounts.tasks import send_message
from orders import events, notices, tasks
from orders.cancelling import cancel_order, cancel_parcel
from orders.models import OrderEvent, OrderLine
from orders.parcels import Reason, confirm_parcel, decline_parcel, deliver_parcel, dispatch_parcel, make_ready
from orders.refunds import Goods, refund_lines
from orders.stock_holds import expire_due_orders
from tests.factories import UserFactory
from tests.orders.paid import paid, placed

pytestmark = pytest.mark.django_db
DELIVERED = [{"lines": [(380, 2)], "fee": 100}]
COLLECTED = [{"lines": [(380, 2)], "method": "collection"}]
JOBS = {
    "orders.tasks.tell_member": tasks.tell_member,
    "orders.tasks.tell_recipient": tasks.tell_recipient,
    "accounts.tasks.send_message": send_message,
}


class Taking:
    sent: list[tuple[str, str]] = []

    def send(self, *, phone, text):
        self.sent.append((phone, text))


class Broken:
    def send(self, *, phone, text):
        raise OSError("the operator is away")


@pytest.fixture(autouse=True)
def operator(settings):
    settings.SMS_SENDER = f"{__name__}.Taking"
    Taking.sent.clear()


def work(times=1):
    """Do the waiting jobs as a worker would: one that fails stops nothing."""
    failed = []
    while jobs := list(ProcrastinateJob.objects.filter(task_name__in=JOBS, status="todo").order_by("id")):
        for job in jobs:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job.pk])
            for _ in range(times):
                try:
                    JOBS[job.task_name](**job.args)
                except OSError as error:
                    failed.append(error)
    return failed


def titles(order):
    return list(InboxMessage.objects.filter(user=order.user).order_by("pk").values_list("title", flat=True))


def member(language):
    return UserFactory(language=language)


def whole_way(order):
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    dispatch_parcel(order_code=order.code, number=1)
    deliver_parcel(order_code=order.code, number=1)


def test_every_kind_told_has_words_and_no_other():
    assert set(notices.WORDS) == events.TOLD


def test_a_delivery_step_by_step_in_english():
    order, _card = paid(user=member("en"), parcels=DELIVERED)
    whole_way(order)
    work()
    code = order.shown_code
    told = titles(order)
    assert told[0].startswith("Okryu receipt ")
    assert f"order {code}, 860 won held on card" in told[0]
    assert told[1:4] == [
        f"Okryu {code}: Okryugwan has confirmed",
        f"Okryu {code}: the parcel of Okryugwan is packed",
        told[3],
    ]
    assert "860 won taken from card" in told[3]
    assert "is on its way," in told[4]
    assert told[5] == f"Okryu {code}: the parcel of Okryugwan is handed over"
    first = InboxMessage.objects.filter(user=order.user).first()
    assert first is not None
    assert first.path == f"/orders/{order.code}/"


def test_the_same_in_korean():
    order, _card = paid(user=member("ko-kp"), parcels=DELIVERED)
    whole_way(order)
    work()
    code = order.shown_code
    told = titles(order)
    assert told[1] == f"옥류 {code}: 옥류관에서 확인하였습니다"
    assert told[5] == f"옥류 {code}: 옥류관의 소포를 넘겨주었습니다"
    assert "860원" in told[0]


@pytest.mark.parametrize("language", ["ko-kp", "en"])
def test_every_title_is_one_short_message(language):
    user = member(language)
    for specs in (DELIVERED, COLLECTED):
        order, _card = paid(user=user, parcels=specs, balance=20_000)
        order.parcels.get().seller.__class__.objects.update(
            name_ko_kp="금컵체육인종합식료공장", name_en="Kumkhop General Foodstuff Factory for Sportspersons"
        )
        for kind in sorted(events.TOLD):
            payment = str(order.payment_key)
            about = {"payment": payment, "amount": 1_234_567, "missing_won": 1_234_567, "reason": "not_in_stock"}
            about |= {"from": "2026-12-31T18:00:00+09:00", "until": "2026-12-31T20:00:00+09:00", "answer": "가" * 300}
            event = events.write(order, kind, parcel=order.parcels.get(), **about)
            told = notices.Told(event, order, order.parcels.get())
            with notices.translation.override(language):
                title, text = notices.WORDS[kind](told)
            assert sms.fits(title), (kind, len(title), title)
            assert len(text) <= 1000
            assert "%(" not in title + text


def test_in_part_with_what_is_missing():
    order, _card = paid(user=member("en"), parcels=[{"lines": [(80, 6)], "fee": 100}])
    line = OrderLine.objects.get(parcel__order=order)
    confirm_parcel(order_code=order.code, number=1, quantities={line.public_id: 5})
    work()
    message = InboxMessage.objects.get(user=order.user, title__contains="only a part")
    assert "80 won is not taken" in message.title
    assert "Thing 0: 5 of 6." in message.text


def test_declined_and_why_and_nothing_of_the_order_twice():
    order, _card = paid(user=member("en"))
    decline_parcel(order_code=order.code, number=1, reason=Reason.CLOSED)
    work()
    assert titles(order)[1:] == [f"Okryu {order.shown_code}: Okryugwan will not supply its parcel"]
    message = InboxMessage.objects.filter(user=order.user).first()
    assert message is not None
    assert "the seller is closed" in message.text
    assert "860 won for it will not be taken" in message.text


def test_a_collection_says_where_the_code_stands_and_not_the_code():
    order, _card = paid(user=member("en"), parcels=COLLECTED)
    confirm_parcel(order_code=order.code, number=1)
    make_ready(order_code=order.code, number=1)
    work()
    message = InboxMessage.objects.get(user=order.user, title__contains="collect it at Okryugwan until")
    assert "on the order's page" in message.text
    code = order.parcels.get().handover_code
    assert code not in message.text
    assert all(code not in text for phone, text in Taking.sent if "collect" in text)


def test_cancelled_whole_by_parcel_and_before_paying():
    user = member("en")
    whole, _card = paid(user=user, balance=20_000)
    cancel_order(order_code=whole.code, by=user)
    unpaid = placed(user=user)
    cancel_order(order_code=unpaid.code, by=user)
    two, _card = paid(user=user, parcels=[*DELIVERED, *DELIVERED])
    cancel_parcel(order_code=two.code, number=2, by=user)
    work()
    by_cause = {
        event.order_id: InboxMessage.objects.get(cause=f"order:{event.pk}")
        for event in OrderEvent.objects.filter(kind="cancelled")
    }
    assert "asked to free the 860 won" in by_cause[whole.pk].text
    assert by_cause[unpaid.pk].text == "Nothing has been taken."
    assert "Jangkyong Myoh.. is cancelled" in by_cause[two.pk].title


def test_run_out_and_refunded(settings):
    settings.ORDER_HOLD_MINUTES = -1
    late = placed(user=member("en"))
    settings.ORDER_HOLD_MINUTES = 15
    expire_due_orders()
    order, _card = paid(user=member("en"))
    whole_way(order)
    line = OrderLine.objects.get(parcel__order=order)
    refund_lines(
        order_code=order.code, number=1, key=order.checkout_token, quantities={line.public_id: 1}, goods=Goods.RESTOCK
    )
    work()
    assert titles(late) == [f"Okryu: the time to pay for order {late.shown_code} ran out"]
    assert "380 won is back on card" in titles(order)[-1]


def test_told_once_by_any_number_of_workers():
    order, _card = paid(user=member("en"))
    work(times=3)
    assert len(titles(order)) == 1
    assert len(Taking.sent) == 1


def test_a_broken_sender_breaks_no_order(settings):
    settings.SMS_SENDER = f"{__name__}.Broken"
    order, _card = paid(user=member("en"))
    assert work(), "the sender was asked and failed"
    whole_way(order)
    failed = work()
    order.refresh_from_db()
    assert order.status == "closed"
    assert len(failed) == 6, "five to the member and one to the recipient"
    assert len(titles(order)) == 6, "all of it stands in the inbox"
    assert not InboxMessage.objects.exclude(sent_at=None).exists()


@pytest.mark.parametrize(("is_gift", "words"), [(True, "a gift from 김은주"), (False, "a parcel from 김은주")])
def test_the_recipient_hears_when_it_comes_and_no_price(is_gift, words):
    user = member("en")
    order, _card = paid(
        user=user, recipient_phone="1957654321", recipient_name="리옥", is_gift=is_gift, language="ko-kp"
    )
    whole_way(order)
    work()
    texts = [text for phone, text in Taking.sent if phone == "1957654321"]
    assert len(texts) == 1
    assert ("선물" in texts[0]) == is_gift
    assert order.parcels.get().handover_code in texts[0]
    assert "원" not in texts[0].replace("송달원", "")
    assert sms.fits(texts[0])


def test_one_query_more_for_each_step_told():
    order, _card = paid()
    with CaptureQueriesContext(connection) as asked:
        events.write(order, "captured", amount=1)
    assert len(asked) == 2
    with CaptureQueriesContext(connection) as asked:
        events.write(order, "closed")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "fits"), [("a" * 160, True), ("a" * 161, False), ("가" * 70, True), ("가" * 71, False)]
)
def test_what_one_short_message_holds(text, fits):
    assert sms.fits(text) == fits
    assert sms.fits(sms.in_one(text))
