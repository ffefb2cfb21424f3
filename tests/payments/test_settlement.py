"""Mornings: the network's file is kept, joined with the books, booked, and the sellers are paid. Each step once."""

import hashlib
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payments import audit, pay, tasks
from payments.gateway import Answer, Ask, NoAnswer
from payments.models import Account, DayCut, Message, Transfer
from payments.network import settlement_file as network
from payments.network.gateway import SimulatedGateway
from payments.network.verbs import NotDisputable, charge_back
from payments.reconciliation import NotABreak, State, ask_again, explain, items, keep_file, reconcile
from payments.settlement import close_day, settle, settle_waiting_days, settle_with_file, waiting_days
from payments.settlement_file import Fault, FileRefused
from payments.settlement_models import Settlement, SettlementFile, SettlementLine
from payments.shop_book import seller_account
from tests.factories import UserFactory
from tests.payments.cast import asked, authorised, balance, balance_of, captured, issued, next_day, recorded, told

pytestmark = pytest.mark.django_db


def capture_question(payment, goods=900, fare=100, seller_id=5):
    return asked(
        pay.ask_capture, payment=payment, parcel=1, seller_id=seller_id, goods=goods, fare=fare, commission_bp=300
    )


def everything():
    """All that a settlement writes."""
    return (
        list(Transfer.objects.order_by("seq").values_list("uuid", "kind", "amount")),
        list(SettlementFile.objects.order_by("cut").values_list("id", "cut", "lines")),
        list(SettlementLine.objects.order_by("id").values_list("id", "amount")),
        list(Settlement.objects.order_by("cut").values_list("cut", "received", "paid_out")),
        list(Message.objects.order_by("id").values_list("id", "code", "file_id")),
    )


def well():
    assert [finding for finding in audit.audit() if finding.rows] == []


def states(cut):
    return {item.id: item.state for item in items(cut, states=tuple(State), limit=1_000)}


def altered(content, change, end):
    """The network's file with its lines changed and everything that vouches for them made right again."""
    rows = change(content.decode().splitlines()[:-1])
    above = "".join(f"{row}\n" for row in rows).encode()
    return above + f"T,{end},{hashlib.sha256(above).hexdigest()}\n".encode()


def test_a_day_with_figures():
    _, presented = issued(10_000)
    payment = authorised(presented, 3_000)
    capture = told(capture_question(payment, 1_900, 100))
    cut = close_day(next_day())
    content = network.write(cut)
    line = Transfer.objects.get(uuid=capture.id)
    assert content.decode().splitlines()[:2] == [
        f"H,1,KPW,{cut.day},{cut.pk},okryu",
        f"D,{capture.id},capture,2000,{line.seq},{line.at:%Y-%m-%dT%H:%M:%S.%fZ}",
    ]
    kept = keep_file(cut, content)
    assert (kept.lines, kept.captured, kept.returned, bytes(kept.content)) == (1, 2_000, 0, content)
    assert reconcile(cut).counts == {"matched": 1}
    settled = settle(cut)
    assert (settled.received, settled.paid_out, settled.sellers, settled.waits_for) == (2_000, 1_843 + 100, 1, "")
    assert Settlement.objects.get(cut=cut).paid_out == 1_943
    assert balance_of(Account.objects.get(kind="network")) == 0
    assert Transfer.objects.get(kind="receipt").reference == payment.id
    well()


def test_every_step_twice_and_in_any_order_writes_the_same_rows():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    first = close_day(next_day())
    captured(presented, 700)
    second = close_day(next_day())
    assert settle(second).waits_for == "file"
    keep_file(second, network.write(second))
    assert settle(second).waits_for == "earlier day"  # received, but nobody is paid before the day before
    assert [cut for cut, _ in settle_waiting_days()] == [first, second]
    done = everything()
    for step in [
        lambda: close_day(first.day), lambda: keep_file(second, network.write(second)), lambda: settle(second),
        lambda: keep_file(first, network.write(first)), lambda: settle_with_file(first), lambda: settle(first),
        lambda: tasks.settle_days(0), lambda: close_day(second.day),
    ]:  # fmt: skip
        step()
        assert everything() == done
    assert not waiting_days().exists()
    well()


def test_quiet_days_a_sale_and_a_quiet_day_are_all_settled():
    for _ in range(3):
        close_day(next_day())
    _, presented = issued(10_000)
    captured(presented, 1_000)
    close_day(next_day())
    close_day(next_day())
    assert [settled.paid_out for _, settled in settle_waiting_days()] == [0, 0, 0, 970, 0]
    assert list(SettlementFile.objects.order_by("cut").values_list("lines", flat=True)) == [0, 0, 0, 1, 0]
    well()


