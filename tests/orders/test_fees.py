"""Vehicles, fees and how parcels share one."""

import pytest

from accounts.models import District, Zone
from catalog.models import Seller
from orders.fees import Ride, delivery_fee, dish_minimum, shared_fees, smallest_sum, vehicle_for
from orders.models import Vehicle

CENTRAL = District(slug="chung", fee=100, zone=Zone(code="A"))


@pytest.mark.parametrize(
    ("weight", "needs_van", "vehicle"),
    [(10_000, False, "motorbike"), (10_001, False, "van"), (500, True, "van")],
)
def test_a_motorbike_carries_ten_kilograms(weight: int, needs_van: bool, vehicle: str) -> None:
    assert vehicle_for(weight_g=weight, needs_van=needs_van, district=CENTRAL) == vehicle


def test_a_far_zone_may_ask_for_the_van_sooner() -> None:
    """What the bureau has written for the zone decides."""
    far = District(slug="far", fee=300, zone=Zone(code="D", motorbike_limit_g=6_000))
    assert vehicle_for(weight_g=6_001, needs_van=False, district=far) == "van"
    assert vehicle_for(weight_g=6_000, needs_van=False, district=far) == "motorbike"


@pytest.mark.parametrize(
    ("kind", "minimum", "least"),
    [("shop", 0, 0), ("shop", 500, 500), ("restaurant", 500, 1_000), ("restaurant", 1_500, 1_500)],
)
def test_a_zones_own_minimum_holds_for_everything(kind: str, minimum: int, least: int) -> None:
    district = District(fee=150, zone=Zone(code="B", minimum_won=minimum))
    assert smallest_sum(Seller(kind=kind), district) == least


def test_a_minimum_brings_no_dishes_where_none_go() -> None:
    assert smallest_sum(Seller(kind="restaurant"), District(fee=300, zone=Zone(code="D", minimum_won=10))) is None


def test_a_van_costs_four_times_as_much() -> None:
    assert delivery_fee(CENTRAL, Vehicle.MOTORBIKE) == 100
    assert delivery_fee(CENTRAL, Vehicle.VAN) == 400


def ride(district: int = 1, window: str = "a", vehicle: str = "motorbike", fee: int = 100) -> Ride:
    return Ride(seller_district_id=district, window=window, vehicle=vehicle, fee=fee)


def test_parcels_that_ride_together_pay_the_larger_fee_once() -> None:
    assert shared_fees([ride(fee=100), ride(fee=150), None]) == [0, 150, 0]
    assert shared_fees([ride(), ride()]) == [100, 0]


@pytest.mark.parametrize("other", [ride(district=2), ride(window="b"), ride(vehicle="van")])
def test_other_districts_windows_and_vehicles_pay_for_themselves(other: Ride) -> None:
    assert shared_fees([ride(), other]) == [100, 100]


@pytest.mark.parametrize(("zone", "least"), [("A", 0), ("B", 1_000), ("C", None), ("D", None)])
def test_dishes_go_only_nearby(zone: str, least: int | None) -> None:
    assert dish_minimum(Seller(kind="restaurant"), District(zone_id=zone, fee=1)) == least
    assert dish_minimum(Seller(kind="shop"), District(zone_id=zone, fee=1)) == 0
