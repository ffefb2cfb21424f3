"""Dying at every boundary of every flow, and again at every boundary of the healing: nothing is lost or taken twice.

After each death the healing runs, the books are audited, and the scene is compared with figures worked out by hand
(flows.py). Then the person or the job does it again, and it must have happened exactly once.
"""

import os

import pytest

from orders.models import Order
from payments import audit
from payments.models import Message, Transfer
from payments.network.models import Authorisation, Release
from tests.payments.boundaries import boundaries_of, dies_at
from tests.payments.flows import FLOWS, Flow, Scene, Seen, heal, leave_out_the_others, waiting

pytestmark = [pytest.mark.ledger, pytest.mark.apart]
BY_NAME = {flow.name: flow for flow in FLOWS}
# Deaths that leave the same rows behind heal the same way: each kind is healed once, all of them by `make chaos`.
EVERY_DEATH = os.environ.get("CRASH_POINTS") == "all"


@pytest.fixture(autouse=True)
def _nothing_waits():
    """Questions that other tests left are not this test's: its healing meets its own alone."""
    leave_out_the_others()
    heal()


def assert_clean():
    assert [finding.view for finding in audit.audit() if finding.rows] == []
    assert not waiting().exists()


def die_once(flow: Flow, healing=heal) -> int:
    """Every boundary of the flow, one after the other; how many there are."""
    number = 0
    while True:
        number += 1
        scene = flow.prepare()
        if not dies_at(lambda scene=scene: flow.run(scene), number):
            heal()
            assert flow.look(scene) == flow.done
            return number - 1
        where = f"{flow.name}, dead at boundary {number}"
        expected = flow.expected(scene)
        healing()
        assert flow.look(scene) == expected, where
        do_again(flow, scene, where)
        assert_clean()


def die_twice(flow: Flow) -> int:
    """Every boundary of the healing after every death of the flow; how many pairs."""
    pairs, number, left = 0, 0, set()
    while True:
        number += 1
        scene = flow.prepare()
        if not dies_at(lambda scene=scene: flow.run(scene), number):
            break
        if (rows := rows_of(scene)) in left and not EVERY_DEATH:
            heal()
            do_again(flow, scene, flow.name)  # leave nothing half done to the next
            continue
        left.add(rows)
        again = 0
        while True:
            again += 1
            where = f"{flow.name}, dead at boundary {number} and at {again} of the healing"
            expected = flow.expected(scene)
            died = dies_at(heal, again)
            pairs += died
            heal()
            assert flow.look(scene) == expected, where
            do_again(flow, scene, where)
            if not died:
                break
            scene = flow.prepare()
            assert dies_at(lambda scene=scene: flow.run(scene), number)
    heal()
    assert_clean()
    return pairs


def die_again(flow: Flow) -> int:
    """What no healing finishes but doing it again: dead at every boundary, and again at every one of doing it again."""
    pairs, number = 0, 0
    while True:
        number += 1
        again = 0
        while True:
            again += 1
            scene = flow.prepare()
            if not dies_at(lambda scene=scene: flow.run(scene), number):
                assert flow.look(scene) == flow.done
                assert_clean()
                return pairs
            where = f"{flow.name}, dead at boundary {number} and at {again} of doing it again"
            died = dies_at(lambda scene=scene: flow.run(scene), again)
            pairs += died
            do_again(flow, scene, where)
            if not died:
                break


def do_again(flow: Flow, scene, where: str) -> None:
    flow.run(scene)
    heal()
    assert flow.look(scene) == flow.done, f"{where}, done again"


def rows_of(scene: Scene) -> str:
    """Everything the flow may have written about an order, as text."""
    code = scene.order.code
    authorisations = Authorisation.objects.filter(merchant_reference=code)
    return repr([
        sorted(Message.objects.filter(payment__order_code=code).values_list("verb", "code")),
        sorted(authorisations.values_list("state", "captured", "refunded", "released")),
        Release.objects.filter(authorisation__in=authorisations).count(),
        sorted(Transfer.objects.filter(reference__in=authorisations.values("id")).values_list("kind", "amount")),
        Order.objects.values_list("status", "parcels__status").filter(code=code),
    ])  # fmt: skip


def test_a_payment_dying_anywhere_is_taken_once_or_not_at_all():
    assert die_once(BY_NAME["payment"]) >= 16


def test_a_capture_has_three_commits_and_one_call():
    """Question, movement, answer: the boundaries are the ones the design names, so the counting counts."""
    flow = BY_NAME["capture"]
    scene = flow.prepare()
    commit = ["before commit", "after commit"]
    expected = [*commit, "before call tell", *commit, "after call tell", *commit]
    assert boundaries_of(lambda: flow.run(scene)) == expected


def test_without_healing_a_death_is_seen():
    """The negative control: a capture nobody asks about again is not what the figures say."""
    with pytest.raises(AssertionError, match="capture, dead at boundary 2"):
        die_once(BY_NAME["capture"], healing=lambda: None)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "payment"])
def test_dead_once_at_every_boundary(name):
    assert die_once(BY_NAME[name]) >= 2


OF_ORDERS = [flow.name for flow in FLOWS if isinstance(flow.done, Seen)]


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in OF_ORDERS])
def test_dead_twice_where_it_is_done_again(name):
    assert die_again(BY_NAME[name]) >= 2


@pytest.mark.long
@pytest.mark.parametrize("name", OF_ORDERS)
def test_dead_twice_at_every_boundary(name):
    assert die_twice(BY_NAME[name]) >= 8