def test_another_file_for_the_same_day_is_refused():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    cut = close_day(next_day())
    content = network.write(cut)
    keep_file(cut, content)
    other = altered(content, lambda rows: rows[:1], "0,0,0,0")
    with pytest.raises(FileRefused, match="the day has another file already") as refusal:
        keep_file(cut, other)
    assert refusal.value.fault == Fault.OTHER_FILE
    assert bytes(SettlementFile.objects.get(cut=cut).content) == content


def test_a_line_of_an_earlier_file_is_refused():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    first = close_day(next_day())
    content = network.write(first)
    keep_file(first, content)
    second = close_day(next_day())
    again = altered(content, lambda rows: [f"H,1,KPW,{second.day},{second.pk},okryu", *rows[1:]], "1,1000,0,1000")
    with pytest.raises(FileRefused, match="an id of an earlier file"):
        keep_file(second, again)
    assert SettlementFile.objects.count() == 1


@pytest.mark.parametrize(
    "harm", [lambda b: b[:-1], lambda b: b.replace(b"1000", b"1001"), lambda b: b"\xef\xbb\xbf" + b]
)
def test_a_corrupt_file_posts_nothing(harm, monkeypatch, caplog):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    cut = close_day(next_day())
    monkeypatch.setattr(SimulatedGateway, "file", lambda self, day: harm(network.write(cut)))
    before = everything()
    assert settle_with_file(cut).waits_for == "refused file"
    assert everything() == before
    assert "is refused" in caplog.text
    with pytest.raises(CommandError, match="Not every day is settled"):
        call_command("settle_day", stdout=StringIO(), stderr=StringIO())
    monkeypatch.undo()
    assert settle_with_file(cut).paid_out == 970


def test_a_late_file_and_days_caught_up(monkeypatch):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    first = close_day(next_day())

    def nothing_yet(self, day):
        raise NoAnswer

    monkeypatch.setattr(SimulatedGateway, "file", nothing_yet)
    assert settle_with_file(first).waits_for == "file"
    captured(presented, 500)
    second = close_day(next_day())
    tasks.settle_days(0)
    assert not Settlement.objects.exists() and not Transfer.objects.filter(kind="payout").exists()
    monkeypatch.undo()
    tasks.settle_days(0)
    assert [row.cut for row in Settlement.objects.order_by("cut")] == [first, second]
    assert list(Transfer.objects.filter(kind="payout").order_by("seq").values_list("amount", flat=True)) == [970, 485]
    well()


def test_a_file_that_came_another_way(tmp_path):
    _, presented = issued(10_000)
    captured(presented, 1_000)
    cut = close_day(next_day())
    path = tmp_path / "file.csv"
    path.write_bytes(network.write(cut)[:-1])
    with pytest.raises(CommandError, match="nothing was booked: no closing line"):
        call_command("settle_day", "--day", str(cut.day), "--file", str(path), stdout=StringIO())
    path.write_bytes(network.write(cut))
    with pytest.raises(CommandError, match="which day"):
        call_command("settle_day", "--file", str(path), stdout=StringIO())
    out = StringIO()
    call_command("settle_day", "--dry-run", stdout=out)
    call_command("settle_day", "--day", str(cut.day), "--file", str(path), stdout=out)
    assert f"{cut.day} waits" in out.getvalue()
    assert "received 1,000, returned 0, paid 970 to 1 sellers" in out.getvalue()


def test_captured_at_the_network_and_unanswered_here_is_in_flight():
    _, presented = issued(10_000)
    question = capture_question(authorised(presented, 1_000))
    answer = pay.send(question)  # the network has moved it; we died before writing the answer down
    cut = close_day(next_day())
    settled = settle_with_file(cut)
    assert (settled.received, settled.waits_for) == (0, "answer")
    assert states(cut) == {question.id: State.IN_FLIGHT}
    assert not Settlement.objects.exists()
    recorded(question, answer)
    later = close_day(next_day())
    assert [(day, done.received, done.waits_for) for day, done in settle_waiting_days()] == [
        (cut, 1_000, ""), (later, 0, ""),
    ]  # fmt: skip
    assert Transfer.objects.filter(kind="payout").get().amount == 873
    assert states(later) == {}  # it stood in the file of the day before: not in transit
    well()


def test_an_answer_that_comes_while_a_day_is_settled_is_booked(monkeypatch):
    _, presented = issued(10_000)
    question = capture_question(authorised(presented, 1_000))
    answer = pay.send(question)
    cut = close_day(next_day())

    def answered_just_before(day):
        if Message.objects.get(pk=question.pk).code is None:
            recorded(question, answer)
        return reconcile(day)

    monkeypatch.setattr("payments.settlement.reconcile", answered_just_before)
    settled = settle_with_file(cut)
    assert (settled.received, settled.waits_for) == (1_000, "")
    assert Settlement.objects.get().received == 1_000
    assert not any(finding.rows for finding in audit.audit())


def test_an_amount_that_differs_gates_the_payouts_until_it_is_explained():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    good = captured(presented, 500)
    cut = close_day(next_day())
    keep_file(
        cut, altered(network.write(cut), lambda rows: [row.replace("1000", "900") for row in rows], "2,1400,0,1400")
    )
    settled = settle(cut)
    assert (settled.received, settled.paid_out, settled.waits_for) == (500, 0, "explanation")
    assert Transfer.objects.get(kind="receipt").reference == good.id
    broken = next(item for item in items(cut, states=("differs",), limit=10))
    assert (broken.filed, broken.booked, broken.payment_id) == (900, 1_000, payment.id)
    after = close_day(next_day())
    assert settle_with_file(after).waits_for == "earlier day"
    explain(cut=cut, about=broken.id, state="differs", reason="their rounding; claimed by letter 12", by=UserFactory())
    assert [(done.received, done.paid_out, done.waits_for) for _, done in settle_waiting_days()] == [
        (900, 1_455, ""), (0, 0, ""),
    ]  # fmt: skip
    assert balance_of(Account.objects.get(kind="network")) == -100  # still owed: the one open item
    well()


def test_only_in_the_file_is_a_break():
    _, presented = issued(10_000)
    captured(presented, 1_000)
    cut = close_day(next_day())
    stranger = uuid.uuid4()

    def with_stranger(rows):
        return [*rows, f"D,{stranger},capture,70,{2**40},2026-11-03T01:02:03.000004Z"]

    keep_file(cut, altered(network.write(cut), with_stranger, "2,1070,0,1070"))
    assert settle(cut).waits_for == "explanation"
    assert states(cut)[stranger] == State.NETWORK_ONLY
    assert ask_again(stranger) is None
    person = UserFactory()
    first = explain(cut=cut, about=stranger, state="network_only", reason="another shop's money", by=person)
    assert explain(cut=cut, about=stranger, state="network_only", reason="changed my mind", by=person) == first
    settled = settle(cut)
    assert (settled.received, settled.waits_for) == (70, "")
    assert Transfer.objects.get(kind="receipt", amount=70).reference == stranger
    well()


def test_a_line_explained_before_its_question_came_back_is_received_once():
    """A restore lost two questions that the network had answered: one is explained, then asked anew; the day waits."""
    _, presented = issued(10_000)
    lost = [authorised(presented, amount) for amount in (1_000, 500)]
    about = [pay.message_id(payment.id, "capture", 1) for payment in lost]
    for payment, key in zip(lost, about, strict=True):
        SimulatedGateway().tell(Ask(key, "capture", payment.amount, of=pay.message_id(payment.id, "authorise")))
    cut = close_day(next_day())
    assert settle_with_file(cut).waits_for == "explanation"
    reason = {"state": "network_only", "reason": "lost in the restore of Tuesday", "by": UserFactory()}
    explain(cut=cut, about=about[0], **reason)
    assert (settle(cut).received, Settlement.objects.filter(cut=cut).exists()) == (1_000, False)
    assert told(capture_question(lost[0])).code == "00"  # the same question has the same id, and its answer
    assert states(cut) == {about[0]: State.MATCHED, about[1]: State.NETWORK_ONLY}
    assert settle(cut).received == 0  # not once more
    explain(cut=cut, about=about[1], **reason)
    done = settle(cut)
    assert (done.received, done.waits_for) == (500, "")
    assert list(Transfer.objects.filter(kind="receipt").values_list("amount", flat=True)) == [1_000, 500]
    well()


def test_a_refusal_we_wrote_down_that_the_network_moved_is_a_break():
    _, presented = issued(10_000)
    question = capture_question(authorised(presented, 1_000))
    pay.send(question)
    recorded(question, Answer("25"))
    cut = close_day(next_day())
    assert settle_with_file(cut).waits_for == "explanation"
    assert states(cut) == {question.id: State.NETWORK_ONLY}
    assert ask_again(question.id).code == "00"


def test_only_in_our_books_is_in_transit_for_a_day_and_then_a_break():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    cut = close_day(next_day())
    keep_file(cut, altered(network.write(cut), lambda rows: rows[:1], "0,0,0,0"))
    assert settle(cut).waits_for == ""
    capture = pay.message_id(payment.id, "capture", 1)
    assert states(cut) == {capture: State.IN_TRANSIT}
    with pytest.raises(NotABreak):
        explain(cut=cut, about=capture, state="in_transit", reason="no need", by=UserFactory())
    after = close_day(next_day())
    assert settle_with_file(after).waits_for == "explanation"
    assert states(after) == {capture: State.SHOP_ONLY}
    assert ask_again(capture).code == "00"
    explain(cut=after, about=capture, state="shop_only", reason="they pay on Monday", by=UserFactory())
    assert settle(after).waits_for == ""
    assert balance_of(Account.objects.get(kind="network")) == -1_000
    well()


def test_in_transit_and_filed_the_day_after_is_well():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    first = close_day(next_day())
    content = network.write(first)
    keep_file(first, altered(content, lambda rows: rows[:1], "0,0,0,0"))
    assert settle(first).waits_for == ""
    second = close_day(next_day())
    header = f"H,1,KPW,{second.day},{second.pk},okryu"
    keep_file(second, altered(content, lambda rows: [header, *rows[1:]], "1,1000,0,1000"))
    assert reconcile(second).counts == {"matched": 1}
    assert settle(second).received == 1_000
    assert Transfer.objects.get(kind="receipt").reference == payment.id
    assert balance_of(Account.objects.get(kind="network")) == 0
    well()


# ---------------------------------------------------------------- chargebacks


def test_a_chargeback_comes_with_the_file():
    card, presented = issued(10_000)
    payment = captured(presented, 1_000)
    settle_with_file(close_day(next_day()))
    case, capture = uuid.uuid4(), pay.message_id(payment.id, "capture", 1)
    for _ in range(2):  # a case moves money once
        charge_back(case=case, capture=capture, amount=400, reason="never came")
    assert balance(card) == (9_400, 0)
    with pytest.raises(ValueError, match="something else"):
        charge_back(case=case, capture=capture, amount=300, reason="never came")
    for amount in (0, 601):
        with pytest.raises(NotDisputable):
            charge_back(case=uuid.uuid4(), capture=capture, amount=amount, reason="too much")
    with pytest.raises(NotDisputable):
        charge_back(case=uuid.uuid4(), capture=uuid.uuid4(), amount=1, reason="what")
    cut = close_day(next_day())
    assert f"D,{case},chargeback,400," in network.write(cut).decode()
    settled = settle_with_file(cut)
    assert (settled.returned, settled.waits_for) == (400, "")
    message = Message.objects.get(pk=case)
    assert (message.verb, message.code, message.goods, message.file_id) == ("refund", "00", 400, cut.settlement_file.id)
    payment.refresh_from_db()
    assert payment.refunded == 400
    assert balance_of(seller_account(5)) == -388  # 400 less 12 commission, netted from the next payouts
    assert states(cut) == {case: State.MATCHED}
    well()


def test_a_chargeback_beyond_what_is_left_is_a_break_and_takes_nothing_here():
    _, presented = issued(10_000)
    payment = captured(presented, 1_000)
    cut = close_day(next_day())
    case = uuid.uuid4()
    capture = pay.message_id(payment.id, "capture", 1)

    def with_case(rows):
        return [*rows, f"D,{case},chargeback,1001,{2**40},2026-11-03T01:02:03.000004Z,{capture}"]

    keep_file(cut, altered(network.write(cut), with_case, "2,1000,1001,-1"))
    assert states(cut)[case] == State.NETWORK_ONLY
    assert settle(cut).waits_for == "explanation"
    assert not Message.objects.filter(pk=case).exists()
    well()


def test_a_chargeback_takes_back_a_delivery_fee_after_the_goods():
    _, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    told(capture_question(payment, 900, 100))
    case = uuid.uuid4()
    charge_back(case=case, capture=pay.message_id(payment.id, "capture", 1), amount=950, reason="never came")
    settle_with_file(close_day(next_day()))
    message = Message.objects.get(pk=case)
    assert (message.goods, message.fare) == (900, 50)
    assert balance_of(seller_account(5)) == 0
    assert DayCut.objects.count() == 1
    well()


def test_a_return_after_a_chargeback_takes_goods_and_fee_no_more_than_once():
    _, presented = issued(10_000)
    payment = authorised(presented, 1_000)
    told(capture_question(payment, 900, 100))
    charge_back(case=uuid.uuid4(), capture=pay.message_id(payment.id, "capture", 1), amount=600, reason="never came")
    settle_with_file(close_day(next_day()))
    back = {"payment": payment, "parcel": 1, "part": 1, "seller_id": 5, "commission_bp": 300}
    for goods, fare in ((301, 0), (0, 101), (300, 101)):
        with pytest.raises(pay.TooMuch):
            asked(pay.ask_refund, goods=goods, fare=fare, **back)
    told(asked(pay.ask_refund, goods=300, fare=100, **back))
    assert balance_of(seller_account(5)) == -291  # what the last payout had paid of it
    assert balance_of(Account.objects.get(kind="commission")) == 0
    well()
